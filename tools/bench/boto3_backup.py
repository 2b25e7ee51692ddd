"""What `awsbak ssm backup` asks of AWS, asked with boto3: the same calls, ten at a time.

usage: boto3_backup.py ENDPOINT_URL OUTPUT_FILE

Writes JSON lines, neither compressed nor encrypted nor signed.
"""
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

WORKERS = 10  # as many as awsbak does at once


def main(endpoint, target):
    ssm = boto3.client("ssm", endpoint_url=endpoint, region_name="us-east-1",
                       config=Config(max_pool_connections=WORKERS))

    def values(names):
        reply = ssm.get_parameters(Names=names, WithDecryption=True)
        return {p["Name"]: p for p in reply["Parameters"]}

    def details(name):
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
        pages = ssm.get_paginator("get_parameter_history").paginate(
            Name=name, WithDecryption=True, PaginationConfig={"PageSize": 50})
        return tags, [v for page in pages for v in page["Parameters"]]

    with ThreadPoolExecutor(WORKERS) as pool, open(target, "w", encoding="utf-8") as out:
        pages = ssm.get_paginator("describe_parameters").paginate(PaginationConfig={"PageSize": 50})
        for page in pages:
            names = [p["Name"] for p in page["Parameters"]]
            found = {}
            for part in pool.map(values, [names[i:i + 10] for i in range(0, len(names), 10)]):
                found.update(part)
            for name, (tags, history) in zip(names, pool.map(details, names)):
                row = {**found[name], "tags": tags, "labels": history[-1].get("Labels", [])}
                out.write(json.dumps(row, default=str) + "\n")


main(sys.argv[1], sys.argv[2])
