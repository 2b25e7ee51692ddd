"""Calls of every operation, made by botocore and by awsbak against one recording loopback server, and compared.

    differential.py FOLDER SERVICE SEED COUNT

Makes COUNT random calls of each operation, each with a reply or an error reply, and lets botocore make them. Then it
is steered as spec/support/control.py says:

  cases      writes FOLDER/cases.json, [{"operation", "input"}]; gives the server's port and how many calls there are
  compare    reads FOLDER/results.json, what awsbak got from the same calls in order; gives what differs, as lines

A value that JSON cannot say is an object of one member: {"$bytes": base64}, {"$float": "NaN"}.
"""

import asyncio
import base64
import datetime
import hashlib
import json
import math
import pathlib
import sys
import threading
import xml.etree.ElementTree as ElementTree
import zlib
from urllib.parse import parse_qsl

import botocore.session
from awscrt import checksums
from botocore import handlers
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody

import control
import faults
import http_server
import values

# How botocore fails on a reply that it does not understand.
BOTOCORE_FAILURES = (
    BotoCoreError, ResponseParserError, ElementTree.ParseError, TypeError, ValueError, AttributeError, KeyError,
)  # fmt: skip
# What botocore makes of results beyond their models, and awsbak does not: policies and templates, which are text, are
# parsed, and a bucket's place is the text of the root, also where it is in an element.
MAKEOVERS = [
    ("after-call.iam", handlers.json_decode_policies),
    ("after-call.cloudformation.GetTemplate", handlers.json_decode_template_body),
    ("after-call.s3.GetBucketLocation", handlers.parse_get_bucket_location),
]
# What awsbak makes and botocore does not: keys of uploads, too, are asked for in a form that XML can carry.
MORE = [
    ("before-parameter-build.s3.ListMultipartUploads", handlers.set_list_objects_encoding_type_url),
    ("after-call.s3.ListMultipartUploads", lambda parsed, context, **_: handlers._decode_list_object(
        ["KeyMarker", "NextKeyMarker", "Prefix", "Delimiter"], [("Uploads", "Key"), ("CommonPrefixes", "Prefix")],
        parsed, context)),
]  # fmt: skip
# What differs on purpose: service and operation, where (how the line begins), and why.
EXCEPTIONS = [
    ("ec2", "GetConsoleOutput", "result.output.Output:", "botocore makes nothing of what is no base64"),
    *(("s3", "GetBucketNotification", f"result.output.{kind}Configuration.Event:", "Event and Events share an element: "
       "botocore makes XML nodes of Event") for kind in ("CloudFunction", "Queue", "Topic")),
    ("s3", "ListObjectVersions", "result.botocore", "botocore fails where a version has no Key"),
    ("s3", "ListObject", "result.botocore", "botocore fails where an object has no Key"),
    ("s3", "ListMultipartUploads", "result.botocore", "its decoder, lent to this operation (MORE), fails so, too"),
    ("s3", "Head", "result.message", "a HEAD has no body: botocore takes the status line's words"),
    ("s3", "GetObjectAttributes", "request.headers.x-amz-server-side-encryption-customer-key", "botocore's handler, "
     "which encodes the key, is not registered for this operation"),
    ("s3", "ListParts", "request.headers.x-amz-server-side-encryption-customer-key", "the same"),
]  # fmt: skip
# Headers that differ by nature: who sends it, when, how it is signed and framed.
UNCOMPARED = {
    "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization", "connection", "content-length",
    "expect", "host", "transfer-encoding", "user-agent", "x-amz-date", "accept",
}  # fmt: skip
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


