"""Where botocore's clients send calls, for random settings and inputs: as JSON on standard output.

    reference_calls.py SEED N    [{"service", "operation", "input", "region", "endpoint_url", "config", "env",
                                   "account", and "url", "headers", "name", "signed_region", "scheme", or "error"}]
"""

import json
import os
import pathlib
import random
import sys
import tempfile

import botocore.session
from botocore.exceptions import BotoCoreError

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


def call(rng, region):
    if rng.random() < 0.6:
        operation = rng.choice(list(S3))
        return "s3", operation, {name: member(rng, name, region) for name in S3[operation].split()}
    service, operation, given = rng.choice(OTHERS)
    if isinstance(given, str):
        given = {given: member(rng, given, region)}
    if operation == "PutEvents":
        given["Entries"] = [{"Source": "s"}]
    return service, operation, given


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
    service, operation, given = call(rng, region)
    if service == "sts" and region in (None, "aws-global"):
        region = "us-east-1"  # botocore takes the region to sign FIPS for from its older list
    env = some(rng, ENV)
    # Unlike botocore, awsbak goes to us-east-1's own endpoint unless told otherwise: tell both.
    env.setdefault("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", rng.choice(["regional", "legacy"]))
    return {
        "service": service, "operation": operation, "input": given, "region": region, "config": profile(rng), "env": env,
        "endpoint_url": rng.choice(ENDPOINTS) if rng.random() < 0.1 else None, "account": rng.random() < 0.7,
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

    def answer(self, case):
        """As BaseClient._make_api_call does, up to the request."""
        client = self.client(case)
        operation = client.meta.service_model.operation_model(case["operation"])
        context = {"client_region": client.meta.region_name, "client_config": client.meta.config, "has_streaming_input": False}
        params = client._emit_api_params(json.loads(json.dumps(case["input"])), operation, context)
        url, headers, _ = client._resolve_endpoint_ruleset(operation, params, context)
        request = client._convert_to_request_dict(params, operation, url, context=context, headers=headers)
        signing, signer = context.get("signing", {}), client._request_signer
        return {
            "url": request["url"].split("?")[0],
            "headers": headers,
            "name": signing.get("signing_name") or signer._signing_name,
            "signed_region": signing.get("region") or signer._region_name,
            "scheme": context.get("auth_type"),
        }


def main(seed, count):
    rng, answers = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        asker = Asker(folder)
        for _ in range(count):
            case = make(rng)
            try:
                answers.append({**case, **asker.answer(case)})
            except (BotoCoreError, ValueError) as e:
                words = getattr(e, "kwargs", {})
                answers.append({**case, "error": words.get("msg") or words.get("report") or str(e)})
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
