"""CPU of reading replies: botocore's parser beside awsbak's, on the same bodies, in one run.

    parse.py AWSBAK     prints rows for tools/bench/bench.py; a body each of DescribeInstances (1 MB), Scan (1 MB)
                        and ListObjectsV2 (1,000 keys)
"""

import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from botocore import model, parsers
from botocore.awsrequest import HeadersDict
from botocore.loaders import Loader

import replies

RUNS = 7
LUA = pathlib.Path(__file__).with_suffix(".lua")


CASES = [
    ("ec2", "DescribeInstances", "ec2", replies.instances),
    ("dynamodb", "Scan", "json", replies.scan),
    ("s3", "ListObjectsV2", "rest-xml", replies.objects),
]


def botocore_ms(service, operation, protocol, body):
    api = model.ServiceModel(Loader().load_service_model(service, "service-2"), service)
    shape = api.operation_model(operation).output_shape
    parser = parsers.create_parser(protocol)
    times = []
    for _ in range(RUNS):
        response = {"status_code": 200, "headers": HeadersDict({}), "body": body, "context": {}}
        before = time.process_time()
        parser.parse(response, shape)
        times.append(time.process_time() - before)
    return statistics.median(times) * 1000


def awsbak_ms(program, service, operation, path):
    done = subprocess.run(
        [program, LUA, service, operation, path, str(RUNS)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def rows(program):
    """[(what, bytes, botocore's ms, awsbak's ms)]"""
    rng = random.Random(1)
    for service, operation, protocol, make in CASES:
        body = make(rng).encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            ours = awsbak_ms(program, service, operation, file.name)
        yield f"{service} {operation}", len(body), botocore_ms(service, operation, protocol, body), ours


if __name__ == "__main__":
    for what, size, theirs, ours in rows(sys.argv[1]):
        print(f"{what:24} {size:9,} bytes  botocore {theirs:7.1f} ms  awsbak {ours:6.1f} ms  {theirs / ours:5.1f}x")
