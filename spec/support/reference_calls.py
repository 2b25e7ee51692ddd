"""Where botocore's clients send calls, for random settings and inputs: as JSON on standard output.

    reference_calls.py calls SEED N       N clients: [{"service", "region", "endpoint_url", "config", "env", "account",
                                          "calls": [{"operation", "input", and "url", "headers", "name",
                                          "signed_region", "scheme", or "error"}]}]
    reference_calls.py redirects SEED N   N refusals of S3: [{"operation", "input", "status", "code", "told", "header",
                                          "asked", and "url" where it is sent then, or none}]
"""

import json
import os
import pathlib
import random
import sys
import tempfile
from types import SimpleNamespace

import botocore.session
from botocore.exceptions import BotoCoreError
from botocore.utils import S3RegionRedirectorv2

from reference_endpoints import ARNS, BUCKETS, REGIONS, TABLES

KEYS = ["a/b", "a b", "../x", "/lead", "//", "\u00fc+%", "a?b#c", "x"]
ENDPOINTS = ["https://host.example", "http://localhost:4566/base", "https://s3.example:8443/a/b/", "HTTP://x.lan"]
S3 = {
    "GetObject": "Bucket Key", "PutObject": "Bucket Key", "HeadObject": "Bucket Key", "CopyObject": "Bucket Key CopySource",
    "ListObjectsV2": "Bucket", "GetBucketLocation": "Bucket", "HeadBucket": "Bucket", "CreateBucket": "Bucket",
    "GetBucketAcl": "Bucket", "CreateSession": "Bucket", "ListBuckets": "", "ListDirectoryBuckets": "",
    "WriteGetObjectResponse": "RequestRoute RequestToken", "CreateMultipartUpload": "Bucket Key",
}  # fmt: skip
OTHERS = [
    ("cloudwatch", "ListDashboards", {}),
    ("dynamodb", "BatchGetItem", "RequestItems"),
    ("dynamodb", "DescribeEndpoints", {}),
    ("dynamodb", "DescribeTable", "TableName"),
    ("dynamodb", "ListTables", {}),
    ("dynamodbstreams", "DescribeStream", "StreamArn"),
    ("dynamodbstreams", "ListStreams", {}),
    ("ebs", "ListSnapshotBlocks", {"SnapshotId": "snap-1"}),
    ("ec2", "DescribeVpcs", {}),
    ("events", "ListRules", {}),
    ("events", "PutEvents", "EndpointId"),
    ("iam", "ListUsers", {}),
    ("kms", "ListKeys", {}),
    ("lambda", "GetFunction", {"FunctionName": "f g"}),
    ("logs", "DescribeLogGroups", {}),
    ("logs", "StartLiveTail", {"logGroupIdentifiers": ["g"]}),
    ("sso", "GetRoleCredentials", {"roleName": "r", "accountId": "1", "accessToken": "t"}),
    ("stepfunctions", "StartSyncExecution", {"stateMachineArn": "a"}),
    ("sts", "GetCallerIdentity", {}),
    ("sts", "AssumeRoleWithWebIdentity", {"RoleArn": "a" * 20, "RoleSessionName": "xx", "WebIdentityToken": "wwww"}),
]
CONFIG = {
    "account_id_endpoint_mode": ["preferred", "required", "disabled"],
    "disable_host_prefix_injection": ["true", "false"],
    "ignore_configured_endpoint_urls": ["true", "false"],
    "endpoint_url": ENDPOINTS,
    "s3_disable_express_session_auth": ["true", "false"],
    "s3_us_east_1_regional_endpoint": ["regional", "legacy"],
    "s3_use_arn_region": ["true", "false"],
    "sts_regional_endpoints": ["regional", "legacy"],
    "use_dualstack_endpoint": ["true", "false"],
    "use_fips_endpoint": ["true", "false"],
}
NESTED = {
    "addressing_style": ["auto", "path", "virtual"],
    "s3_disable_multiregion_access_points": ["true", "false"],
    "us_east_1_regional_endpoint": ["regional", "legacy"],
    "use_accelerate_endpoint": ["true", "false"],
    "use_arn_region": ["true", "false"],
    "use_dualstack_endpoint": ["true", "false"],
}
ENV = {
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": CONFIG["account_id_endpoint_mode"],
    "AWS_DISABLE_HOST_PREFIX_INJECTION": ["true", "false"],
    "AWS_ENDPOINT_URL": ENDPOINTS,
    "AWS_ENDPOINT_URL_S3": ENDPOINTS,
    "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": ENDPOINTS,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": ["true", "false"],
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": ["true", "false"],
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": ["true", "false"],
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": ["regional", "legacy"],
    "AWS_S3_USE_ARN_REGION": ["true", "false"],
    "AWS_STS_REGIONAL_ENDPOINTS": ["regional", "legacy"],
    "AWS_USE_DUALSTACK_ENDPOINT": ["true", "false"],
    "AWS_USE_FIPS_ENDPOINT": ["true", "false"],
}


