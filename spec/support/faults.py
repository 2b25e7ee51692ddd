"""Random error replies, in every form that services have: what spec/support/differential.py compares beside replies of
success.

The forms are those of botocore/parsers.py (_do_error_parse of each protocol), of Smithy ("Operation error
serialization" of each protocol), and of what stands before a service: pages of proxies, replies without a body.
"""

import dataclasses
import json
from xml.sax.saxutils import escape

import values

STATUSES = [400, 401, 403, 404, 405, 409, 410, 411, 412, 413, 416, 429, 500, 501, 502, 503]
PAGE = b"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head><body>busy</body></html>\r\n"
ID = "5E2F9-+/="
# Bodies that say nothing of the service's: how, and what is sent.
FOREIGN = {
    "empty": [b"", b" \n"],
    "page": [PAGE, b"\n <!DOCTYPE html><html><body><p>Bad Gateway<br></body></html>"],
    "text": [b"upstream connect error or disconnect", b'{"message": "cut sho', b"<Error><Code>CutShort</Code>", b"\xff\xfe"],
    "no object": [b"[]", b'"text"', b"null", b"17"],
}
OLDER_CODES = ["AWS.Older.NonExistent;Sender", "Older;Receiver", ";Sender", "Older", "Older;Sender;More", "Older;"]
JSON, XML = "json rest-json", "query ec2 rest-xml"
# What differs on purpose: protocols, form, where, and why.
APART = [
    (f"{JSON} {XML}", "empty", "result.message", "botocore says nothing, or the words of the status line; awsbak the status"),
    (f"{JSON} {XML}", "page", "result.message", "botocore gives the page, or the words of the status line; awsbak describes it"),
    (f"{JSON} {XML}", "text", "result.message", "the same"),
    ("query ec2", "empty", "result.botocore", "botocore fails: it is no XML"),
    ("query ec2", "page", "result.botocore", "botocore fails: it is no XML"),
    ("query ec2", "page", "result.fields", "botocore takes a page that is XML too for the service's"),
    ("query ec2", "text", "result.botocore", "botocore fails: it is no XML"),
    ("rest-xml", "page", "result.fields", "botocore takes a page that is XML too for the service's"),
    (XML, "bare", "result.botocore", "botocore fails on an <Error> with neither code nor message"),
    (XML, "no object", "result", "it is a text as any other there"),
    (JSON, "text", "result.botocore", "botocore fails on what is not UTF-8"),
    (JSON, "no object", "result", "botocore fails: it asks any JSON for members"),
    ("json", "code elsewhere", "result.code", "botocore looks into __type alone; Smithy's clients into all three places"),
    ("json", "code elsewhere", "result.fields", "botocore knows no shape, then"),
    ("json", "unknown older code", "result.fields", "botocore looks for the shape by this code alone"),
    ("rest-json", "code of OAuth", "result.code", "botocore takes the status"),
    ("rest-xml", "namespace", "result.code", "botocore finds no code in an <Error> that has a namespace"),
    ("rest-xml", "late without output", "result", "botocore reads no reply of an operation without output"),
    ("rest-xml", "late", "result.status", "botocore makes a 500 of it; awsbak tells what came"),
]  # fmt: skip


@dataclasses.dataclass
class Fault:
    """An error reply. `form` names what is particular about it, as in APART; `modelled` tells whether its code is
    that of a shape."""

    status: int
    headers: dict
    body: bytes
    form: str = ""
    modelled: bool = False


