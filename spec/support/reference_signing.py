"""What botocore's signers make of random requests, and whether SigV4A signatures are good.

    reference_signing.py sign SEED N       [{"request", "headers"}]: requests with a key, and a session of it or not
    reference_signing.py presign SEED N    [{"request", "seconds", "query"}]: presigned queries
    reference_signing.py express SEED N    [{"request", "headers"}]: requests with a session of S3 Express
    reference_signing.py sigv4a SEED N     [{"request", "seconds"?}]: requests to be signed
    reference_signing.py check FILE        how many of sigv4a's requests, now with "headers" or "query", are
                                           signed with the key that awscrt derives; fails at one that is not

A request is as awsbak.core.sigv4 takes it.
"""

import binascii
import hashlib
import hmac
import json
import random
import sys
from datetime import datetime, timezone
from unittest import mock
from urllib.parse import quote, urlsplit

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = __import__("pathlib").Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import sigv4_vectors  # noqa: E402

ACCESS, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


def random_request(rng, s3):
    made = sigv4_vectors.make_request(rng, s3)
    made.data = b""
    return made


def described(made, moment, **more):
    """The request for awsbak.core.sigv4."""
    return {
        "method": made.method,
        "url": made.url,
        "headers": [[k, v] for k, v in made.headers.items()],
        "payload_hash": hashlib.sha256(b"").hexdigest(),
        "access_key": ACCESS,
        "secret_key": SECRET,
        "time": int(moment.timestamp()),
        **more,
    }


def sign(signer, made, moment):
    with mock.patch.object(auth, "get_current_datetime", return_value=moment.replace(tzinfo=None)):
        signer.add_auth(made)
    return made


def random_time(rng):
    return datetime.fromtimestamp(rng.randrange(10**9, 2 * 10**9), timezone.utc)


