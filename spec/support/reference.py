"""What botocore, the reference, says: as JSON on standard output, for specs that compare awsbak with it.

    reference.py model SERVICE            {"model", "paginators", "waiters", "snake"}
    reference.py requests SERVICE SEED N  N random inputs for each operation, and their requests
    reference.py replies SERVICE SEED N   N random replies for each operation, and what they mean

In values, times are epoch seconds and blobs are text.
"""

import base64
import datetime
import json
import pathlib
import random
import sys
from email.utils import formatdate
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

from botocore import model, parsers, serialize, xform_name
from botocore.awsrequest import HeadersDict

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import import_models  # noqa: E402

LETTERS = "ab Z09-_./:&=+<>'\"\\,;%?#é€😀~*$@!(){}[]|^`\t\n"
DEPTH_MAX = 6
# Operations whose replies botocore's parser does not read, and why.
UNREAD = {
    "GetBucketLocation": "the root is the value, which a handler outside the parser reads",
    "GetBucketNotification": "Event and Events share an element: Event becomes a list of XML nodes",
}
UTC = datetime.timezone.utc


def loaded(service):
    """The folder of a service's model, and the model."""
    folder = max(p for p in (import_models.DATA / service).iterdir() if p.is_dir())
    return folder, import_models.load(folder, "service-2")


def description(service):
    """The same, in JSON where the service speaks CBOR first."""
    folder, described = loaded(service)
    if described["metadata"]["protocol"] == "smithy-rpc-v2-cbor":
        described["metadata"]["protocol"] = "json"
    return folder, described


def command_model(service):
    folder, described = loaded(service)
    return {
        "model": described,
        "paginators": import_models.load(folder, "paginators-1"),
        "waiters": import_models.load(folder, "waiters-2"),
        "snake": {name: xform_name(name) for name in described["operations"]},
    }


