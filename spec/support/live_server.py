"""A server that somebody else wrote, on a free loopback port, steered by spec/support/servers.lua.

    live_server.py FOLDER WORD...    {port} and {folder} in the words are filled in

Its working folder is FOLDER. Ends, and ends the server, when stdin ends.
"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import control

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
START_SECONDS = 60  # a JVM on a busy machine
TRIES = 3  # another process may take the port before the server does


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def environment():
    """Nothing of the person who runs the specs but where programs are."""
    return {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "JAVA_HOME")}


def launch(words, folder, log):
    """The running process and its port; None where it ended at once."""
    port = free_port()
    process = subprocess.Popen(
        [word.format(port=port, folder=folder) for word in words], cwd=folder, env=environment(),
        stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))  # fmt: skip
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    process.kill()
    return None


def main(folder, *words):
    path = pathlib.Path(folder, "server.log")
    with path.open("wb") as log:
        started = next(filter(None, (launch(words, folder, log) for _ in range(TRIES))), None)
    if not started:
        sys.exit("%s did not start: %s" % (words[0], path.read_text(errors="replace")[-2000:]))
    process, port = started
    try:
        for line in sys.stdin:
            print(control.answer(line, {"hello": lambda: port}), flush=True)
    finally:
        process.kill()
        process.wait()


main(*sys.argv[1:])