def some(rng, table, chance=0.07):
    return {k: rng.choice(v) for k, v in table.items() if rng.random() < chance}


def bucket(rng, region):
    return rng.choice(rng.choice([["vault"], BUCKETS, ARNS])).format(r=rng.choice([region or "us-east-1", "us-west-2"]))


def member(rng, name, region):
    table = rng.choice(TABLES).format(r=region or "us-east-1")
    return {
        "Bucket": bucket(rng, region),
        "CopySource": "vault/" + rng.choice(["a/b", "x y"]),
        "EndpointId": rng.choice(["abc.def", "abc"]),
        "Key": rng.choice(KEYS),
        "RequestItems": {table: {"Keys": [{"k": {"S": "v"}}]}},
        "RequestRoute": rng.choice(["io-abc", "bad_route", "a.b"]),
        "RequestToken": "t",
        "StreamArn": table + "/stream/2024-01-01T00:00:00.000" if table.startswith("arn") else "x" * 40,
        "TableName": table,
    }[name]


def call(rng, service, region):
    if service == "s3":
        operation = rng.choice(list(S3))
        given = S3[operation]
    else:
        operation, given = rng.choice([o[1:] for o in OTHERS if o[0] == service])
    if isinstance(given, str):
        given = {name: member(rng, name, region) for name in given.split()}
    if operation == "PutEvents":
        given["Entries"] = [{"Source": "s"}]
    return {"operation": operation, "input": given}


def profile(rng):
    """The text of a profile: keys, keys of s3, and a services section."""
    text = "[default]\n" + "".join(f"{k} = {v}\n" for k, v in some(rng, CONFIG).items())
    nested = some(rng, NESTED, 0.15)
    if nested:
        text += "s3 =\n" + "".join(f"  {k} = {v}\n" for k, v in nested.items())
    if rng.random() < 0.1:
        url = rng.choice(ENDPOINTS)
        text += f"services = mine\n[services mine]\ndynamodb =\n  endpoint_url = {url}\ns3 =\n  endpoint_url = {url}\n"
    return text


def make(rng):
    regions = [*REGIONS, None, "fips-us-west-2", "us-gov-west-1-fips"]
    region = rng.choice(regions)
    service = "s3" if rng.random() < 0.6 else rng.choice(OTHERS)[0]
    if service == "sts" and region in (None, "aws-global"):
        region = "us-east-1"  # botocore takes the region to sign FIPS for from its older list
    env = some(rng, ENV)
    # Unlike botocore, awsbak goes to us-east-1's own endpoint unless told otherwise: tell both.
    env.setdefault("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", rng.choice(["regional", "legacy"]))
    return {
        "service": service, "region": region, "config": profile(rng), "env": env, "account": rng.random() < 0.7,
        "endpoint_url": rng.choice(ENDPOINTS) if rng.random() < 0.1 else None,
        "calls": [call(rng, service, region) for _ in range(3)],
    }  # fmt: skip


class Asker:
    """Asks botocore's clients; what is the same for all of them is read once."""

    def __init__(self, folder):
        self.config = pathlib.Path(folder, "config")
        self.loader = botocore.session.Session().get_component("data_loader")

    def client(self, case):
        self.config.write_text(case["config"])
        os.environ.clear()
        os.environ.update(case["env"], AWS_CONFIG_FILE=str(self.config), AWS_EC2_METADATA_DISABLED="true")
        session = botocore.session.Session()
        session.register_component("data_loader", self.loader)
        return session.create_client(
            case["service"], case["region"], endpoint_url=case["endpoint_url"],
            aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="k",
            aws_account_id="111122223333" if case["account"] else None,
        )  # fmt: skip