def plain(value):
    """A value as JSON says it, the same for both sides."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        seconds = (value - datetime.datetime(1970, 1, 1, tzinfo=values.UTC)).total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(values.number_text(value))}
    return value


class Server:
    """Answers each request with the reply of the case it belongs to, which is told by its place in the order."""

    def __init__(self):
        self.replies, self.requests, self.connections = [], [], set()

    def restart(self):
        self.requests = []

    def answer(self, request):
        n = len(self.requests)
        self.requests.append(request)
        if n >= len(self.replies):
            return http_server.Reply(500)
        status, headers, body = self.replies[n]
        return http_server.Reply(status, list(headers.items()), body)

    def opened(self, connection):
        self.connections.add(connection)
        return len(self.connections)


def start(server):
    """Serve from a thread of its own; the port."""
    port, ready = [], threading.Event()

    async def main():
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: http_server.Connection(server), "127.0.0.1", 0)
        port.append(listener.sockets[0].getsockname()[1])
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(main()), daemon=True).start()
    ready.wait()
    return port[0]


def make_client(service, port):
    session = botocore.session.Session()
    # Models as they are, but in JSON where a service speaks CBOR first, which awsbak does not.
    load = session.get_component("data_loader").load_service_model

    def load_service_model(name, kind, api_version=None):
        model = load(name, kind, api_version)
        if kind == "service-2" and "smithy-rpc-v2-cbor" in model["metadata"].get("protocols", []):
            model["metadata"].update(protocol="json", protocols=["json"])
        return model

    session.get_component("data_loader").load_service_model = load_service_model
    for event, handler in MAKEOVERS:
        session.unregister(event, handler)
    for event, handler in MORE:
        session.register(event, handler)
    config = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, parameter_validation=True)
    return session.create_client(service, endpoint_url=f"http://127.0.0.1:{port}", config=config, **KEYS)


class Case:
    """One call: its input, and the reply it gets."""

    def __init__(self, api, op, seed):
        self.op, self.api = op, api
        maker = values.Maker(seed, valid=True)
        self.input = maker.make(op.input_shape) if op.input_shape else {}
        if "ContentLength" in self.input:  # S3's header: not what a server would believe otherwise
            self.input["ContentLength"] = len(self.input.get("Body", b""))
        self.fault = None
        noise, teller = values.Noise(seed + " noise"), values.Maker(seed + " reply")
        # What streams of events are read as is compared in spec/aws/protocol/event_stream_spec.lua.
        if teller.maybe(0.4) or op.has_event_stream_output:
            self.fault = faults.FaultMaker(api, op, seed + " fault").make()
            self.reply = self.fault.status, self.fault.headers, self.fault.body
        elif op.output_shape is None:
            self.reply = op.http.get("responseCode", 200), {}, empty_body(api, op)
        else:
            self.reply = values.reply(api, op, teller.make(op.output_shape), noise)

    def run(self, client):
        """What botocore makes of it."""
        given = values.to_botocore(self.op.input_shape, self.input) if self.op.input_shape else {}
        try:
            output = client._make_api_call(self.op.name, given)
            return {"output": plain(whole(output))}
        except ClientError as e:
            response = dict(e.response)
            error, about = response.pop("Error", {}), response.pop("ResponseMetadata", {})
            return {
                "code": error.get("Code"),
                "message": error.get("Message"),
                "status": about.get("HTTPStatusCode"),
                "request_id": about.get("RequestId"),
                "fields": plain({**{k: v for k, v in error.items() if k not in ("Code", "Message", "Type")}, **response}),
            }


def whole(output):
    """The output with its streams read."""
    return {k: v.read() if isinstance(v, StreamingBody) else v for k, v in output.items()}


def empty_body(api, op):
    if api.metadata["protocol"] == "json":
        return b"{}"
    if api.metadata["protocol"] in ("query", "ec2"):
        return f"<{op.name}Response><requestId>r</requestId></{op.name}Response>".encode()
    return b""


def cases(client, service, seed, count):
    api = client.meta.service_model
    for name in api.operation_names:
        op = api.operation_model(name)
        for i in range(count):
            yield Case(api, op, f"{seed} {service} {name} {i}")


# --- comparing ---


def tree(node):
    """An XML element as it is compared: name, attributes, text where it has no children."""
    text = (node.text or "") if len(node) == 0 else ""
    return [node.tag, sorted(node.attrib.items()), text, [tree(child) for child in node]]


def unique(pairs):
    """What is told of each name; of a name that comes twice, all."""
    told = dict(pairs)
    return told if len(told) == len(pairs) else sorted(pairs, key=str)


def presigned(text):
    """A URL in a request, without what its moment is in."""
    address, _, query = text.partition("?")
    moment = {"X-Amz-Date", "X-Amz-Signature"}
    told = {k: v for k, v in parse_qsl(query, True) if k not in moment}
    scope = told.get("X-Amz-Credential", "").split("/")
    return {**told, "address": address, "X-Amz-Credential": [w for i, w in enumerate(scope) if i != 1]}


def body_of(request):
    body, kind = request.body, request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return unique([(k, presigned(v) if k == "PresignedUrl" else v) for k, v in parse_qsl(body.decode(), True)])
    for read in (lambda b: json.loads(b, object_pairs_hook=unique), lambda b: tree(ElementTree.fromstring(b))):
        try:
            return read(body)
        except (ValueError, ElementTree.ParseError, UnicodeDecodeError):
            continue
    return plain(body)


def digests(body):
    """The values that headers about a body may have."""
    crc32 = zlib.crc32(body).to_bytes(4, "big")
    made = [hashlib.sha1(body), hashlib.sha256(body), hashlib.sha512(body), hashlib.md5(body)]
    raw = [crc32, *(d.digest() for d in made)]
    raw += [checksums.crc32c(body).to_bytes(4, "big"), checksums.crc64nvme(body).to_bytes(8, "big")]
    return {base64.b64encode(r).decode() for r in raw} | {hashlib.sha256(body).hexdigest()}


def headers_of(request):
    """The headers that matter; a right checksum of the own body is as good as the other side's."""
    right = digests(request.body)
    kept = {k: "right" if v in right else v for k, v in request.headers.items() if k not in UNCOMPARED}
    if kept.get("content-type") == "application/xml":
        del kept["content-type"]  # which awsbak says of XML, and botocore does not
    return kept


