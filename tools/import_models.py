#!/usr/bin/env python3
"""Import AWS API models from a pinned botocore into lua/aws/models/*.txt.

    build/venv/bin/python tools/import_models.py [--check] [SERVICE...]

Facts only: names, shapes, locations, traits, constraints, paginators, waiters. Prose stays behind.
The result is text, one line a fact-bearing thing, sorted by bytes, so that a diff reads well and
lua/aws/model.lua finds a line by binary search without parsing the file:

    # ...                              where the file comes from
    e NAME JSON                        node of the endpoint rules, see tools/endpoint_rules.py
    m KEY VALUE                        metadata
    o NAME METHOD URI key=value...     operation
    p NAME key=value...                paginator
    s NAME TYPE key=value... MEMBER... shape
    w NAME key=value...                waiter

A MEMBER is Name[:Shape][!][;trait[=value]]...: the shape is left out where it has the member's name,
`!` marks a required one, a trait without a value is true. The traits header, headers, query, uri and
status say where the member travels and under which name; `as` is its name in the body, `lower`
that this is the member's with a small first letter. The same form without the name
(of=Shape;trait=value) refers to a list's element, a map's key and value. Inside a value, blanks,
control characters, `%`, `,` and `;` (and `:` where that separates) are %XX. A trait this tool does
not know is an error, so that nothing is lost unseen.
With --check nothing is written; the exit code is 1 when a file would change.
"""

import argparse
import gzip
import json
import pathlib
import re
import sys

import botocore

import endpoint_rules

BOTOCORE = "1.44.5"
SERVICES = [
    "application-autoscaling", "cloudformation", "cloudwatch", "dynamodb", "dynamodbstreams", "ebs",
    "ec2", "events", "iam", "kms", "lambda", "logs", "s3", "scheduler", "secretsmanager", "signin",
    "sns", "sqs", "ssm", "sso", "sso-oidc", "stepfunctions", "sts",
]  # fmt: skip
HEAD = f"# From botocore {BOTOCORE} (Apache-2.0) by tools/import_models.py. Not to be edited."
PARTITIONS = "../endpoint/partitions"
MODELS = pathlib.Path(__file__).resolve().parent.parent / "lua" / "aws" / "models"
DATA = pathlib.Path(botocore.__file__).parent / "data"

META = {
    "apiVersion", "awsQueryCompatible", "checksumFormat", "endpointPrefix", "globalEndpoint",
    "jsonVersion", "protocol", "serviceAbbreviation", "serviceFullName", "serviceId",
    "signatureVersion", "signingName", "targetPrefix", "uid", "xmlNamespace",
}  # fmt: skip
# Prose, and traits that say nothing a client without generated types needs.
IGNORED = {"documentation", "deprecatedMessage", "deprecatedSince", "box", "synthetic", "xmlOrder"}
FLAGS = {
    "deprecated", "document", "event", "eventheader", "eventpayload", "eventstream", "exception",
    "fault", "flattened", "hostLabel", "idempotencyToken", "jsonvalue", "requiresLength",
    "sensitive", "streaming", "union", "xmlAttribute",
}  # fmt: skip
WORDS = {"max", "min", "pattern", "payload", "queryName", "timestampFormat"}
LOCATIONS = {
    "header": "header", "headers": "headers", "querystring": "query", "statusCode": "status",
    "uri": "uri",
}  # fmt: skip


def escape(text):
    """The text with blanks, control characters, `,`, `;` and % as %XX."""
    return re.sub(r"[\x00-\x20\x7f%,;]", lambda c: f"%{ord(c[0]):02X}", str(text))


def colon_joined(*parts):
    """Texts as one value, with colons between."""
    return ":".join(escape(p).replace(":", "%3A") for p in parts)


def words(values):
    """A list of texts as one value."""
    return ",".join(escape(v) for v in values)


def word_list(value):
    """A text or a list of texts, as a list."""
    return [value] if isinstance(value, str) else value


def only(thing, known, where):
    unknown = set(thing) - set(known) - IGNORED
    if unknown:
        sys.exit(f"{where}: unknown traits {sorted(unknown)}: teach tools/import_models.py")


def name_traits(thing, member):
    """Where a member travels and what it is called there."""
    name = thing.get("locationName")
    if "location" in thing:
        yield LOCATIONS[thing["location"]], escape(name or member)
    elif name and member and name == member[0].lower() + member[1:]:
        yield "lower", "true"
    elif name:
        yield "as", escape(name)