def headers(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        s3, token = rng.random() < 0.5, rng.choice([None, "to/k+en="])
        moment, made = random_time(rng), sigv4_vectors.make_request(rng, s3)
        kind, service = (auth.S3SigV4Auth, "s3") if s3 else (auth.SigV4Auth, "sts")
        signer = kind(Credentials(ACCESS, SECRET, token), service, "eu-west-1")
        case = described(made, moment, region="eu-west-1", service=service, s3=s3, payload_hash=signer.payload(made))
        if token:
            case["session_token"] = token
        yield {"request": case, "headers": [[k, v] for k, v in sign(signer, made, moment).headers.items()]}


def presign(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        s3, token, seconds = rng.random() < 0.5, rng.choice([None, "to/k+en="]), rng.randint(1, 604800)
        moment, made = random_time(rng), random_request(rng, s3)
        kind = auth.S3SigV4QueryAuth if s3 else auth.SigV4QueryAuth
        case = described(made, moment, region="eu-west-1", service="s3" if s3 else "sts")
        if s3:
            case.update(s3=True, payload_hash="UNSIGNED-PAYLOAD")
        if token:
            case["session_token"] = token
        signer = kind(Credentials(ACCESS, SECRET, token), case["service"], "eu-west-1", expires=seconds)
        yield {"request": case, "seconds": seconds, "query": urlsplit(sign(signer, made, moment).url).query}


def express(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        moment, made = random_time(rng), random_request(rng, True)
        case = described(made, moment, region="us-east-1", service="s3express", s3=True, express=True)
        case["session_token"] = "session/token+="
        signer = auth.S3ExpressAuth(
            Credentials(ACCESS, SECRET, "session/token+="), "s3express", "us-east-1", identity_cache=None
        )
        sign(signer, made, moment)
        yield {"request": case, "headers": [[k, v] for k, v in made.headers.items()]}


def sigv4a(seed, count):
    rng = random.Random(seed)
    for i in range(count):
        s3 = rng.random() < 0.5
        made = random_request(rng, s3)
        case = described(
            made, random_time(rng), region=rng.choice(["*", "us-east-1,eu-*"]), service="s3" if s3 else "sts",
            asymmetric=True, access_key=ACCESS + str(i), secret_key=SECRET + str(rng.random()),
        )  # fmt: skip
        if s3:
            case.update(s3=True, payload_hash="UNSIGNED-PAYLOAD")
        if rng.random() < 0.3:
            case["session_token"] = "to/k+en="
        yield {"request": case, **({"seconds": 300} if rng.random() < 0.5 else {})}


def public_key(request):
    """The key of an access key, derived as AWS's aws-c-auth does it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for counter in range(1, 255):
        fixed = b"\0\0\0\1AWS4-ECDSA-P256-SHA256\0" + request["access_key"].encode() + bytes([counter]) + b"\0\0\1\0"
        number = int.from_bytes(hmac.new(b"AWS4A" + request["secret_key"].encode(), fixed, hashlib.sha256).digest(), "big")
        if number <= order - 2:
            return ec.derive_private_key(number + 1, ec.SECP256R1()).public_key()


def crt_agrees(request, key):
    """Whether awscrt signs with the same key: its signature of the request verifies with ours."""
    from awscrt.auth import (
        AwsCredentialsProvider, AwsSignatureType, AwsSigningAlgorithm, AwsSigningConfig, aws_sign_request,
    )  # fmt: skip
    from awscrt.http import HttpHeaders, HttpRequest

    url = urlsplit(request["url"])
    made = HttpRequest("GET", "/", HttpHeaders([("host", url.netloc)]))
    config = AwsSigningConfig(
        algorithm=AwsSigningAlgorithm.V4_ASYMMETRIC, signature_type=AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=AwsCredentialsProvider.new_static(request["access_key"], request["secret_key"]),
        region="*", service="x", date=datetime.fromtimestamp(request["time"], timezone.utc),
    )  # fmt: skip
    headers = {k.lower(): v for k, v in aws_sign_request(made, config).result().headers}
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    signature = headers["authorization"].split("Signature=")[1]
    lines = "".join(f"{n}:{headers[n]}\n" for n in names.split(";"))
    canonical = f"GET\n/\n\n{lines}\n{names}\n{hashlib.sha256(b'').hexdigest()}"
    verify(key, to_sign(headers["x-amz-date"], "x", canonical), signature)


def to_sign(stamp, service, canonical):
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return f"AWS4-ECDSA-P256-SHA256\n{stamp}\n{stamp[:8]}/{service}/aws4_request\n{digest}"


def verify(key, text, signature):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key.verify(binascii.unhexlify(signature), text.encode(), ec.ECDSA(hashes.SHA256()))


def check(case):
    """Verify one signature, the canonical request made by botocore's signer."""
    request = case["request"]
    key = public_key(request)
    crt_agrees(request, key)
    s3 = request.get("s3", False)
    kind = auth.S3SigV4Auth if s3 else auth.SigV4Auth
    signer = kind(Credentials(request["access_key"], request["secret_key"], None), request["service"], "x")
    signer.payload = lambda _: request["payload_hash"]
    url = request["url"]
    headers = {**dict(request["headers"]), **dict(case.get("headers", []))}
    signature = headers.pop("Authorization", "").split("Signature=")[-1]
    stamp = headers.get("X-Amz-Date")
    if "query" in case:
        query, signature = case["query"].split("&X-Amz-Signature=")
        stamp = query.split("X-Amz-Date=")[1].split("&")[0]
        url = url.split("?")[0] + "?" + query
    made = AWSRequest(method=request["method"], url=url, headers=headers)
    made.context["timestamp"] = stamp
    verify(key, to_sign(stamp, request["service"], signer.canonical_request(made)), signature)


COMMANDS = {"sign": headers, "presign": presign, "express": express, "sigv4a": sigv4a}

if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "check":
        cases = json.load(open(words[0], encoding="utf-8"))
        for case in cases:
            check(case)
        print(len(cases))
    else:
        json.dump(list(COMMANDS[command](words[0], int(words[1]))), sys.stdout)
