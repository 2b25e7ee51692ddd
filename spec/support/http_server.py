"""A loopback HTTP/1.1 server that can misbehave on purpose, in every way a network does.

`handle(request)` gives a Reply; its `fault` (a dict, the table a spec wrote) says what goes wrong on
the way out:

  status, headers, body       replace those of the reply; headers of the same name are replaced
  merge = {...}               set these members of a JSON body
  repeat_body = N             the body, N times over
  content_length = N          announce this many bytes, whatever is sent
  chunked = N                 chunked encoding in pieces of N bytes
  cut = N                     N bytes of the body, then the connection closes
  cut_head = N                N bytes of the head, then the connection closes
  reset = true                the connection ends with a TCP reset instead of a close
  hang = true                 after a cut the connection stays open and silent
  silent = true               no answer at all, the connection stays open
  delay = seconds             before the first byte
  drip = seconds              between single bytes of the body
  close = true                close after a whole reply
  raw = bytes                 exactly these bytes, then close
  date_offset = seconds       added to the Date header
"""
import asyncio
import email.utils
import hashlib
import json
import re
import socket
import struct
import time
import urllib.parse

HEAD_MAX = 1 << 20
LOG_BODY_MAX = 1 << 16
REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


class Request:
    """One request as it arrived; header names in lower case, body already unchunked."""

    __slots__ = ("method", "target", "headers", "raw_headers", "body", "connection", "operation")

    def __init__(self, head, connection):
        line, *rest = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = line.split(" ", 2)
        self.raw_headers = [tuple(part.strip() for part in row.split(":", 1)) for row in rest if row]
        self.headers = {name.lower(): value for name, value in self.raw_headers}
        self.body = b""
        self.connection = connection
        self.operation = None

    def name_operation(self):
        """The AWS operation asked for, else "METHOD /path"."""
        target = self.headers.get("x-amz-target")
        if target:
            self.operation = target.rpartition(".")[2]
        elif self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            form = urllib.parse.parse_qs(self.body.decode("latin-1"))
            self.operation = form.get("Action", [None])[0]
        if not self.operation:
            self.operation = self.method + " " + self.target.partition("?")[0]

    def attempt(self):
        """Which attempt of its call this is, as the SDKs tell in amz-sdk-request; 0 unless told."""
        found = re.match(r"attempt=(\d+)", self.headers.get("amz-sdk-request", ""))
        return int(found.group(1)) if found else 0

    def record(self):
        """What a spec sees of this request."""
        return {"method": self.method, "target": self.target, "headers": self.headers,
                "header_list": [list(row) for row in self.raw_headers],
                "body": self.body[:LOG_BODY_MAX],
                "sha256": hashlib.sha256(self.body).hexdigest(), "connection": self.connection,
                "operation": self.operation}


