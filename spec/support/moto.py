"""One moto_server for a suite of specs, on a free loopback port, steered by spec/support/moto.lua.

It is looked for in $AWSBAK_SANDBOX_CMD, build/venv/bin and $PATH. Ends, and ends moto, when stdin ends.
"""
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import urllib.request

import control

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def command():
    """The words that start moto_server."""
    given = os.environ.get("AWSBAK_SANDBOX_CMD")
    if given:
        return shlex.split(given)
    for candidate in ("build/venv/bin/moto_server", shutil.which("moto_server")):
        if candidate and os.access(candidate, os.X_OK):
            return [candidate]
    sys.exit("moto_server was not found: run `./dev test` once, or set AWSBAK_SANDBOX_CMD")


def environment():
    """No settings of the person who runs the specs reach moto."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "AWS_ACCESS_KEY_ID": "spec",
            "AWS_SECRET_ACCESS_KEY": "spec", "AWS_CONFIG_FILE": os.devnull}


def start():
    """The running process and its URL."""
    process = subprocess.Popen(
        command() + ["-H", "127.0.0.1", "-p", "0"], env=environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    said = []
    for line in process.stdout:
        said.append(line)
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            # Its request log must be read, or the pipe fills and moto stops.
            threading.Thread(target=drain, args=(process.stdout,), daemon=True).start()
            return process, found.group()
    sys.exit("moto_server ended at once: " + "".join(said))


def drain(output):
    """Read and forget."""
    for _ in output:
        pass


def reset(url):
    """Forget every resource, as a fresh moto."""
    urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset", b"", method="POST"))


def main():
    process, url = start()
    commands = {"hello": lambda: url, "reset": lambda: reset(url)}
    try:
        for line in sys.stdin:
            print(control.answer(line, commands), flush=True)
    finally:
        process.kill()


main()
