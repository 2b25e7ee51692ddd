"""awsbak beside a floor program, the AWS CLI and boto3, in one run.

usage: ./dev bench [start] [models] [call] [backup] [parse] [digest] [streams] [objects] (all without a word).
Medians; the numbers of one machine are comparable with each other only. docs/benchmarks.md keeps a run.
"""
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile

import objects
import replies
import streams

BUILD = "build/release"
AWSBAK = BUILD + "/awsbak"
PYTHON = "build/venv/bin/python3"
AWS = "build/venv-bench/bin/aws"
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
START_RUNS = 21
BACKUP_RUNS = 5
PARAMETERS = 2000
MANY_PARAMETERS = 10000


class Cost:
    """What runs of one program cost: medians of wall and CPU seconds, the highest peak in MiB."""

    def __init__(self, rows):
        self.wall = statistics.median(row[0] for row in rows)
        self.cpu = statistics.median(row[1] + row[2] for row in rows)
        self.peak = max(row[3] for row in rows) / 1024

    def line(self, name):
        return "  %-34s %10.1f %10.1f %10.1f" % (name, self.wall * 1e3, self.cpu * 1e3, self.peak)


def run(words, env):
    """One run through bench_measure: (wall s, user s, system s, peak KiB)."""
    done = subprocess.run([BUILD + "/tools/bench/bench_measure"] + words, env=env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=True)
    *said, last = done.stderr.rstrip("\n").split("\n")
    wall, user, system, peak, status = last.split()
    if status != "0":
        sys.exit("%s failed:\n%s" % (" ".join(words), "\n".join(said)))
    return float(wall), float(user), float(system), int(peak)


def environment(home, **more):
    kept = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8"}
    return {**kept, **KEYS, **more}


def heading(title):
    print("\n%s\n  %-34s %10s %10s %10s" % (title, "", "wall ms", "CPU ms", "peak MiB"))


def goal(text, value, limit, unit, at_least=False):
    met = value >= limit if at_least else value <= limit
    print("  %-4s %s: %.1f%s (goal: %s %g%s)" % ("ok" if met else "MISS", text, value, unit,
                                                "at least" if at_least else "at most", limit, unit))


def start_up(home):
    """Start-up of a program that does nothing."""
    env = environment(home)
    cases = {
        "floor (Lua, same libraries)": [BUILD + "/tools/bench/bench_floor"],
        "awsbak -e ''": [AWSBAK, "-e", ""],
        "python3 -c 'import boto3'": [PYTHON, "-c", "import boto3"],
        "aws --version": [AWS, "--version"],
    }
    rows = {name: [] for name in cases}
    for words in cases.values():
        run(words, env)  # files into the page cache, bytecode compiled
    for _ in range(START_RUNS):
        for name, words in cases.items():
            rows[name].append(run(words, env))
    heading("Start-up (medians of %d, interleaved)" % START_RUNS)
    costs = [Cost(rows[name]) for name in cases]
    for name, cost in zip(cases, costs):
        print(cost.line(name))
    floor, ours, boto3, _ = costs
    goal("start over the floor's", ours.wall / floor.wall, 1.5, "x")
    goal("boto3's import over our start", boto3.wall / ours.wall, 20, "x", at_least=True)


def models(_):
    """What the models of all services take in the program."""
    code = "print(require('awsbak.core.embed').bytes('lua/aws/models/'))"
    done = subprocess.run([AWSBAK, "-e", code], check=True, capture_output=True, text=True)
    print("\nModels")
    goal("those of all services, in the program", int(done.stdout) / 1024, 600, " KiB")


