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


def botocore_run(service, operation, protocol, body):
    """A function that parses the body once, and returns the milliseconds of CPU that it took."""
    api = model.ServiceModel(Loader().load_service_model(service, "service-2"), service)
    shape = api.operation_model(operation).output_shape
    parser = parsers.create_parser(protocol)

    def run():
        response = {"status_code": 200, "headers": HeadersDict({}), "body": body, "context": {}}
        before = time.process_time()
        parser.parse(response, shape)
        return (time.process_time() - before) * 1000

    return run


def awsbak_ms(program, service, operation, path):
    done = subprocess.run(
        [program, LUA, service, operation, path, str(RUNS)], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def rows(program):
    """[(what, bytes, botocore's ms, awsbak's ms, the ratio)], medians; by turns, as a machine's speed can
    change from one second to the next"""
    rng = random.Random(1)
    for service, operation, protocol, make in CASES:
        body = make(rng).encode()
        theirs_run = botocore_run(service, operation, protocol, body)
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            pairs = [(theirs_run(), awsbak_ms(program, service, operation, file.name)) for _ in range(RUNS)]
        theirs, ours = map(statistics.median, zip(*pairs))
        yield f"{service} {operation}", len(body), theirs, ours, statistics.median(t / o for t, o in pairs)


if __name__ == "__main__":
    for what, size, theirs, ours, ratio in rows(sys.argv[1]):
        print(f"{what:24} {size:9,} bytes  botocore {theirs:7.1f} ms  awsbak {ours:6.1f} ms  {ratio:5.1f}x")
