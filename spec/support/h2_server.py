"""A loopback HTTP/2 server over TLS (ALPN h2) that answers every request in one scripted way.

  python3 h2_server.py

Steered through control.py: `mode` is "whole", "no_length" (no content-length, but an end of the stream),
"short" (the stream ends before content-length), "reset" (RST_STREAM within the body), "goaway"
(the connection is closed within the body). Enough of RFC 9113 for one request at a time; header blocks
are written as literals (RFC 7541, 6.2.2) and never read.
"""
import ssl
import struct
import subprocess
import socket
import sys
import tempfile
import threading

import control

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
END_STREAM, ACK, END_HEADERS = 1, 1, 4
STATUS_200 = b"\x88"
BODY = b"over http/2"

state = {"mode": "whole"}


def frame(kind, flags, stream, payload):
    return struct.pack("!I", len(payload))[1:] + struct.pack("!BBI", kind, flags, stream) + payload


def literal(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def reply(stream):
    """The frames of the reply, as the mode asks, and whether the connection goes on."""
    mode = state["mode"]
    head = STATUS_200 + literal(b"x-made-by", b"h2")
    if mode != "no_length":
        head += literal(b"content-length", str(len(BODY)).encode())
    frames = frame(HEADERS, END_HEADERS, stream, head)
    if mode in ("whole", "no_length"):
        return frames + frame(DATA, END_STREAM, stream, BODY), True
    if mode == "short":
        return frames + frame(DATA, END_STREAM, stream, BODY[:4]), True
    frames += frame(DATA, 0, stream, BODY[:4])
    if mode == "reset":
        return frames + frame(RST_STREAM, 0, stream, struct.pack("!I", 2)), True
    return frames, False


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def serve(connection):
    try:
        read_exactly(connection, len(PREFACE))
        connection.sendall(frame(SETTINGS, 0, 0, b""))
        while True:
            head = read_exactly(connection, 9)
            size, kind = int.from_bytes(head[:3], "big"), head[3]
            flags, stream = head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
            read_exactly(connection, size)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0, b""))
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                frames, more = reply(stream)
                connection.sendall(frames)
                if not more:
                    return
    except (EOFError, OSError):
        pass
    finally:
        connection.close()


def accept(listener, context):
    while True:
        connection, _ = listener.accept()
        try:
            connection = context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            continue
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


def main():
    with tempfile.TemporaryDirectory(prefix="awsbak-spec-") as folder:
        key, certificate = folder + "/key.pem", folder + "/cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=h2",
                        "-keyout", key, "-out", certificate, "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2"])
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=accept, args=(listener, context), daemon=True).start()
        commands = {
            "hello": lambda: {"port": listener.getsockname()[1], "ca_file": certificate},
            "mode": lambda mode: state.update(mode=mode),
        }
        for line in sys.stdin:
            print(control.answer(line, commands), flush=True)


if __name__ == "__main__":
    main()
