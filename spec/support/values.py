"""Random inputs and replies of operations, by their shapes: what spec/support/differential.py compares botocore
and awsbak on.

Times are epoch seconds, blobs bytes. Inputs are valid for botocore's own checks.
"""

import base64
import datetime
import json
import random
import re
from email.utils import formatdate
from xml.sax.saxutils import escape, quoteattr

# Every kind of character; those of words are for maps and labels.
LETTERS = "ab Z09-_./:&=+<>'\"\\,;%?#é€😀~*$@!(){}[]|^`\t\n"
WORDS = "abc xyz-9"
HEADER = "abc XYZ09,\"'=;/-"
DEPTH_MAX = 6
UTC = datetime.timezone.utc
BUCKETS = ["vault", "my.vault.of-things", "old-bucket-1"]


# Of S3's checksums: awsbak has no xxHash, botocore no MD5.
UNKNOWN_CHECKSUMS = {"MD5", "XXHASH64", "XXHASH3", "XXHASH128"}


class Maker:
    """Random values by shape. With `valid` they pass the checks of inputs (lower bounds, unions)."""

    def __init__(self, seed, valid=False):
        self.random = random.Random(seed)
        self.valid = valid

    def maybe(self, chance):
        return self.random.random() < chance

    def text(self, shape, letters=LETTERS, least=1):
        if getattr(shape, "enum", None):
            return self.random.choice([e for e in shape.enum if e not in UNKNOWN_CHECKSUMS])
        least = max(least, shape.metadata.get("min", 0)) if self.valid else least
        return "".join(self.random.choice(letters) for _ in range(self.random.randint(least, least + 11)))

    def string(self, shape, name):
        place = shape.serialization.get("location")
        if name == "Bucket":
            return self.random.choice(BUCKETS)
        if name == "EndpointId":  # of EventBridge: part of a host name, and of no configured endpoint
            return "abcde.veo"
        if name == "SourceRegion":  # of CopySnapshot: where a request is presigned for
            return "eu-west-1"
        if shape.serialization.get("hostLabel"):
            return self.text(shape, "abc-9")
        if place in ("header", "headers"):
            return self.text(shape, HEADER).strip(" ,") or "value of a header"
        if place == "uri":
            return self.text(shape)
        return self.text(shape, least=0 if self.maybe(0.1) else 1)

    def time(self, place):
        early, late = (0, 4102444800) if place == "header" else (-2208988800, 32503680000)
        whole = self.random.choice([0, 1, early, self.random.randint(0, 4102444800), self.random.randint(early, late)])
        return whole if place == "header" else whole + self.random.choice([0, 0, 0.5, 0.125])

    def number(self, shape):
        top = 2**31 - 1 if shape.type_name == "integer" else 2**63 - 1
        made = self.random.choice([0, 1, -1, top, -top - 1, self.random.randint(0, top)])
        return max(made, shape.metadata["min"]) if self.valid and "min" in shape.metadata else made

    def float(self, shape):
        made = self.random.choice([0.0, 1.5, -2.25, 1e-7, 1e300, -0.0, 2.2250738585072014e-308, self.random.random(), float("inf"), float("-inf"), float("nan")])
        return made if made >= shape.metadata.get("min", float("-inf")) or not self.valid else 7.5

    def blob(self):
        return bytes(self.random.choice([0, 10, 34, 65, 255, self.random.randint(0, 255)]) for _ in range(self.random.randint(0, 20)))

    def members(self, shape, depth):
        # of SQS's digests awsbak would find that they are wrong
        names, required = [n for n in shape.members if not n.startswith("MD5Of")], shape.required_members
        if shape.is_tagged_union:
            return [self.random.choice(names)]
        shallow = [n for n in names if shape.members[n].type_name not in ("structure", "list", "map")]
        chosen = names if depth < DEPTH_MAX else shallow
        # a token is always given: what else is there would be random on each side
        always = [n for n in names if shape.members[n].metadata.get("idempotencyToken")]
        return [n for n in names if n in required or n in always or (n in chosen and self.maybe(0.5 if depth < 3 else 0.3))]

    def document(self, depth=0):
        kinds = [None, True, 1, 1.5, "text", "é"] + ([[1, "a"], {"k": {"n": None}}, {}, []] if depth == 0 else [])
        return self.random.choice(kinds)

    def list(self, shape, depth):
        least = shape.metadata.get("min", 0) if self.valid else 0
        count = self.random.randint(least, max(least, 3)) if depth <= DEPTH_MAX else least
        return [self.make(shape.member, depth + 1) for _ in range(count)]

    def map(self, shape, depth):
        keys = sorted({self.text(shape.key, "abcxyz") for _ in range(self.random.randint(0, 3 if depth <= DEPTH_MAX else 0))})
        if shape.serialization.get("location"):
            return {k: self.text(shape.value, "abc xyz").strip() or "v" for k in keys}
        return {k: self.make(shape.value, depth + 1) for k in keys}

    def make(self, shape, depth=0, name=None):
        kind = shape.type_name
        if kind == "structure" and getattr(shape, "is_document_type", False):
            return {"a": self.document(), "b": self.document()}
        if kind == "structure":
            return {n: self.make(shape.members[n], depth + 1, n) for n in self.members(shape, depth)}
        if shape.serialization.get("jsonvalue"):
            return {"a": self.document()}
        makers = {
            "list": lambda: self.list(shape, depth),
            "map": lambda: self.map(shape, depth),
            "integer": lambda: self.number(shape),
            "long": lambda: self.number(shape),
            "float": lambda: self.float(shape),
            "double": lambda: self.float(shape),
            "boolean": lambda: self.maybe(0.5),
            "timestamp": lambda: self.time(shape.serialization.get("location")),
            "blob": self.blob,
        }
        return makers[kind]() if kind in makers else self.string(shape, name)


