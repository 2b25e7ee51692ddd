"""A loopback server that keeps objects as S3 does, in memory and quickly: for specs that transfer thousands of them.
Steered by spec/support/s3_store.lua.

Buckets are there when they are named. Of S3 it knows objects, ranges, copies, multipart uploads, conditions, lists in
one page, deletion of many and the checksum that an object was sent with, which it hands out again and does not compare.
"""
import hashlib
import http.server
import re
import sys
import threading
import urllib.parse
import xml.sax.saxutils

import control

XML = '<?xml version="1.0"?><%s>%s</%s>'
KEPT = ("x-amz-checksum-crc64nvme", "x-amz-checksum-type", "content-type")
WHEN = "Thu, 01 Jan 2026 00:00:00 GMT"
LISTED = "2026-01-01T00:00:00.000Z"
escape = xml.sax.saxutils.escape


class Store:
    """Objects and unfinished uploads by "/bucket/key", shared by the threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.objects, self.uploads, self.count = {}, {}, 0

    def put(self, path, data, headers):
        kept = {k: v for k, v in headers.items() if k in KEPT or k.startswith("x-amz-meta-")}
        kept["ETag"] = '"%s"' % hashlib.md5(data).hexdigest()
        self.objects[path] = (data, kept)
        return kept["ETag"]

    def begin(self, path, headers):
        self.count += 1
        name = "upload-%d" % self.count
        self.uploads[name] = (path, headers, {})
        return name

    def finish(self, name, headers, wanted):
        path, first, parts = self.uploads.pop(name)
        sums = {k: v for k, v in headers.items() if k in KEPT}
        return self.put(path, b"".join(parts[n] for n in wanted), {**first, **sums})

    def told(self, prefix):
        """What a spec asks for: sizes and SHA-256 of objects, and for which unfinished uploads are there."""
        with self.lock:
            objects = {k: {"size": len(d), "sha256": hashlib.sha256(d).digest()}
                       for k, (d, _) in self.objects.items() if k.startswith(prefix)}
            return {"objects": objects,
                    "uploads": [path for path, _, _ in self.uploads.values() if path.startswith(prefix)]}

    def forget(self, prefix):
        with self.lock:
            self.objects = {k: v for k, v in self.objects.items() if not k.startswith(prefix)}
            self.uploads = {k: v for k, v in self.uploads.items() if not v[0].startswith(prefix)}

    def seed(self, source, target):
        """Objects below one prefix also below another."""
        with self.lock:
            for path in [path for path in self.objects if path.startswith(source)]:
                self.objects[target + path[len(source):]] = self.objects[path]


STORE = Store()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def xml(self, root, inner):
        self.answer(200, (XML % (root, inner, root)).encode())

    def refuse(self, status, code):
        self.answer(status, (XML % ("Error", "<Code>%s</Code><Message>no</Message>" % code, "Error")).encode())

    def read(self):
        path, _, query = self.path.partition("?")
        self.path = urllib.parse.unquote(path)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        self.said = {k.lower(): v for k, v in self.headers.items()}
        return body if len(body) == length else None

    def serve(self):
        body = self.read()
        if body is None:
            self.close_connection = True
            return
        with STORE.lock:
            if self.path.count("/") == 1:
                return self.bucket(body)
            upload = self.query.get("uploadId")
            if upload and STORE.uploads.get(upload, [None])[0] != self.path:
                return self.refuse(404, "NoSuchUpload")
            ends = self.command == "PUT" and not upload or self.command == "POST" and upload
            if ends and "if-none-match" in self.said and self.path in STORE.objects:
                return self.refuse(412, "PreconditionFailed")
            getattr(self, self.command.lower())(upload, body)

    def bucket(self, body):
        """What is asked of a bucket: its objects, its unfinished uploads, to delete some."""
        if "delete" in self.query:
            keys = re.findall("<Key>(.*?)</Key>", body.decode())
            for key in keys:
                STORE.objects.pop("%s/%s" % (self.path, xml.sax.saxutils.unescape(key)), None)
            return self.xml("DeleteResult", "".join("<Deleted><Key>%s</Key></Deleted>" % key for key in keys))
        start = "%s/%s" % (self.path, self.query.get("prefix", ""))
        skip = len(self.path) + 1
        if "uploads" in self.query:
            found = sorted((u[0], name) for name, u in STORE.uploads.items() if u[0].startswith(start))
            return self.xml("ListMultipartUploadsResult", "".join(
                "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>" % (escape(path[skip:]), name)
                for path, name in found))
        row = "<Contents><Key>%s</Key><Size>%d</Size><ETag>%s</ETag><LastModified>%s</LastModified></Contents>"
        return self.xml("ListBucketResult", "<IsTruncated>false</IsTruncated>" + "".join(
            row % (escape(path[skip:]), len(data), kept["ETag"], LISTED)
            for path, (data, kept) in sorted(STORE.objects.items()) if path.startswith(start)))

    def copy(self, upload):
        """An object, or a range of it as a part, from another's bytes."""
        source, _, _ = urllib.parse.unquote(self.said["x-amz-copy-source"]).partition("?")
        data, kept = STORE.objects.get("/" + source.lstrip("/"), (None, None))
        if data is None:
            return self.refuse(404, "NoSuchKey")
        if self.said.get("x-amz-copy-source-if-match", kept["ETag"]) != kept["ETag"]:
            return self.refuse(412, "PreconditionFailed")
        if upload:
            first, last = map(int, self.said["x-amz-copy-source-range"][len("bytes="):].split("-"))
            data = STORE.uploads[upload][2][int(self.query["partNumber"])] = data[first:last + 1]
            return self.xml("CopyPartResult", "<ETag>&quot;%s&quot;</ETag>" % hashlib.md5(data).hexdigest())
        told = self.said if self.said.get("x-amz-metadata-directive") == "REPLACE" else kept
        return self.xml("CopyObjectResult", "<ETag>%s</ETag>" % STORE.put(self.path, data, told))

    def put(self, upload, body):
        if "x-amz-copy-source" in self.said:
            return self.copy(upload)
        if not upload:
            return self.answer(200, b"", {"ETag": STORE.put(self.path, body, self.said)})
        STORE.uploads[upload][2][int(self.query["partNumber"])] = body
        return self.answer(200, b"", {"ETag": '"%s"' % hashlib.md5(body).hexdigest()})

    def post(self, upload, body):
        if not upload:
            inner = "<UploadId>%s</UploadId>" % STORE.begin(self.path, self.said)
            return self.xml("InitiateMultipartUploadResult", inner)
        wanted = [int(n) for n in re.findall(rb"<PartNumber>(\d+)<", body)]
        if any(n not in STORE.uploads[upload][2] for n in wanted):
            return self.refuse(400, "InvalidPart")
        return self.xml("CompleteMultipartUploadResult", "<ETag>%s</ETag>" % STORE.finish(upload, self.said, wanted))

    def delete(self, upload, _):
        if upload:
            del STORE.uploads[upload]
        else:
            STORE.objects.pop(self.path, None)
        self.answer(204)

    def get(self, upload, _):
        if upload:
            return self.xml("ListPartsResult", "<IsTruncated>false</IsTruncated>")
        if self.path not in STORE.objects:
            return self.refuse(404, "NoSuchKey")
        data, kept = STORE.objects[self.path]
        if self.said.get("if-match", kept["ETag"]) != kept["ETag"]:
            return self.refuse(412, "PreconditionFailed")
        headers = {**kept, "Last-Modified": WHEN}
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.said.get("range", ""))
        if not wanted:
            return self.answer(200, data, headers)
        first, last = map(int, wanted.groups())
        headers = {k: v for k, v in headers.items() if not k.startswith("x-amz-checksum")}  # those are of the whole
        headers["Content-Range"] = "bytes %d-%d/%d" % (first, last, len(data))
        return self.answer(206, data[first:last + 1], headers)

    head = get
    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # clients that are ended in the middle are what this is for


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    commands = {
        "hello": lambda: "http://127.0.0.1:%d" % server.server_address[1],
        "told": STORE.told,
        "forget": STORE.forget,
        "seed": STORE.seed,
    }
    for line in sys.stdin:
        print(control.answer(line, commands), flush=True)


main()