def prepare(client, name, given):
    """The request of a call, its endpoint's headers and its context, as BaseClient._make_api_call makes them."""
    operation = client.meta.service_model.operation_model(name)
    context = {"client_region": client.meta.region_name, "client_config": client.meta.config, "has_streaming_input": False}
    params = client._emit_api_params(json.loads(json.dumps(given)), operation, context)
    url, headers, _ = client._resolve_endpoint_ruleset(operation, params, context)
    request = client._convert_to_request_dict(params, operation, url, context=context, headers=headers)
    return request, headers, context


def answer(client, case):
    try:
        request, headers, context = prepare(client, case["operation"], case["input"])
    except (BotoCoreError, ValueError) as e:
        return {"error": str(e)}
    signing, signer = context.get("signing", {}), client._request_signer
    return {
        "url": request["url"].split("?")[0],
        "headers": headers,
        "name": signing.get("signing_name") or signer._signing_name,
        "signed_region": signing.get("region") or signer._region_name,
        "scheme": context.get("auth_type"),
    }


def calls(rng, asker):
    case = make(rng)
    try:
        client = asker.client(case)
    except (BotoCoreError, ValueError) as e:
        return {**case, "calls": [{**c, "error": str(e)} for c in case["calls"]]}
    return {**case, "calls": [{**c, **answer(client, c)} for c in case["calls"]]}


def redirects(rng, asker):
    """A refusal, and whether and where S3RegionRedirectorv2 sends the request then."""
    operation = rng.choice(["GetObject", "HeadObject", "HeadBucket", "CreateBucket", "ListObjectsV2", "GetBucketLocation"])
    point = "arn:aws:s3:us-west-2:123456789012:accesspoint/point"
    buckets = ["vault", "my.vault", point if operation in ("GetObject", "HeadObject", "ListObjectsV2") else "vault"]
    given = {name: "a/b" for name in S3[operation].split()} | {"Bucket": rng.choice(buckets)}
    status = rng.choice([301, 302, 307, 400, 403, 404, 503])
    elsewhere = [None, "us-west-2"]
    case = {
        "operation": operation, "input": given, "status": status,
        "code": rng.choice([str(status), "PermanentRedirect", "AuthorizationHeaderMalformed",
                            "IllegalLocationConstraintException", "AccessDenied"]),
        "told": rng.choice(elsewhere), "header": rng.choice(elsewhere), "asked": rng.choice(elsewhere),
        "endpoint_url": rng.choice([None, None, "https://host.example"]),
    }  # fmt: skip
    if operation.startswith("Head"):  # has no body that could tell
        case.update(code=str(status), told=None)
    client = asker.client({"service": "s3", "region": "eu-west-1", "config": "", "env": {}, "account": False, **case})
    redirector = S3RegionRedirectorv2(None, client)
    redirector.register()
    request, _, context = prepare(client, operation, given)
    head = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": case["asked"]} if case["asked"] else {}}}
    client.head_bucket = lambda **_: head
    headers = {"x-amz-bucket-region": case["header"]} if case["header"] else {}
    fault = {"Code": case["code"]} | ({"Region": case["told"]} if case["told"] else {})
    response = SimpleNamespace(status_code=status), {"Error": fault, "ResponseMetadata": {"HTTPHeaders": headers}}
    model = client.meta.service_model.operation_model(operation)
    if redirector.redirect_from_error({**request, "context": context}, response, model) == 0:
        case["url"], case["signed_region"] = prepare(client, operation, given)[0]["url"].split("?")[0], "us-west-2"
    return case


if __name__ == "__main__":
    make_case, rng = {"calls": calls, "redirects": redirects}[sys.argv[1]], random.Random(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(folder)
        json.dump([make_case(rng, asker) for _ in range(int(sys.argv[3]))], sys.stdout)
