"""Encryption and compression of a file: awsbak's pipes beside the programs age and zstd, in one run.

Files lie in /dev/shm, so that no disk is measured. "One core" is taskset. age does not care what its bytes are; zstd has
random ones, the worst there are, and records.
"""
import pathlib
import random
import subprocess
import tempfile

import records

RUNS = 5
MIB = 256
ONE = ["taskset", "-c", "0"]


def write_random(path, size):
    rng = random.Random(1)
    with open(path, "wb") as out:
        for _ in range(size >> 20):
            out.write(rng.randbytes(1 << 20))


def pipe(awsbak, stages, start, to, keys):
    return [awsbak, "tools/bench/pipe.lua", stages, str(start), str(to), str(keys)]


def age_cases(awsbak, plain, sealed, to, keys):
    """{name: words}: encryption."""
    recipient = subprocess.run(["age-keygen", "-y", keys], check=True, text=True, capture_output=True).stdout.strip()
    return {
        "age, one core": ONE + ["age", "-r", recipient, "-o", to, plain],
        "awsbak seal, one core": ONE + pipe(awsbak, "seal", plain, to, keys),
        "awsbak seal": pipe(awsbak, "seal", plain, to, keys),
        "age -d, one core": ONE + ["age", "-d", "-i", keys, "-o", to, sealed],
        "awsbak open, one core": ONE + pipe(awsbak, "open", sealed, to, keys),
    }


def zstd_cases(awsbak, plain, packed, to, keys):
    """{name: words}: compression, and what comes after it in one pipe alone, on the bytes it gets there."""
    return {
        "zstd -1": ["zstd", "-q", "-f", "-1", "-T1", plain, "-o", to],
        "awsbak zstd": pipe(awsbak, "zstd", plain, to, keys),
        "awsbak seal, of what zstd made": pipe(awsbak, "seal", packed, to, keys),
        "awsbak zstd and seal": pipe(awsbak, "zstd,seal", plain, to, keys),
    }


def by_turns(cases, run, cost, env):
    """{name: cost}"""
    rows = {one: [] for one in cases}
    for _ in range(RUNS):
        for one, words in cases.items():
            rows[one].append(run(words, env))
    costs = {one: cost(list(rows[one])) for one in cases}
    for one, what in costs.items():
        print(what.line(one))
    return {one: what.wall for one, what in costs.items()}


def measure(run, cost, heading, goal, awsbak, env):
    """The tables; the functions are bench.py's."""
    with tempfile.TemporaryDirectory(prefix="awsbak-bench-", dir="/dev/shm") as name:
        places = [str(pathlib.Path(name, one)) for one in ("random", "records", "sealed", "packed", "to", "keys")]
        noise, text, sealed, packed, to, keys = places
        write_random(noise, MIB << 20)
        records.write(text, MIB << 20)
        subprocess.run(["age-keygen", "-o", keys], check=True, capture_output=True)
        run(pipe(awsbak, "seal", noise, sealed, keys), env)
        heading("Encryption of %d MiB of random bytes (medians of %d by turns)" % (MIB, RUNS))
        wall = by_turns(age_cases(awsbak, noise, sealed, to, keys), run, cost, env)
        goal("age's time over ours, sealing on one core", wall["age, one core"] / wall["awsbak seal, one core"], 1, "x",
             at_least=True)
        goal("age's time on one core over ours on two", wall["age, one core"] / wall["awsbak seal"], 1.5, "x", at_least=True)
        goal("age's time over ours, opening on one core", wall["age -d, one core"] / wall["awsbak open, one core"], 1.25,
             "x", at_least=True)
        for title, plain in (("records", text), ("random bytes", noise)):
            run(pipe(awsbak, "zstd", plain, packed, keys), env)
            heading("Compression, and encryption with it, of %d MiB of %s" % (MIB, title))
            wall = by_turns(zstd_cases(awsbak, plain, packed, to, keys), run, cost, env)
            slowest = max(wall["awsbak zstd"], wall["awsbak seal, of what zstd made"])
            goal("the slower stage's time over that of both", slowest / wall["awsbak zstd and seal"], 0.9, "x",
                 at_least=True)