def to_botocore(shape, value):
    """A value with times as botocore takes them."""
    kind = shape.type_name
    if kind == "structure" and not getattr(shape, "is_document_type", False):
        return {k: to_botocore(shape.members[k], v) for k, v in value.items()}
    if kind == "list":
        return [to_botocore(shape.member, v) for v in value]
    if kind == "map":
        return {k: to_botocore(shape.value, v) for k, v in value.items()}
    if kind == "timestamp":
        return datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=value)
    return value


def reply_time(value, style, noise=None):
    if style == "unixtimestamp" and noise and noise.maybe():
        # whatever the model says: services send text as well, and numbers as Java writes them
        return reply_time(value, "iso8601") if noise.maybe() else f"$number:{value:.12E}"
    if style == "unixtimestamp":
        return value
    if style == "rfc822":
        return formatdate(value, usegmt=True)
    moment = datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=value)
    return moment.isoformat().replace("+00:00", "Z")


def number_text(value):
    """A float as services write those that JSON has no number for."""
    if value != value:
        return "NaN"
    return {float("inf"): "Infinity", float("-inf"): "-Infinity"}.get(value, value)


def reply_scalar(shape, value, style, noise=None):
    style = shape.serialization.get("timestampFormat", style).lower()
    if shape.type_name == "timestamp":
        return reply_time(value, style, noise)
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return number_text(value) if isinstance(value, float) else value