class Reply:
    """Status, headers and body, and what is to go wrong with them."""

    __slots__ = ("status", "headers", "body", "fault")

    def __init__(self, status=200, headers=(), body=b"", fault=None):
        self.status, self.headers, self.body, self.fault = status, headers, body, fault

    def with_fault(self, fault):
        """This reply changed as the spec asked, `fault` kept for the sending."""
        headers = fault.get("headers", [])
        if isinstance(headers, dict):
            headers = list(headers.items())
        named = {name.lower() for name, _ in headers}
        kept = [row for row in self.headers if row[0].lower() not in named]
        body = fault["body"].encode("latin-1") if "body" in fault else self.body
        if "merge" in fault:
            body = json.dumps({**json.loads(body), **fault["merge"]}).encode()
        body *= fault.get("repeat_body", 1)
        return Reply(fault.get("status", self.status), kept + [tuple(h) for h in headers], body, fault)

    def head(self):
        """The status line and headers, as bytes."""
        fault = self.fault or {}
        named = {name.lower() for name, _ in self.headers}
        lines = ["HTTP/1.1 %d %s" % (self.status, REASONS.get(self.status, "Status"))]
        if "date" not in named:
            now = time.time() + fault.get("date_offset", 0)
            lines.append("Date: " + email.utils.formatdate(now, usegmt=True))
        lines += ["%s: %s" % row for row in self.headers]
        if "chunked" in fault:
            lines.append("Transfer-Encoding: chunked")
        elif "content-length" not in named and self.status not in (204, 304):
            lines.append("Content-Length: %d" % fault.get("content_length", len(self.body)))
        if fault.get("close"):
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def wire_body(self):
        """The body as it goes over the wire, chunked when asked."""
        size = (self.fault or {}).get("chunked")
        if not size:
            return self.body
        pieces = [self.body[i:i + size] for i in range(0, len(self.body), size)]
        return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client connection: requests in turn, each answered before the next is read."""

    def __init__(self, server):
        self.server = server
        self.buffer = bytearray()
        self.busy = False
        self.tunnel = None
        self.transport = None
        self.number = 0

    def connection_made(self, transport):
        self.transport = transport
        self.number = self.server.opened(self)

    def connection_lost(self, _problem):
        self.server.connections.discard(self)
        if self.tunnel:
            self.tunnel.close()

    def data_received(self, data):
        if self.tunnel:
            self.tunnel.write(data)
            return
        self.buffer += data
        self.read()

    def read(self):
        """Answer every whole request in the buffer, until one needs time."""
        while not self.busy and not self.transport.is_closing():
            request = self.take()
            if not request:
                return
            if request.method == "CONNECT":
                self.busy = True
                self.server.start(self.connect(request))
                return
            self.respond(request)

    def take(self):
        """The next whole request, or None while bytes are missing. Who begins with TLS is told."""
        if self.buffer[:1] == b"\x16":
            alert = self.server.options.get("alert")
            self.transport.write(b"\x15\3\3\0\2\2" + bytes([alert]) if alert else
                                 b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            self.transport.close()
            return None
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self.buffer) > HEAD_MAX:
                self.transport.abort()
            return None
        request = Request(bytes(self.buffer[:end]), self.number)
        if "chunked" in request.headers.get("transfer-encoding", ""):
            body, after = unchunk(self.buffer, end + 4)
        else:
            after = end + 4 + int(request.headers.get("content-length", 0))
            body = bytes(self.buffer[end + 4:after]) if len(self.buffer) >= after else None
        if body is None:
            if request.headers.get("expect") == "100-continue" and len(self.buffer) == end + 4:
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        del self.buffer[:after]
        request.body = body
        request.name_operation()
        return request

    def respond(self, request):
        reply = self.server.answer(request)
        if reply.fault:
            self.busy = True
            self.server.start(self.play(request, reply))
            return
        body = b"" if request.method == "HEAD" else reply.body
        self.transport.write(reply.head() + body)

    async def play(self, request, reply):
        """Send a reply with its fault."""
        fault = reply.fault
        await asyncio.sleep(fault.get("delay", 0))
        if fault.get("silent"):
            return
        head = reply.head()
        body = b"" if request.method == "HEAD" else reply.wire_body()
        if "raw" in fault:
            head, body = fault["raw"].encode("latin-1"), b""
        broken = bool({"cut", "cut_head", "reset", "raw"} & set(fault))
        if fault.get("reset") and not {"cut", "cut_head"} & set(fault):
            head, body = b"", b""
        if "cut_head" in fault:
            head, body = head[:fault["cut_head"]], b""
        await self.send(head, body[:fault.get("cut", len(body))], fault)
        if fault.get("hang"):
            return
        if broken or fault.get("close"):
            self.finish(fault.get("reset"))
            return
        self.busy = False
        self.read()

    async def send(self, head, body, fault):
        self.transport.write(head)
        if "drip" not in fault:
            self.transport.write(body)
            return
        for byte in body:
            if self.transport.is_closing():
                return
            self.transport.write(bytes([byte]))
            await asyncio.sleep(fault["drip"])

    def finish(self, reset):
        if not reset:
            self.transport.close()
            return
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def connect(self, request):
        """Be a proxy: tunnel to a loopback target; for any other name, to our own TLS listener."""
        reply = self.server.answer_connect(request)
        if reply.fault or reply.status != 200:
            await self.play(request, reply)
            return
        host, _, port = request.target.rpartition(":")
        port = int(port) if host in ("127.0.0.1", "localhost") else self.server.tls_port
        try:
            loop = asyncio.get_running_loop()
            _, far = await loop.create_connection(lambda: Relay(self.transport), "127.0.0.1", port)
        except OSError:
            self.transport.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            self.busy = False
            return
        self.tunnel = far.transport
        self.transport.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self.buffer:
            self.tunnel.write(bytes(self.buffer))


class Relay(asyncio.Protocol):
    """The far side of a tunnel: whatever comes goes back to the client."""

    def __init__(self, back):
        self.back = back
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.back.write(data)

    def connection_lost(self, _problem):
        self.back.close()


def unchunk(buffer, at):
    """The chunked body that starts at `at` and where it ends; None while bytes are missing."""
    body = bytearray()
    while True:
        line = buffer.find(b"\r\n", at)
        if line < 0:
            return None, 0
        size = int(bytes(buffer[at:line]).split(b";")[0], 16)
        after = line + 2 + size + 2
        if size == 0:
            end = buffer.find(b"\r\n\r\n", line)
            return (bytes(body), end + 4) if end >= 0 else (None, 0)
        if len(buffer) < after:
            return None, 0
        body += buffer[line + 2:after - 2]
        at = after