def traits(thing, where, skip=(), member=""):
    """The (name, value) pairs of a shape or of a reference to one, in a fixed order."""
    known = FLAGS | WORDS | {"xmlNamespace", "contextParam", "retryable", "error", "enum"}
    only(thing, known | set(skip) | {"location", "locationName"}, where)
    yield from name_traits(thing, member)
    for name in sorted(set(thing) & known):
        value = thing[name]
        if name in FLAGS:
            if value:
                yield name, "true"
        elif name in WORDS:
            yield name, escape(value)
        elif name == "enum":
            yield name, words(value)
        elif name == "xmlNamespace":
            value = {"uri": value} if isinstance(value, str) else value
            yield name, escape(value["uri"]) + ("," + value["prefix"] if "prefix" in value else "")
        elif name == "contextParam":
            yield "context", escape(value["name"])
        elif name == "retryable":
            yield name, "throttling" if value.get("throttling") else "true"
        elif name == "error":
            only(value, {"code", "httpStatusCode", "senderFault"}, where)
            yield from (("error" + k[0].upper() + k[1:], escape(v)) for k, v in sorted(value.items()))


def reference(ref, where, name=""):
    """A member (with `name`), or an element, key or value (without)."""
    text = name
    if ref["shape"] != name:
        text += (":" if name else "") + ref["shape"]
    pairs = traits(ref, where, ("shape",), name)
    return text, "".join(f";{k}" if v == "true" else f";{k}={v}" for k, v in pairs)


def shape_line(name, shape):
    kind = shape["type"]
    line = f"s {name} {kind}"
    for key, value in traits(shape, name, ("type", "required", "members", "member", "key", "value")):
        line += f" {key}={value}"
    for role, key in (("of", "member"), ("key", "key"), ("value", "value")):
        if key in shape:
            line += f" {role}=" + "".join(reference(shape[key], name))
    required = shape.get("required", [])
    for member, ref in shape.get("members", {}).items():
        text, more = reference(ref, f"{name}.{member}", member)
        line += f" {text}{'!' if member in required else ''}{more}"
    return line


def checksum_traits(checksum, where):
    keys = {
        "requestAlgorithmMember": "checksumMember",
        "requestChecksumRequired": "checksumRequired",
        "requestValidationModeMember": "checksumMode",
        "responseAlgorithms": "checksumResponse",
    }
    only(checksum, keys, where)
    for key, ours in keys.items():
        value = checksum.get(key)
        if value:
            yield ours, words(value) if isinstance(value, list) else escape(value if value is not True else "true")


def events_member(op, shapes):
    """The member of an operation's output that is a stream of events, or None."""
    members = shapes[op["output"]["shape"]].get("members", {}) if "output" in op else {}
    return next((m for m, ref in members.items() if shapes[ref["shape"]].get("eventstream")), None)


def operation_traits(name, op, shapes):
    """The key=value pairs of an operation, in a fixed order."""
    only(op, {
        "name", "http", "input", "output", "errors", "idempotent", "readonly", "deprecated",
        "staticContextParams", "operationContextParams", "httpChecksum", "authtype", "auth",
        "endpoint", "unsignedPayload", "endpointdiscovery", "endpointoperation",
        "requestcompression",
    }, name)  # fmt: skip
    only(op["http"], {"method", "requestUri", "responseCode"}, name)
    for side in ("input", "output"):
        ref = dict(op.get(side, {}))
        if ref:
            yield side, ref.pop("shape")
        wrapper = ref.pop("resultWrapper", None)
        if wrapper:
            yield "resultWrapper", wrapper
        yield from ((side + k[0].upper() + k[1:], v) for k, v in traits(ref, name))
    if events_member(op, shapes):
        yield "events", events_member(op, shapes)
    if op.get("errors"):
        yield "errors", words(sorted(e["shape"] for e in op["errors"]))
    if botocore.xform_name(name) != plain_snake_case(name):
        yield "alias", botocore.xform_name(name)
    if op["http"].get("responseCode", 200) != 200:
        yield "status", op["http"]["responseCode"]
    for flag in ("readonly", "idempotent", "deprecated", "unsignedPayload", "endpointoperation"):
        if op.get(flag):
            yield flag, "true"
    if "endpointdiscovery" in op:
        yield "endpointdiscovery", "required" if op["endpointdiscovery"].get("required") else "true"
    if "authtype" in op:
        yield "authtype", op["authtype"]
    if "auth" in op:
        yield "auth", ",".join(op["auth"])
    if "endpoint" in op:
        yield "hostPrefix", escape(op["endpoint"]["hostPrefix"])
    if "requestcompression" in op:
        yield "compression", words(op["requestcompression"]["encodings"])
    yield from checksum_traits(op.get("httpChecksum", {}), name)
    for key, value in sorted(op.get("staticContextParams", {}).items()):
        yield "static", colon_joined(key, json.dumps(value["value"]))
    for key, value in sorted(op.get("operationContextParams", {}).items()):
        yield "context", colon_joined(key, value["path"])