class Noise:
    """What replies may have besides: members that no model knows, nulls, blanks."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def maybe(self):
        return self.random.random() < 0.1

    def members(self, shape, object):
        """Add to a JSON object."""
        if self.maybe():
            object["zzNewer"] = {"a": [1, {"b": None}]}
        unset = [m.serialization.get("name", n) for n, m in shape.members.items() if n not in object]
        for name in unset:
            if name not in object and self.random.random() < 0.05:
                object[name] = None

    def union(self, shape, object):
        """What unions may have besides: their type, nulls, or in their place a member that no model knows."""
        if self.maybe():
            object["__type"] = "com.aws#" + shape.name
        if self.maybe():
            object[next(iter(shape.members))] = object.get(next(iter(shape.members)))
        if self.random.random() < 0.03:
            object.clear()
            object["zzNewer"] = {"a": 1}

    def nulls(self, list):
        """A list as JSON services may send it."""
        return [*list, None] if self.random.random() < 0.02 else list

    def elements(self):
        """XML of elements that are unknown, and of blanks."""
        return ("<zzNewer><a x='1'>1</a></zzNewer>" if self.maybe() else "") + ("\n  " if self.maybe() else "")


class Silence(Noise):
    """None of it: an unknown element alone would be another document."""

    def maybe(self):
        return False

    def members(self, shape, object):
        pass

    def union(self, shape, object):
        pass

    def nulls(self, list):
        return list


SILENCE = Silence("")


def reply_json(shape, value, noise):
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return value
        object = {
            shape.members[k].serialization.get("name", k): reply_json(shape.members[k], v, noise)
            for k, v in value.items()
        }
        if shape.is_tagged_union:
            noise.union(shape, object)
        else:
            noise.members(shape, object)
        return object
    if shape.type_name == "list":
        return noise.nulls([reply_json(shape.member, v, noise) for v in value])
    if shape.type_name == "map":
        return {k: reply_json(shape.value, v, noise) for k, v in value.items()}
    return reply_scalar(shape, value, "unixtimestamp", noise)


def json_text(value, noise):
    """JSON with blanks, escapes and forms of numbers as services differ in them."""
    text = json.dumps(value, ensure_ascii=noise.maybe(), indent=1 if noise.maybe() else None)
    text = re.sub(r'"\$number:([^"]*)"', r"\1", text)
    return "\r\n\t " + text + "\n" if noise.maybe() else text


def element(name, inner, attributes=""):
    return f"<{name}{attributes}>{inner}</{name}>"


def xml_text(shape, value, noise, style="iso8601"):
    """A value as text of an element: plain, as CDATA, by numbers of characters, or with a comment in it."""
    value = reply_scalar(shape, value, style)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    plain = escape(text, {"\r": "&#13;"})
    if not noise.maybe():
        return plain
    numbers = "".join(f"&#x{ord(c):x};" for c in text)
    return noise.random.choice([f"<![CDATA[{text}]]>" if "]]>" not in text else plain, numbers, "<!-- é -->" + plain])


def whole_xml(name, inner, noise):
    """A document; the namespace and the declaration are those of services, and mean nothing to a reader."""
    attributes = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"' if noise.maybe() else ""
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n' if noise.maybe() else ""
    return declaration + element(name, inner, attributes)


def xml_list(shape, value, name, noise):
    flat = shape.serialization.get("flattened")
    own = shape.member.serialization.get("name")
    inner = "".join(reply_xml(shape.member, v, (own or name) if flat else (own or "member"), noise) for v in value)
    return inner if flat else element(name, inner)


def xml_map(shape, value, name, noise):
    flat = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    inner = "".join(
        element(name if flat else "entry", reply_xml(shape.key, k, key_name, noise) + reply_xml(shape.value, v, value_name, noise))
        for k, v in value.items()
    )
    return inner if flat else element(name, inner)


def xml_members(shape, value, noise):
    """Attributes and children of a structure, without the members that travel in headers."""
    attributes, inner = "", noise.elements() if shape.members else ""
    for name, item in value.items():
        member = shape.members[name]
        if member.serialization.get("xmlAttribute"):
            attributes += f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type={quoteattr(item)}'
        elif "location" not in member.serialization:
            inner += reply_xml(member, item, member.serialization.get("name", name), noise)
    return attributes, inner


def reply_xml(shape, value, name, noise):
    if shape.type_name == "structure":
        attributes, inner = xml_members(shape, value, noise)
        return element(name, inner, attributes)
    if shape.type_name == "list":
        return xml_list(shape, value, name, noise)
    if shape.type_name == "map":
        return xml_map(shape, value, name, noise)
    return element(name, xml_text(shape, value, noise))


def reply_headers(shape, value, status=200):
    headers = {}
    for name, item in value.items():
        member = shape.members[name]
        place, key = member.serialization.get("location"), member.serialization.get("name", name)
        if place == "statusCode":
            value[name] = status
        elif place == "headers":
            headers.update({key + k: v for k, v in item.items()})
        elif place == "header" and member.serialization.get("jsonvalue"):
            headers[key] = base64.b64encode(json.dumps(item).encode()).decode()
        elif place == "header" and member.type_name == "list":
            headers[key] = ", ".join(item)
        elif place == "header":
            text = reply_scalar(member, item, "rfc822")
            headers[key] = str(text).lower() if isinstance(text, bool) else str(text)
    return headers


def raw_body(value):
    return value if isinstance(value, bytes) else value.encode()


def rest_body(op, shape, value, noise, write, write_members):
    """The body of a rest protocol: the payload member, or the members that are in no header."""
    payload = shape.serialization.get("payload")
    if payload is None:
        inside = {k: v for k, v in value.items() if "location" not in shape.members[k].serialization}
        in_body = any("location" not in m.serialization for m in shape.members.values())
        return write_members(inside, noise if inside else SILENCE).encode() if in_body else b""
    member = shape.members[payload]
    if member.type_name in ("blob", "string"):
        return raw_body(value.setdefault(payload, b"" if member.type_name == "blob" else ""))
    inside = value.setdefault(payload, {})
    return write(member, inside, payload, noise if inside else SILENCE).encode()


def reply(api, op, value, noise):
    """Status, headers and body of the reply that carries `value`; `value` gets what is in all replies."""
    protocol, shape = api.metadata["protocol"], op.output_shape
    if protocol == "json":
        return 200, {}, json_text(reply_json(shape, value, noise), noise).encode()
    if protocol == "query":
        wrapper = shape.serialization["resultWrapper"]
        return 200, {}, whole_xml(op.name + "Response", reply_xml(shape, value, wrapper, noise), noise).encode()
    if protocol == "ec2":
        return 200, {}, whole_xml(op.name + "Response", xml_members(shape, value, noise)[1], noise).encode()
    status = op.http.get("responseCode", 200)
    status = 200 if status == 204 else status  # which has no body
    headers = reply_headers(shape, value, status)
    if protocol == "rest-json":
        body = rest_body(
            op, shape, value, noise, lambda m, v, _, n: json_text(reply_json(m, v, n), n),
            lambda inside, n: json_text(reply_json(shape, inside, n), n),
        )  # fmt: skip
    else:
        body = rest_body(
            op, shape, value, noise, reply_xml,
            lambda inside, n: whole_xml(shape.name, xml_members(shape, inside, n)[1], n),
        )  # fmt: skip
    settle(shape, value, headers, body)
    return status, headers, body


def settle(shape, value, headers, body):
    """A Content-Length that is told is the body's; checksums are those of parts, which nobody can compare."""
    for name, member in shape.members.items():
        header = member.serialization.get("name", "")
        if name in value and header.lower() == "content-length":
            value[name] = len(body)
            headers[header] = str(len(body))
        elif name in value and header.startswith("x-amz-checksum-") and header in headers:
            value[name] = headers[header] = "parts-2"
