"""A file, or all files of a folder, to S3 and back by boto3's transfer managers: its own, or the CRT's.

usage: boto3_copy.py python|crt up|down PATH KEY; a KEY that ends in / is that of many objects, PATH their folder
"""
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig, create_transfer_manager
from botocore.session import Session

BUCKET = "vault"
URL = os.environ["AWS_ENDPOINT_URL"]
REGION = os.environ["AWS_REGION"]


def python_manager():
    config = TransferConfig(preferred_transfer_client="classic")
    return create_transfer_manager(boto3.client("s3"), config)


def crt_manager():
    """As boto3 makes one, which would insist on TLS."""
    from s3transfer.crt import (BotocoreCRTCredentialsWrapper, BotocoreCRTRequestSerializer, CRTTransferManager,
                                create_s3_crt_client)
    session = Session()
    keys = BotocoreCRTCredentialsWrapper(session.get_credentials()).to_crt_credentials_provider()
    client = create_s3_crt_client(REGION, crt_credentials_provider=keys, use_ssl=URL.startswith("https:"))
    serializer = BotocoreCRTRequestSerializer(session, {"region_name": REGION, "endpoint_url": URL})
    return CRTTransferManager(client, serializer)


def pairs(way, path, key):
    """(path, key) of each file to move."""
    if not key.endswith("/"):
        yield path, key
    elif way == "up":
        for entry in os.scandir(path):
            yield entry.path, key + entry.name
    else:
        pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=key)
        for page in pages:
            for one in page["Contents"]:
                yield os.path.join(path, one["Key"][len(key):]), one["Key"]


def main(kind, way, path, key):
    with crt_manager() if kind == "crt" else python_manager() as manager:
        if way == "up":
            moves = [manager.upload(one, BUCKET, name) for one, name in pairs(way, path, key)]
        else:
            moves = [manager.download(BUCKET, name, one) for one, name in pairs(way, path, key)]
        for move in moves:
            move.result()


main(*sys.argv[1:])
