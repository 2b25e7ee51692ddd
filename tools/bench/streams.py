"""Encryption and compression of a file: awsbak's pipes beside the programs age and zstd, in one run.

Files lie in /dev/shm, so that no disk is measured. "One core" is taskset.
"""
import pathlib
import random
import subprocess
import tempfile

RUNS = 5
MIB = 256
ONE = ["taskset", "-c", "0"]


def cases(awsbak, folder):
    """{name: words}, each from `plain` or `sealed` in the folder."""
    plain, sealed, keys, to = (str(folder / name) for name in ("plain", "sealed", "keys", "to"))
    recipient = subprocess.run(["age-keygen", "-y", keys], check=True, text=True, capture_output=True).stdout.strip()

    def pipe(stages, start=plain):
        return [awsbak, "tools/bench/pipe.lua", stages, start, to, keys]

    return {
        "age, one core": ONE + ["age", "-r", recipient, "-o", to, plain],
        "awsbak seal, one core": ONE + pipe("seal"),
        "awsbak seal": pipe("seal"),
        "age -d, one core": ONE + ["age", "-d", "-i", keys, "-o", to, sealed],
        "awsbak open, one core": ONE + pipe("open", sealed),
        "zstd -1": ["zstd", "-q", "-f", "-1", "-T1", plain, "-o", to],
        "awsbak zstd": pipe("zstd"),
        "awsbak zstd and seal": pipe("zstd,seal"),
    }


def measure(run, cost, heading, goal, awsbak, env):
    """The table; the functions are bench.py's."""
    with tempfile.TemporaryDirectory(prefix="awsbak-bench-", dir="/dev/shm") as name:
        folder = pathlib.Path(name)
        rng = random.Random(1)
        with open(folder / "plain", "wb") as out:
            for _ in range(MIB):
                out.write(rng.randbytes(1 << 20))
        subprocess.run(["age-keygen", "-o", folder / "keys"], check=True, capture_output=True)
        words = cases(awsbak, folder)
        run(words["age, one core"], env)
        (folder / "to").rename(folder / "sealed")
        rows = {one: [] for one in words}
        for _ in range(RUNS):
            for one in words:
                rows[one].append(run(words[one], env))
        heading("%d MiB of random bytes (medians of %d by turns)" % (MIB, RUNS))
        costs = {one: cost(list(rows[one])) for one in words}
        for one, what in costs.items():
            print(what.line(one))
        wall = {one: what.wall for one, what in costs.items()}
        goal("age's time over ours, sealing on one core", wall["age, one core"] / wall["awsbak seal, one core"], 1, "x",
             at_least=True)
        goal("age's time on one core over ours on two", wall["age, one core"] / wall["awsbak seal"], 1.5, "x", at_least=True)
        goal("age's time over ours, opening on one core", wall["age -d, one core"] / wall["awsbak open, one core"], 1.25,
             "x", at_least=True)
        slowest = max(wall["awsbak zstd"], wall["awsbak seal"])
        goal("the slower stage's time over that of both", slowest / wall["awsbak zstd and seal"], 0.9, "x", at_least=True)