class FaultMaker:
    """Error replies to calls of one operation."""

    def __init__(self, api, op, seed):
        self.api, self.op, self.protocol = api, op, api.metadata["protocol"]
        self.noise, self.teller = values.Noise(seed + " noise"), values.Maker(seed)
        self.random = self.teller.random

    def maybe(self, chance):
        return self.random.random() < chance

    def make(self):
        if self.maybe(0.15):
            return self.foreign()
        shape = self.random.choice([None, *self.op.error_shapes])
        value = self.teller.make(shape) if shape else {}
        told = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
        status = told if told and self.maybe(0.5) else self.status()
        code = shape.error_code if shape else self.random.choice(["SomethingNewer", "Newer.Kind_2", "AccessDenied"])
        in_json = self.protocol in JSON.split()
        fault = (self.in_json if in_json else self.in_xml)(shape, value, code)
        fault.status = fault.status or status
        fault.modelled = shape is not None and fault.form not in ("no code", "code of OAuth")
        return fault

    def status(self):
        # To a HEAD of S3's, 400 asks for another region.
        head = self.op.http.get("method") == "HEAD"
        return self.random.choice([s for s in STATUSES if not (head and s == 400)])

    def foreign(self):
        form = self.random.choice(list(FOREIGN))
        if self.op.http.get("method") == "HEAD":
            form = "empty"
        headers = {"Content-Type": "text/html"} if form == "page" else {}
        return Fault(self.status(), {**headers, **self.request_id()}, self.random.choice(FOREIGN[form]), form)

    def request_id(self):
        """Where S3 puts it, where all others do, or nowhere."""
        name = "x-amz-request-id" if self.protocol == "rest-xml" else "x-amzn-RequestId"
        return {name: ID} if self.maybe(0.7) else {}

    def message(self, value):
        """The message, taken out of the shape's value where it is a member, which it need not be."""
        found = [value.pop(name) for name in ("message", "Message") if name in value]
        return found[0] if found else self.random.choice(["it failed: <é> & \"so\" ' \n on", "", "x" * 300])

    # --- JSON ---

    def adorned(self, code):
        """A code as services write it (Smithy, the same section)."""
        uri = ":http://internal.amazon.com/coral/com.amazon.coral.validate/"
        return self.random.choice([code, code, "com.aws.api#" + code, code + uri, "com.aws.api#" + code + uri])

    def place_code(self, body, headers, code):
        """Put the code where services put it; gives the form."""
        places = ["__type", "x-amzn-errortype", "code", "Code", "both", "nowhere"]
        often = "__type" if self.protocol == "json" else "x-amzn-errortype"
        place = self.random.choice([*places, often, often, often, often])
        if place in ("x-amzn-errortype", "both"):
            headers["X-Amzn-ErrorType" if self.maybe(0.5) else "x-amzn-errortype"] = self.adorned(code)
        if place == "both":
            body["__type"] = self.adorned(code)
        elif place in ("__type", "code", "Code"):
            body[place] = self.adorned(code)
        elif place == "nowhere":
            return "code of OAuth" if body.get("error") else "no code"
        return "code elsewhere" if place in ("x-amzn-errortype", "code", "Code") else ""

    def older_code(self, shape, headers):
        """The code of the query protocol, where services had it before; also forms that are none. Gives the form."""
        known = shape and self.maybe(0.5)
        headers["x-amzn-query-error"] = shape.error_code + ";Sender" if known else self.random.choice(OLDER_CODES)
        return "" if known else "unknown older code"

    def in_json(self, shape, value, code):
        message = self.message(value)
        headers = values.reply_headers(shape, value) if shape else {}
        inside = {k: v for k, v in value.items() if "location" not in shape.members[k].serialization} if shape else {}
        body = values.reply_json(shape, inside, self.noise) if shape else {}
        named = next((n for n in shape.members if n.lower() == "message"), None) if shape else None
        how = self.random.choice(["as modelled", "as modelled", "as modelled", "message", "Message", "null", "absent"])
        for name in ("message", "Message"):
            body.pop(name, None)
        if how == "as modelled":
            body[named or "message"] = message
        elif how == "null":
            body[named or "message"] = None
        elif how != "absent":
            body[how] = message
        if self.api.is_query_compatible and self.maybe(0.5):
            older = self.older_code(shape, headers)
            form = self.place_code(body, headers, shape.name if shape else code) or older
        else:
            form = self.place_code(body, headers, code)
        headers.update(self.request_id())
        return Fault(0, headers, values.json_text(body, self.noise).encode(), form)

    # --- XML ---

    def in_xml(self, shape, value, code):
        message = self.message(value)
        headers = values.reply_headers(shape, value) if shape else {}
        inside = {k: v for k, v in value.items() if "location" not in shape.members[k].serialization} if shape else {}
        parts = [values.element("Message", escape(message))] if self.maybe(0.9) else []
        parts += [values.element("Code", code)] if self.maybe(0.97) else []
        if shape:
            parts.append(values.xml_members(shape, inside, self.noise)[1])
        self.random.shuffle(parts)
        blank = "\n  " if self.maybe(0.2) else ""
        return self.in_envelope(blank + blank.join(parts) + blank, headers)

    def in_envelope(self, inner, headers):
        headers.update(self.request_id())
        told, form, status = ID, "" if inner.strip() else "bare", 0
        kind = values.element("Type", self.random.choice(["Sender", "Receiver"])) if self.maybe(0.5) else ""
        error = values.element("Error", kind + inner)
        if self.protocol == "ec2":
            text = values.element("Response", values.element("Errors", error) + values.element("RequestID", told))
        elif self.protocol == "query" or self.maybe(0.1):
            namespace = ' xmlns="http://iam.amazonaws.com/doc/2010-05-08/"' if self.maybe(0.7) else ""
            text = values.element("ErrorResponse", error + values.element("RequestId", told), namespace)
        else:
            text, form = self.of_s3(inner, told)
            if "<Code>" in inner and not form and self.can_fail_late() and self.maybe(0.1):
                form, status = "late" if self.op.output_shape else "late without output", 200
        declaration = '<?xml version="1.0" encoding="UTF-8"?>\n' if self.maybe(0.5) else ""
        return Fault(status, headers, (declaration + text).encode(), form)

    def of_s3(self, inner, told):
        more = {"Resource": "/vault/<k>", "BucketName": "vault", "Key": "a/é&b", "ArgumentName": "x-amz-acl",
                "RequestId": told, "HostId": "Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg=="}  # fmt: skip
        inner += "".join(values.element(k, escape(v)) for k, v in more.items() if self.maybe(0.5))
        if self.maybe(0.05):
            return values.element("Error", inner, ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'), "namespace"
        return values.element("Error", inner), "" if inner.strip() else "bare"

    def can_fail_late(self):
        """Whether the reply is one in which S3 may tell a failure after it promised success."""
        output = self.op.output_shape
        streams = output is not None and (self.op.has_streaming_output or self.op.has_event_stream_output)
        payload = output is not None and output.serialization.get("payload")
        text = payload and output.members[payload].type_name in ("string", "blob")
        return self.op.http.get("method") != "HEAD" and not streams and not text