def plain_snake_case(name):
    """botocore's xform_name without its list of exceptions, as lua/aws/model.lua does it."""
    return botocore.xform_name(name, "_", {})


def operation_line(name, op, shapes):
    line = f"o {name} {op['http']['method']} {escape(op['http']['requestUri'])}"
    return line + "".join(f" {k}={v}" for k, v in operation_traits(name, op, shapes))


def paginator_line(name, pages):
    keys = {
        "input_token": "input", "output_token": "output", "result_key": "result",
        "limit_key": "limit", "more_results": "more", "non_aggregate_keys": "keep",
    }  # fmt: skip
    only(pages, set(keys) | {"py_input_token"}, name)
    line = f"p {name}"
    for key, ours in keys.items():
        if key in pages:
            line += f" {ours}={words(word_list(pages[key]))}"
    return line


def waiter_line(name, waiter):
    only(waiter, {"operation", "delay", "maxAttempts", "acceptors", "description"}, name)
    line = f"w {name} operation={waiter['operation']} delay={waiter['delay']} attempts={waiter['maxAttempts']}"
    for a in waiter["acceptors"]:
        only(a, {"state", "matcher", "expected", "argument"}, name)
        parts = (a["state"], a["matcher"], json.dumps(a["expected"]), a.get("argument", ""))
        line += " accept=" + colon_joined(*parts)
    return line


def meta_lines(service, model):
    meta = dict(model["metadata"])
    only(meta, META | {"auth", "protocols"}, service)
    lists = {"auth": meta.pop("auth", []), "protocols": meta.pop("protocols", [])}
    yield f"m id {service}"
    for key, value in meta.items():
        yield f"m {key} {'true' if value == {} else value}"
    for key, values in lists.items():
        yield f"m {key} {words(values)}"
    for key, value in model.get("clientContextParams", {}).items():
        yield f"m client.{key} {value['type']}"


def read(folder, name):
    """A JSON file of the service, plain or gzipped; {} when there is none."""
    for path, opener in ((folder / name, open), (folder / (name + ".gz"), gzip.open)):
        if path.exists():
            with opener(path, "rb") as f:
                return json.load(f)
    return {}


def merge(base, extra):
    """Put `extra` into `base`, object by object."""
    for key, value in extra.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            merge(base[key], value)
        else:
            base[key] = value
    return base


def load(folder, kind):
    """A file with what botocore itself adds to AWS's facts (loaders.py, ExtrasProcessor)."""
    extras = read(folder, f"{kind}.sdk-extras.json").get("merge", {})
    return merge(read(folder, f"{kind}.json"), extras)


def service_text(service):
    """The whole file for one service."""
    folder = max(p for p in (DATA / service).iterdir() if p.is_dir())
    model = load(folder, "service-2")
    lines = [*meta_lines(service, model)]
    lines += [operation_line(n, op, model["shapes"]) for n, op in model["operations"].items()]
    lines += [shape_line(n, shape) for n, shape in model["shapes"].items()]
    pages = load(folder, "paginators-1").get("pagination", {})
    lines += [paginator_line(n, p) for n, p in pages.items() if n in model["operations"]]
    waiters = load(folder, "waiters-2").get("waiters", {})
    lines += [waiter_line(n, w) for n, w in waiters.items()]
    lines += endpoint_rules.RuleSet(service, load(folder, "endpoint-rule-set-1")).lines()
    lines.sort(key=str.encode)
    return "\n".join([HEAD, *lines]) + "\n"


def partitions_text():
    """The file of partitions; not sorted, for the first one is the default."""
    return "\n".join([HEAD, *endpoint_rules.partition_lines(read(DATA, "partitions.json"))]) + "\n"


def main():
    options = argparse.ArgumentParser(description="Import AWS API models from botocore.")
    options.add_argument("services", nargs="*", metavar="SERVICE", help="default: all")
    options.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    args = options.parse_args()
    if botocore.__version__ != BOTOCORE:
        sys.exit(f"botocore {BOTOCORE} is needed, found {botocore.__version__}")
    changed = 0
    for service in args.services or [*SERVICES, PARTITIONS]:
        path = (MODELS / f"{service}.txt").resolve()
        text = (partitions_text() if service == PARTITIONS else service_text(service)).encode()
        if path.exists() and path.read_bytes() == text:
            continue
        changed += 1
        print(f"{'would change' if args.check else 'wrote'} {path.name}")
        if not args.check:
            path.write_bytes(text)
    sys.exit(1 if args.check and changed else 0)


if __name__ == "__main__":
    main()
