"""Write spec/vectors/sigv4.lua: random requests with the canonical request and signature that
botocore's signer makes of them.

Usage: build/venv/bin/python tools/sigv4_vectors.py [SEED [COUNT]] > spec/vectors/sigv4.lua
"""

import random
import sys
from datetime import datetime, timezone
from unittest import mock
from urllib.parse import quote

import botocore
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

WORDS = ["a", "B", "key", "x y", "a/b", "~", "-._", "é", "+", "=", "%", "&", "..", ".", "1", "$"]
HEADERS = ["X-Amz-Target", "content-type", "X-Amz-Meta-a", "User-Agent", "x-custom", "Range", "Te"]


def pick(rng, low, high):
    return [rng.choice(WORDS) for _ in range(rng.randint(low, high))]


def make_request(rng, s3):
    path = "/" + "/".join(quote("".join(pick(rng, 0, 2)), safe="") for _ in range(rng.randint(0, 4)))
    query = "&".join(
        quote("".join(pick(rng, 1, 2)), safe="-_.~") + "=" + quote("".join(pick(rng, 0, 2)), safe="-_.~")
        for _ in range(rng.randint(0, 4))
    )
    scheme = rng.choice(["http", "https"])
    host = rng.choice(["ssm.eu-west-1.amazonaws.com", "127.0.0.1:5000", "b.s3.amazonaws.com", "[::1]:81"])
    url = f"{scheme}://{host}{path}" + (f"?{query}" if query else "")
    headers = {}
    for name in rng.sample(HEADERS, rng.randint(0, 5)):
        headers[name] = rng.choice([" a  b ", "x", "application/x-amz-json-1.1", "tab\there", "0"])
    method = rng.choice(["GET", "PUT", "POST", "DELETE", "HEAD"])
    return AWSRequest(method=method, url=url, headers=headers, data=rng.choice([b"", b"{}", b"body"]))


def lua(value):
    if value is None:
        return "nil"
    data = value if isinstance(value, bytes) else value.encode()
    out = "".join(
        chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\n" if b == 10 else f"\\{b:03d}" for b in data
    )
    return f'"{out}"'


def vector(rng):
    s3 = rng.random() < 0.4
    token = rng.choice([None, "the/token+of=session"])
    moment = datetime.fromtimestamp(rng.randrange(10**9, 2 * 10**9), timezone.utc)
    request = make_request(rng, s3)
    sent = list(request.headers.items())
    region, service = rng.choice(["us-east-1", "eu-west-1"]), "s3" if s3 else "ssm"
    kind = auth.S3SigV4Auth if s3 else auth.SigV4Auth
    signer = kind(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token), service, region)
    with mock.patch("botocore.auth.get_current_datetime", return_value=moment):
        signer.add_auth(request)
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]  # or it would be part of the canonical request
    headers = ", ".join(f"{{ {lua(k)}, {lua(v)} }}" for k, v in sent)
    return f"""  {{
    method = {lua(request.method)},
    url = {lua(request.url)},
    headers = {{ {headers} }},
    payload_hash = {lua(signer.payload(request))},
    session_token = {lua(token)},
    region = {lua(region)},
    service = {lua(service)},
    time = {int(moment.timestamp())},
    s3 = {"true" if s3 else "false"},
    canonical_request = {lua(signer.canonical_request(request))},
    authorization = {lua(authorization)},
  }},"""


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = random.Random(seed)
    print(f"-- Made by tools/sigv4_vectors.py {seed} {count} with botocore {botocore.__version__}; do not edit.")
    print("-- luacheck: no max line length")
    print("-- stylua: ignore")
    print("return {")
    for _ in range(count):
        print(vector(rng))
    print("}")


if __name__ == "__main__":
    main()