def compared(request):
    """What of a request must be the same."""
    path, _, query = request.target.partition("?")
    return {
        "method": request.method,
        "path": path,
        "query": sorted(parse_qsl(query, keep_blank_values=True)),
        "headers": headers_of(request),
        "body": body_of(request),
    }


def differences(theirs, ours, where=""):
    """Where two values of JSON differ, as lines."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted({*theirs, *ours}):
            if key not in theirs or key not in ours:
                yield f"{where}.{key}: botocore {theirs.get(key, 'nothing')!r}, awsbak {ours.get(key, 'nothing')!r}"
            else:
                yield from differences(theirs[key], ours[key], f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for i, (a, b) in enumerate(zip(theirs, ours)):
            yield from differences(a, b, f"{where}[{i}]")
    elif isinstance(ours, dict) and ours.get("$float", 0) == theirs:
        return  # botocore leaves what JSON has no number for as text
    elif theirs != ours or type(theirs) is not type(ours):
        yield f"{where}: botocore {theirs!r}, awsbak {ours!r}"


def comparable(error, fault):
    """An error without what each side adds to it: the message a second time, members that no model knows. An error
    without a code has its status for one."""
    added = {"message", "code", "type", "zznewer", "__type", "queryerrorcode", "hostid"}
    fields = {k: v for k, v in error["fields"].items() if k.lower() not in added}
    if not fault.modelled and fault.body.lstrip()[:1] == b"{":
        fields = {}  # botocore gives none, awsbak all as they came
    return {**error, "code": error["code"] or str(error["status"]), "fields": fields}


def compare_errors(theirs, ours, fault):
    theirs, ours = comparable(theirs, fault), comparable(ours, fault)
    for name in ("request_id", "message"):  # which awsbak looks for in more places; a message is never empty
        if not theirs.get(name):
            theirs[name] = ours.get(name)
    yield from differences(theirs, {"request_id": None, **ours}, "result")


def compare(case, theirs, ours, their_request, our_request):
    if our_request is None:
        yield f"awsbak sent nothing: {ours}"
        return
    yield from differences(compared(their_request), compared(our_request), "request")
    if "fields" in theirs and "fields" in ours:
        yield from compare_errors(theirs, ours, case.fault)
    else:
        yield from differences(theirs, ours, "result")


class Run:
    """The calls of one service on botocore's side."""

    def __init__(self, folder, service, seed, count):
        self.folder, self.service = pathlib.Path(folder), service
        self.server = Server()
        self.port = start(self.server)
        client = make_client(service, self.port)
        self.cases, self.results = [], []
        for case in cases(client, service, seed, int(count)):
            self.call(client, case)
        self.requests = self.server.requests
        self.server.restart()

    def call(self, client, case):
        self.server.replies.append(case.reply)
        before = len(self.server.requests)
        try:
            result = case.run(client)
        except BOTOCORE_FAILURES as e:
            result = {"botocore": f"{type(e).__name__}: {e}"}
        if len(self.server.requests) != before + 1:
            sys.exit(f"{case.op.name} made {len(self.server.requests) - before} requests: {result} {case.input}")
        self.cases.append(case)
        self.results.append(result)

    def is_exception(self, case, result, line):
        places = [e[2] for e in EXCEPTIONS if e[0] == self.service and case.op.name.startswith(e[1])]
        if case.fault:
            protocol = case.api.metadata["protocol"]
            places += [e[2] for e in faults.APART if protocol in e[0].split() and case.fault.form == e[1]]
        if "botocore" in result and line.startswith("result.") and "result.botocore" in places:
            return True
        return any(line.startswith(place) for place in places)

    def write_cases(self):
        listed = [{"operation": c.op.name, "input": plain(c.input)} for c in self.cases]
        (self.folder / "cases.json").write_text(json.dumps(listed, allow_nan=False))
        return {"port": self.port, "count": len(listed)}

    def compare(self):
        ours = json.loads((self.folder / "results.json").read_text())
        found = []
        if len(self.server.requests) != len(self.cases):
            found.append(f"awsbak made {len(self.server.requests)} requests for {len(self.cases)} calls")
        for i, case in enumerate(self.cases):
            sent = self.server.requests[i] if i < len(self.server.requests) else None
            for line in compare(case, self.results[i], ours[i], self.requests[i], sent):
                if self.is_exception(case, self.results[i], line):
                    continue
                found.append(f"{self.service} {case.op.name} (case {i}): {line}".encode())
        return found


if __name__ == "__main__":
    run = Run(*sys.argv[1:])
    for line in sys.stdin:
        print(control.answer(line, {"cases": run.write_cases, "compare": run.compare}), flush=True)
