"""What botocore reads from random streams of events: as JSON on standard output.

    reference_events.py SEED N    N streams: [{"service", "operation", "bytes" (base64), "events": [...], "error"?}]
"""

import base64
import binascii
import io
import json
import struct
import sys

import botocore.session
from botocore import parsers
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError

import differential
import values

OPERATIONS = [
    ("s3", "SelectObjectContent"), ("logs", "StartLiveTail"), ("logs", "GetLogObject"),
    ("lambda", "InvokeWithResponseStream"),
]  # fmt: skip


def header(name, value):
    name, value = name.encode(), value.encode()
    return bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value


def message(headers, payload):
    head = b"".join(header(*h) for h in headers.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return whole + struct.pack(">I", binascii.crc32(whole))


class Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self):
        while piece := self.read(13):
            yield piece


def write(shape, value, protocol, noise):
    payload = next((n for n, m in shape.members.items() if m.serialization.get("eventpayload")), None)
    if payload and shape.members[payload].type_name in ("blob", "string"):
        return values.raw_body(value.get(payload, b""))
    if payload:
        shape, value = shape.members[payload], value.get(payload, {})
    if protocol == "rest-xml":
        return values.reply_xml(shape, value, shape.name, noise).encode()
    return json.dumps(values.reply_json(shape, value, noise)).encode()


def stream(api, name, maker, noise):
    """The bytes of a stream, of events and maybe an exception at its end."""
    op = api.operation_model(name)
    shape = op.get_event_stream_output()
    protocol = api.metadata["protocol"]
    out = b""
    if protocol == "json":
        out += message({":message-type": "event", ":event-type": "initial-response"}, b"{}")
    kinds = [n for n, m in shape.members.items() if not m.metadata.get("exception")]
    for _ in range(maker.random.randint(0, 5)):
        kind = maker.random.choice(kinds)
        member = shape.members[kind]
        made = write(member, maker.make(member), protocol, noise)
        out += message({":message-type": "event", ":event-type": kind, ":content-type": "x/y"}, made)
    faults = [n for n in shape.members if n not in kinds]
    if faults and maker.maybe(0.3):
        kind = maker.random.choice(faults)
        out += message({":message-type": "exception", ":exception-type": kind}, b'{"message": "it broke"}')
    elif maker.maybe(0.2):
        out += message({":message-type": "error", ":error-code": "Bad", ":error-message": "it broke"}, b"")
    elif name == "SelectObjectContent":
        out += message({":message-type": "event", ":event-type": "End"}, b"")
    return op, shape, protocol, out


def cases(seed, count):
    session = botocore.session.Session()
    for i in range(count):
        service, name = OPERATIONS[i % len(OPERATIONS)]
        maker = values.Maker(f"{seed} {i}")
        api = session.get_service_model(service)
        op, shape, protocol, data = stream(api, name, maker, values.SILENCE)
        parser = parsers.create_parser(protocol)._event_stream_parser
        case = {"service": service, "operation": name, "bytes": base64.b64encode(data).decode(), "events": []}
        events = iter(EventStream(Raw(data), shape, parser, name))
        try:
            for event in events:
                if "initial-response" not in event:
                    case["events"].append(differential.plain(event))
        except EventStreamError as e:
            case["error"] = {"code": e.response["Error"].get("Code"), "message": e.response["Error"].get("Message")}
        yield case


if __name__ == "__main__":
    json.dump(list(cases(sys.argv[1], int(sys.argv[2]))), sys.stdout)
