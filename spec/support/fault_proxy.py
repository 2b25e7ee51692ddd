"""A loopback proxy before another server, which does to single requests what a network or S3 does at its
worst. Steered by spec/support/fault_proxy.lua.

A rule is for requests of a `method` whose target holds all texts of `holds`, with a `header` only for those that have
it; it is used `times` times (default 1; -1 for ever), and passes `skip` requests before. What it does:

  reset = N                   the connection is reset when N bytes of the request's body have come
  answer = {status, body}     the request is answered so and not handed on
  lost = true                 it is handed on, and its answer is not
  replace = {status, body}    it is handed on, and this comes in place of its answer
  flip = N                    byte N of the request's body arrives altered
  flip_reply = N              byte N of the answer's body comes back altered
  cut_reply = N               the answer ends with a reset after N bytes of its body
  signal = {number, file}     when its body has come the process whose id is in the file gets the signal; it is handed
                              on, and an answer never comes. With `reset` when so much has come, with `cut_reply`
                              when so much of the answer was sent; with `unheard`, and a HEAD, it is not handed on;
                              with `heard` it is, and its answer comes after the signal
  digest = true               S3's own check: 400 BadDigest when x-amz-checksum-crc32 is not that of the body
"""
import base64
import contextlib
import http.client
import http.server
import json
import os
import socket
import struct
import sys
import threading
import urllib.parse
import zlib

import control

PIECE = 1 << 16
HOP = {"connection", "keep-alive", "transfer-encoding"}


class Rules:
    """The rules and what came, shared by the threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        self.list, self.seen = [], []

    def add(self, **rule):
        self.list.append({"times": 1, "skip": 0, "holds": [], "method": None, "header": None, **rule})

    def take(self, method, target, headers):
        with self.lock:
            self.seen.append("%s %s" % (method, target))
            for rule in self.list:
                fits = rule["method"] in (None, method) and all(text in target for text in rule["holds"])
                fits = fits and rule["header"] in (None, *headers)
                if fits and rule["times"] != 0 and rule["skip"] > 0:
                    rule["skip"] -= 1
                elif fits and rule["times"] != 0:
                    rule["times"] -= 1
                    return rule
        return {}

    def requests(self):
        with self.lock:
            return list(self.seen)


RULES = Rules()


def flip(body, at):
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def signal(self, signal):
        with open(signal["file"]) as file:
            os.kill(int(file.read()), signal["number"])

    def kill(self, signal):
        """Signal the client, and wait until it is gone, or will have no answer any more."""
        self.signal(signal)
        self.connection.settimeout(60)
        with contextlib.suppress(OSError):
            while self.connection.recv(PIECE):
                pass
        self.close_connection = True

    def answer(self, status, body, headers=()):
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self, most):
        """The request's body, or None when the rule ends it before."""
        left, parts = int(self.headers.get("Content-Length", 0)), []
        while left > 0:
            piece = self.rfile.read(min(left, PIECE if most is None else max(1, min(PIECE, most))))
            if not piece:
                return None
            parts.append(piece)
            left -= len(piece)
            if most is not None:
                most -= len(piece)
                if most <= 0:
                    return None
        return None if most is not None else b"".join(parts)

    def hand_on(self, body):
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        upstream.request(self.command, self.path, body, headers)
        reply = upstream.getresponse()
        data = reply.read()
        upstream.close()
        kept = [(k, v) for k, v in reply.getheaders() if k.lower() not in HOP | {"content-length"}]
        if self.command == "HEAD" and reply.getheader("Content-Length"):
            self.send_response_only(reply.status)
            for name, value in kept + [("Content-Length", reply.getheader("Content-Length"))]:
                self.send_header(name, value)
            self.end_headers()
            return None
        return reply.status, kept, data

    def serve(self):
        rule = RULES.take(self.command, self.path, [name.lower() for name in self.headers])
        body = self.read_body(rule.get("reset"))
        signal = rule.get("signal")
        if signal and (body is None or rule.get("unheard") or self.command == "HEAD"):
            return self.kill(signal)
        if body is None:
            return self.reset()
        if "flip" in rule:
            body = flip(body, rule["flip"])
        told = self.headers.get("x-amz-checksum-crc32")
        if rule.get("digest") and told != base64.b64encode(struct.pack(">I", zlib.crc32(body))).decode():
            rule = {"answer": {"status": 400, "body": "<Error><Code>BadDigest</Code><Message>no</Message></Error>"}}
        if "answer" in rule:
            return self.answer(rule["answer"]["status"], rule["answer"]["body"].encode("latin-1"))
        given = self.hand_on(body)
        if given is None:
            return None
        status, headers, data = given
        if signal and rule.get("heard"):
            self.signal(signal)
        elif signal and "cut_reply" not in rule:
            return self.kill(signal)
        if rule.get("lost"):
            return self.reset()
        if "replace" in rule:
            return self.answer(rule["replace"]["status"], rule["replace"]["body"].encode("latin-1"))
        if "flip_reply" in rule:
            data = flip(data, rule["flip_reply"])
        if "cut_reply" in rule:
            self.send_response_only(status)
            for name, value in headers + [("Content-Length", str(len(data)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data[:rule["cut_reply"]])
            self.wfile.flush()
            return self.kill(signal) if signal else self.reset()
        return self.answer(status, data, headers)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    server = Server(("127.0.0.1", 0), Handler)
    server.upstream = urllib.parse.urlsplit(json.loads(sys.argv[1])["upstream"]).netloc
    threading.Thread(target=server.serve_forever, daemon=True).start()
    commands = {
        "hello": lambda: "http://127.0.0.1:%d" % server.server_address[1],
        "rule": RULES.add,
        "clear": RULES.clear,
        "requests": RULES.requests,
    }
    for line in sys.stdin:
        print(control.answer(line, commands), flush=True)


main()
