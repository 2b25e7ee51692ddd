"""What botocore's rules engine makes of random parameters: as JSON on standard output.

    reference_endpoints.py SEED N SERVICE...    {service: [{"parameters", "url"...} or {..., "error"}]}
"""

import json
import random
import sys

from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError

from reference import import_models

REGIONS = (
    "us-east-1 us-west-2 eu-west-1 ap-southeast-2 mx-central-1 cn-north-1 cn-northwest-1 us-gov-west-1 us-gov-east-1"
    " us-iso-east-1 us-isob-east-1 us-isof-south-1 eu-isoe-west-1 eusc-de-east-1 aws-global aws-cn-global"
    " moon-base-1 us-EAST-1 a.b bad_region -x x"
).split()
ENDPOINTS = [
    "http://127.0.0.1:9000", "http://10.0.0.7", "https://[::1]", "https://host.example", "http://localhost:4566/base", "https://[::1]:8000",
    "https://s3.example:8443/a/b/", "ftp://x", "https://x?q=1", "not a url",
]  # fmt: skip
BUCKETS = [
    "vault", "my.vault", "Old_one", "ab", "127.0.0.1", "x" * 63, "x" * 64, "a-b-", "b--use1-az4--x-s3",
    "b--use1-az4--xa-s3", "b--abcd-ab1--x-s3", "b--usw2-lax1-az1--x-s3", "b--use1-pdx1-az1--xa-s3", "b--x-s3",
    "point-123456789012-s3alias", "test-accessp-e0b1d075431d83bebde8xz5w8ijx1qtlbp3i3ebeta--op-s3",
    "test-accessp-o0000000000000000000000000000000000000000000000--op-s3",
]  # fmt: skip
ARNS = [
    "arn:aws:s3:{r}:123456789012:accesspoint/point", "arn:aws:s3:{r}:123456789012:accesspoint:point",
    "arn:aws-cn:s3:{r}:123456789012:accesspoint/point", "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap",
    "arn:aws:s3-object-lambda:{r}:123456789012:accesspoint/lam", "arn:aws:s3:{r}:123456789012:bucket/x",
    "arn:aws:s3-outposts:{r}:123456789012:outpost/op-01234567890123456/accesspoint/reports",
    "arn:aws:s3-outposts:{r}:123456789012:outpost:op-01234567890123456:accesspoint:reports",
    "arn:aws:s3-outposts:{r}:123456789012:outpost/op_1/accesspoint/reports", "arn:aws:s3:{r}::accesspoint/point",
    "arn:aws:s3-outposts:{r}:123456789012:outpost", "arn:aws:s3:{r}:123456789012:accesspoint", "arn:aws:s3",
    "arn:aws:sqs:{r}:123456789012:accesspoint/point", "arn:aws:s3:{r}:12345_:accesspoint/point", "arn:a::",
    "arn:aws:s3:{r}:123456789012:accesspoint/po_int", "arn:aws:s3:{r}:123456789012:accesspoint/a/b",
]  # fmt: skip
TABLES = ["arn:aws:dynamodb:{r}:222222222222:table/t", "t", "arn:aws:s3:{r}:222222222222:x", "arn:aws-cn:dynamodb::1:t"]


def text(rng, name, region):
    if name in ("Region",):
        return region
    if name == "Endpoint":
        return rng.choice(ENDPOINTS)
    if name == "Bucket":
        return rng.choice(rng.choice([BUCKETS, ARNS])).format(r=rng.choice([region, "us-west-2"]))
    if name == "AccountId":
        return rng.choice(["111111111111", "bad id", ""])
    if name == "AccountIdEndpointMode":
        return rng.choice(["preferred", "required", "disabled", "other"])
    if name in ("ResourceArn", "StreamArn"):
        return rng.choice(TABLES).format(r=region)
    return rng.choice(["abc.def", "abc", "a b", "", "0000000000|x"])


def parameters(rng, described):
    region, made = rng.choice(REGIONS), {}
    chance = {"Region": 0.97, "Endpoint": 0.15, "Bucket": 0.8}
    for name, parameter in described["parameters"].items():
        if rng.random() > chance.get(name, 0.3):
            continue
        kind = parameter["type"].lower()
        if kind == "boolean":
            made[name] = rng.random() < 0.5
        elif kind == "stringarray":
            made[name] = [rng.choice(TABLES).format(r=region) for _ in range(rng.randint(0, 2))]
        else:
            made[name] = text(rng, name, region)
    return made


def cases(seed, count, service):
    folder = max(p for p in (import_models.DATA / service).iterdir() if p.is_dir())
    described = import_models.load(folder, "endpoint-rule-set-1")
    provider = EndpointProvider(described, import_models.read(import_models.DATA, "partitions.json"))
    rng = random.Random(f"{seed} {service}")
    for _ in range(count):
        given = parameters(rng, described)
        case = {"parameters": given}
        try:
            found = provider.resolve_endpoint(**given)
            case.update(url=found.url, properties=found.properties, headers=found.headers)
        except EndpointProviderError as e:
            case["error"] = str(e)
        yield case


if __name__ == "__main__":
    seed, count, *services = sys.argv[1:]
    json.dump({s: list(cases(seed, int(count), s)) for s in services}, sys.stdout)