class Maker:
    """Random values by shape; those for headers have characters that headers can carry."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, shape, letters=LETTERS):
        if getattr(shape, "enum", None):
            return self.random.choice(shape.enum)
        return "".join(self.random.choice(letters) for _ in range(self.random.randint(1, 12)))

    def time(self):
        return self.random.randint(0, 4102444800) + self.random.choice([0, 0, 0.5, 0.125])

    def members(self, shape, depth):
        required = shape.required_members
        names = list(shape.members)
        if shape.is_tagged_union:
            names = required = [self.random.choice(names)]
        return [n for n in names if n in required or (depth < DEPTH_MAX and self.random.random() < 0.5)]

    def make(self, shape, depth=0):
        kind = shape.type_name
        located = shape.serialization.get("location")
        if kind == "structure":
            return {n: self.make(shape.members[n], depth + 1) for n in self.members(shape, depth)}
        if kind == "list":
            n = self.random.randint(0 if depth > 1 and not located else 1, 3)
            return [] if depth > DEPTH_MAX else [self.make(shape.member, depth + 1) for _ in range(n)]
        if kind == "map":
            keys = {self.text(shape.key, "abcxyz") for _ in range(self.random.randint(0, 3))}
            letters = "abc xyz" if located else LETTERS
            if shape.value.type_name == "string":
                return {k: self.text(shape.value, letters).strip() or "v" for k in sorted(keys)}
            return {} if depth > DEPTH_MAX else {k: self.make(shape.value, depth + 1) for k in sorted(keys)}
        if kind in ("integer", "long"):
            top = 2**31 - 1 if kind == "integer" else 2**63 - 1
            return self.random.choice([0, 1, -1, top, self.random.randint(0, top)])
        if kind in ("float", "double"):
            return self.random.choice([0.0, 1.5, -2.25, 1e-7, self.random.random()])
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return int(self.time()) if located == "header" else self.time()
        if shape.serialization.get("hostLabel"):
            return self.text(shape, "abc-9")
        if located in ("header", "headers"):
            return self.text(shape, "abc XYZ09,\"'=;/").strip(" ,") or "v"
        return self.text(shape)


def to_botocore(shape, value):
    """A value with times and blobs as botocore takes them."""
    kind = shape.type_name
    if kind == "structure":
        return {k: to_botocore(shape.members[k], v) for k, v in value.items()}
    if kind == "list":
        return [to_botocore(shape.member, v) for v in value]
    if kind == "map":
        return {k: to_botocore(shape.value, v) for k, v in value.items()}
    if kind == "timestamp":
        return datetime.datetime.fromtimestamp(value, UTC)
    return value.encode() if kind == "blob" else value


def from_botocore(value):
    """What a parser gave, as JSON can say it."""
    if isinstance(value, dict):
        return {k: from_botocore(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [from_botocore(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value.decode() if isinstance(value, bytes) else value


def query_pairs(request):
    path, _, fixed = request["url_path"].partition("?")
    pairs = parse_qsl(fixed, keep_blank_values=True)
    for name, value in (request["query_string"] or {}).items():
        pairs += [(name, str(v)) for v in (value if isinstance(value, list) else [value])]
    return path, sorted(pairs)


def as_text(body):
    return body.decode() if isinstance(body, (bytes, bytearray)) else body


def operations(service, seed, count):
    """(service model, operation, maker) for each case, each with a seed of its own."""
    _, described = description(service)
    api = model.ServiceModel(described, service)
    for name in api.operation_names:
        for i in range(int(count)):
            yield api, api.operation_model(name), Maker(f"{seed} {name} {i}")


def command_requests(service, seed, count):
    cases = []
    for api, op, maker in operations(service, seed, count):
        value = maker.make(op.input_shape) if op.input_shape else {}
        serializer = serialize.create_serializer(api.metadata["protocol"], include_validation=False)
        given = to_botocore(op.input_shape, value) if op.input_shape else {}
        request = serializer.serialize_to_request(given, op)
        path, query = query_pairs(request)
        body = request["body"]
        cases.append({
            "operation": op.name,
            "input": value,
            "method": request["method"],
            "path": path,
            "query": query,
            "headers": {k.lower(): str(v) for k, v in request["headers"].items()},
            "form": {k: str(v) for k, v in body.items()} if isinstance(body, dict) else None,
            "body": None if isinstance(body, dict) else as_text(body),
            "host_prefix": request.get("host_prefix"),
        })  # fmt: skip
    return cases


def reply_time(value, style):
    if style == "unixtimestamp":
        return value
    if style == "rfc822":
        return formatdate(value, usegmt=True)
    return datetime.datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")


def reply_scalar(shape, value, style):
    style = shape.serialization.get("timestampFormat", style).lower()
    if shape.type_name == "timestamp":
        return reply_time(value, style)
    if shape.type_name == "blob":
        return base64.b64encode(value.encode()).decode()
    return value


def reply_json(shape, value):
    if shape.type_name == "structure":
        return {
            shape.members[k].serialization.get("name", k): reply_json(shape.members[k], v)
            for k, v in value.items()
        }
    if shape.type_name == "list":
        return [reply_json(shape.member, v) for v in value]
    if shape.type_name == "map":
        return {k: reply_json(shape.value, v) for k, v in value.items()}
    return reply_scalar(shape, value, "unixtimestamp")


def element(name, inner, attributes=""):
    return f"<{name}{attributes}>{inner}</{name}>"


def xml_text(shape, value, style="iso8601"):
    value = reply_scalar(shape, value, style)
    return str(value).lower() if isinstance(value, bool) else escape(str(value), {"\r": "&#13;"})


def xml_list(shape, value, name):
    flat = shape.serialization.get("flattened")
    own = shape.member.serialization.get("name")
    inner = "".join(reply_xml(shape.member, v, (own or name) if flat else (own or "member")) for v in value)
    return inner if flat else element(name, inner)


def xml_map(shape, value, name):
    flat = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    inner = "".join(
        element(name if flat else "entry", reply_xml(shape.key, k, key_name) + reply_xml(shape.value, v, value_name))
        for k, v in value.items()
    )
    return inner if flat else element(name, inner)


def xml_members(shape, value):
    """Attributes and children of a structure, without the members that travel in headers."""
    attributes, inner = "", ""
    for name, item in value.items():
        member = shape.members[name]
        if member.serialization.get("xmlAttribute"):
            attributes += f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type={quoteattr(item)}'
        elif "location" not in member.serialization:
            inner += reply_xml(member, item, member.serialization.get("name", name))
    return attributes, inner


def reply_xml(shape, value, name):
    if shape.type_name == "structure":
        attributes, inner = xml_members(shape, value)
        return element(name, inner, attributes)
    if shape.type_name == "list":
        return xml_list(shape, value, name)
    if shape.type_name == "map":
        return xml_map(shape, value, name)
    return element(name, xml_text(shape, value))


def reply_headers(shape, value):
    headers, status = {}, 200
    for name, item in value.items():
        member = shape.members[name]
        place, key = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "statusCode":
            status = item = 200
            value[name] = 200
        elif place == "headers":
            headers.update({key + k: v for k, v in item.items()})
        elif place == "header" and member.type_name == "list":
            headers[key] = ", ".join(item)
        elif place == "header":
            text = reply_scalar(member, item, "rfc822")
            headers[key] = str(text).lower() if isinstance(text, bool) else str(text)
    return status, headers


def rest_xml_body(op, shape, value):
    payload = shape.serialization.get("payload")
    if payload is None:
        in_body = any("location" not in m.serialization for m in shape.members.values())
        return element(op.name + "Output", xml_members(shape, value)[1]) if in_body else ""
    member = shape.members[payload]
    if member.type_name in ("blob", "string"):
        return value.setdefault(payload, "")
    return reply_xml(member, value.setdefault(payload, {}), payload)


def rest_json_body(shape, value):
    payload = shape.serialization.get("payload")
    if payload is None:
        inside = {k: v for k, v in value.items() if "location" not in shape.members[k].serialization}
        return json.dumps(reply_json(shape, inside))
    member = shape.members[payload]
    if member.type_name in ("blob", "string"):
        return value.setdefault(payload, "")
    return json.dumps(reply_json(member, value.setdefault(payload, {})))


def reply(api, op, value):
    """Status, headers and body of the reply that carries `value`."""
    protocol, shape = api.metadata["protocol"], op.output_shape
    if protocol == "json":
        return 200, {}, json.dumps(reply_json(shape, value))
    if protocol == "query":
        wrapper = shape.serialization["resultWrapper"]
        return 200, {}, element(op.name + "Response", reply_xml(shape, value, wrapper))
    if protocol == "ec2":
        return 200, {}, element(op.name + "Response", xml_members(shape, value)[1])
    status, headers = reply_headers(shape, value)
    if protocol == "rest-json":
        return status, headers, rest_json_body(shape, value)
    return status, headers, rest_xml_body(op, shape, value)


def command_replies(service, seed, count):
    cases = []
    for api, op, maker in operations(service, seed, count):
        if op.output_shape is None or op.has_event_stream_output or op.name in UNREAD:
            continue
        status, headers, body = reply(api, op, maker.make(op.output_shape))
        answer = {"status_code": status, "headers": HeadersDict(headers), "body": body.encode(), "context": {}}
        output = parsers.create_parser(api.metadata["protocol"]).parse(answer, op.output_shape)
        cases.append({
            "operation": op.name,
            "status": status,
            "headers": sorted((k.lower(), v) for k, v in headers.items()),
            "body": body,
            "output": from_botocore(output),
        })  # fmt: skip
    return cases


COMMANDS = {"model": command_model, "requests": command_requests, "replies": command_replies}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
