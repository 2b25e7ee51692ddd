"""The specs' own loopback server: scripted replies over HTTP and HTTPS, a proxy, a fake SSM.

  python3 server.py '{"tls": {...}, "ssm": 10000}'

Steered by spec/support/server.lua through control.py. Ends when its stdin ends.
"""
import asyncio
import collections
import json
import ssl
import subprocess
import sys
import tempfile
import threading

import control
import fake_ssm
import http_server

LOG_MAX = 2000
IDENTITY = (b"<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
            b"<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/spec</Arn>"
            b"<UserId>AIDASPEC</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
            b"<ResponseMetadata><RequestId>sts-1</RequestId></ResponseMetadata>"
            b"</GetCallerIdentityResponse>")


class Server:
    """Listeners, the script of each operation, and the log of what was asked."""

    def __init__(self, options):
        self.options = options
        self.connections = set()
        self.count = 0
        self.tasks = set()
        self.tls_port = 0
        self.ca_file = None
        self.ssm = None
        self.clear()

    def clear(self):
        """Forget scripts and log, start from a fresh store."""
        self.scripts = {}
        self.log = collections.deque(maxlen=LOG_MAX)
        self.counts = collections.Counter()
        if "ssm" in self.options:
            self.ssm = fake_ssm.FakeSsm(self.options["ssm"])

    def script(self, operation, replies):
        """Replies for the next requests of `operation` ("*": of any); each `times` times (-1: always)."""
        self.scripts[operation] = [dict(reply) for reply in replies]

    def opened(self, connection):
        self.connections.add(connection)
        self.count += 1
        return self.count

    def start(self, coroutine):
        """Run in the background; the reference keeps the task alive."""
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def next_fault(self, request):
        for name in (request.operation, "*"):
            queue = self.scripts.get(name)
            if queue:
                fault = queue[0]
                if fault.get("attempt", request.attempt()) != request.attempt():
                    return None
                left = fault.get("times", 1)
                if left == 1:
                    queue.pop(0)
                elif left > 1:
                    fault["times"] = left - 1
                return fault
        return None

    def note(self, request):
        self.log.append(request.record())
        self.counts[request.operation] += 1

    def answer(self, request):
        self.note(request)
        fault = self.next_fault(request)
        if fault and fault.get("pass"):
            fault = None
        if fault and ("body" in fault or "raw" in fault):
            return http_server.Reply().with_fault(fault)
        reply = self.natural(request)
        return reply.with_fault(fault) if fault else reply

    def natural(self, request):
        """What a server in good health says."""
        if request.operation == "GetCallerIdentity":
            return http_server.Reply(200, [("Content-Type", "text/xml")], IDENTITY)
        if self.ssm and "x-amz-target" in request.headers:
            status, body = self.ssm.answer(request.operation, request.body)
            headers = [("Content-Type", "application/x-amz-json-1.1"),
                       ("x-amzn-RequestId", "request-%d" % sum(self.counts.values()))]
            return http_server.Reply(status, headers, body)
        if self.scripts:
            return http_server.Reply(200)
        return http_server.Reply(500, [], b"no reply was scripted for " + request.operation.encode())

    def answer_connect(self, request):
        request.operation = "CONNECT"
        self.note(request)
        fault = self.next_fault(request)
        return http_server.Reply(200).with_fault(fault) if fault else http_server.Reply(200)

    def drop(self):
        """Close every open connection, as a server restart does."""
        for connection in list(self.connections):
            connection.transport.abort()


def certificate(folder, names):
    """A self-signed certificate for `names`; the path of the file that holds it and its key."""
    path = folder + "/server.pem"
    alternatives = ",".join(("IP:" if n[0].isdigit() else "DNS:") + n for n in names)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=awsbak spec", "-keyout", path, "-out", path + ".crt",
         "-addext", "subjectAltName=" + alternatives],
        check=True, capture_output=True)
    with open(path, "a") as both, open(path + ".crt") as public:
        both.write(public.read())
    return path


def tls_context(options, path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if options.get("client"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(path + ".crt")
    if options.get("max") == "1.1":
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def main():
    options = json.loads(sys.argv[1]) or {}  # Lua cannot tell {} from []
    loop = asyncio.get_running_loop()
    server = Server(options)

    async def listen(context=None):
        listener = await loop.create_server(
            lambda: http_server.Connection(server), "127.0.0.1", 0, ssl=context, backlog=512)
        return listener.sockets[0].getsockname()[1]

    with tempfile.TemporaryDirectory(prefix="awsbak-spec-") as folder:
        port = await listen()
        if options.get("tls"):
            tls = options["tls"] if isinstance(options["tls"], dict) else {}
            path = certificate(folder, tls.get("names", ["127.0.0.1", "localhost"]))
            server.ca_file = path + ".crt"
            server.tls_port = await listen(tls_context(tls, path))
        commands = {
            "hello": lambda: {"port": port, "tls_port": server.tls_port, "ca_file": server.ca_file,
                              "key_file": server.ca_file and server.ca_file[:-len(".crt")]},
            "script": server.script,
            "requests": lambda: list(server.log),
            "counts": lambda: dict(server.counts),
            "connections": lambda: server.count,
            "clear": server.clear,
            "drop": server.drop,
        }
        done = asyncio.Event()

        def serve(line):
            print(control.answer(line, commands), flush=True)

        def read_commands():
            for line in sys.stdin:
                loop.call_soon_threadsafe(serve, line)
            loop.call_soon_threadsafe(done.set)

        threading.Thread(target=read_commands, daemon=True).start()
        await done.wait()


asyncio.run(main())