class Server:
    """The specs' loopback server, with a fake parameter store."""

    def __init__(self, parameters=0):
        self.process = subprocess.Popen(
            [sys.executable, "spec/support/server.py", json.dumps({"ssm": parameters})],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:%s" % re.search(r'"port"\]=(\d+)', self.ask("hello")).group(1)

    def ask(self, command, **more):
        self.process.stdin.write(json.dumps({"command": command, **more}) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def first_call(home):
    """The first call of a process, with all it loads for it, over what the exchange alone takes."""
    body = replies.instances(random.Random(1), 1)
    rows = []
    with Server() as server:
        server.ask("script", operation="DescribeInstances", replies=[{"body": body, "times": -1}])
        for _ in range(START_RUNS):
            done = subprocess.run([AWSBAK, "tools/bench/first_call.lua", server.url], check=True, text=True,
                                  env=environment(home, AWS_ENDPOINT_URL=server.url), capture_output=True)
            rows.append([float(ms) for ms in done.stdout.split()])
    wall, cpu, network = map(statistics.median, zip(*rows))
    print("\nFirst call of a process: DescribeInstances (medians of %d processes)" % START_RUNS)
    print("  %-34s %10s %10s\n  %-34s %10.1f %10.1f" % ("", "wall ms", "CPU ms", "awsbak", wall, cpu))
    print("  %-34s %10.1f" % ("the exchange alone", network))
    goal("over the exchange", statistics.median(row[0] - row[2] for row in rows), 10, " ms")


def calls(server):
    """What the last run asked of the server; forgotten there afterwards."""
    found = sorted(re.findall(r'\["(\w+)"\]=(\d+)', server.ask("counts").split("value", 1)[1]))
    server.ask("clear")
    return ", ".join("%s %s" % (number, name) for name, number in found)


def backup(home):
    """The main job against the loopback server: awsbak encrypts, compresses and signs; boto3's
    script writes plain text. By turns, so that a busy moment of the machine falls on both."""
    subprocess.run([AWSBAK, "keygen"], env=environment(home), check=True, capture_output=True)
    ours = [AWSBAK, "ssm", "backup", "--to", home + "/awsbak.age", "--force"]
    our_rows, their_rows = [], []
    with Server(PARAMETERS) as server:
        env = environment(home, AWS_ENDPOINT_URL=server.url)
        theirs = [PYTHON, "tools/bench/boto3_backup.py", server.url, home + "/boto3.jsonl"]
        for _ in range(BACKUP_RUNS):
            our_rows.append(run(ours, env))
            our_calls = calls(server)
            their_rows.append(run(theirs, env))
            their_calls = calls(server)
    with Server(MANY_PARAMETERS) as server:
        many = Cost([run(ours, environment(home, AWS_ENDPOINT_URL=server.url))])
    ours, theirs = Cost(our_rows), Cost(their_rows)
    heading("Backing up parameters from the loopback server (medians of %d)" % BACKUP_RUNS)
    print(ours.line("awsbak ssm backup, %d" % PARAMETERS))
    print(theirs.line("boto3 script, %d" % PARAMETERS))
    print(many.line("awsbak ssm backup, %d (one run)" % MANY_PARAMETERS))
    print("  calls by awsbak: " + our_calls)
    print("  calls by boto3:  " + their_calls)
    goal("boto3's CPU over ours", theirs.cpu / ours.cpu, 10, "x", at_least=True)
    goal("peak memory, %d" % PARAMETERS, ours.peak, 20, " MiB")
    goal("peak memory, %d" % MANY_PARAMETERS, many.peak, 20, " MiB")


# How much less CPU reading a reply must take than botocore's parser takes.
PARSE_GOALS = {"ec2 DescribeInstances": 5, "dynamodb Scan": 15, "s3 ListObjectsV2": 5}


def parse(_):
    """Reading replies of 0.3 to 1 MB; ours with the collection of what is left behind."""
    done = subprocess.run([PYTHON, "tools/bench/parse.py", AWSBAK], check=True, capture_output=True, text=True)
    print("\nReading a reply (CPU; medians of 7 by turns, awsbak's each a mean of 7)")
    print(done.stdout, end="")
    for name, ratio in re.findall(r"^(\w+ \w+) .* ([\d.]+)x$", done.stdout, re.M):
        goal("botocore's CPU over ours, " + name, float(ratio), PARSE_GOALS[name], "x", at_least=True)


def digest(_):
    """Checksums by the processor's instructions, where it has them, and by tables."""
    done = subprocess.run([AWSBAK, "tools/bench/digest.lua"], check=True, capture_output=True, text=True)
    speeds = {name: float(speed) for name, speed in map(str.split, done.stdout.splitlines())}
    print("\nChecksums, GB/s of CPU (best of 5)\n  %-34s %10s %10s" % ("", "ours", "tables"))
    names = [name for name in speeds if name + "-portable" in speeds]
    for name in names:
        print("  %-34s %10.1f %10.1f" % (name, speeds[name], speeds[name + "-portable"]))
    goal("the slowest", min(speeds[name] for name in names), 10, " GB/s", at_least=True)


def streams_part(home):
    """Encryption and compression, beside age and zstd."""
    streams.measure(run, Cost, heading, goal, AWSBAK, environment(home))


def objects_part(home):
    """Objects to S3 and back, beside other clients."""
    objects.measure(BUILD + "/tools/bench", run, Cost, heading, goal, AWSBAK, AWS)


PARTS = {"start": start_up, "models": models, "call": first_call, "backup": backup, "parse": parse, "digest": digest,
         "streams": streams_part, "objects": objects_part}


def main(wanted):
    with tempfile.TemporaryDirectory(prefix="awsbak-bench-") as home:
        for name, part in PARTS.items():
            if not wanted or name in wanted:
                part(home)


main(sys.argv[1:])
