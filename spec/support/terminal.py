"""Type lines at a program's prompt on a terminal of its own, and print what the terminal showed.

usage: terminal.py PROGRAM WORD... <LINES   (one line is typed each time a prompt, "> ", is shown; after
the last one Ctrl-D). The exit status is the program's.
"""
import os
import pty
import select
import sys

END = b"\x04"


def show(data):
    """What the terminal shows, without its line ends."""
    os.write(1, data.replace(b"\r", b""))


def main():
    keys = [line.encode() + b"\n" for line in sys.stdin.read().splitlines()] + [END]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    shown = b""
    while True:
        # Ctrl-D is lost when it comes before the program has set the terminal up.
        if not select.select([terminal], [], [], 1)[0]:
            os.write(terminal, b"" if keys else END)
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the program has ended
            break
        show(data)
        shown += data
        if shown.endswith(b"> ") and keys:
            shown = b""
            os.write(terminal, keys.pop(0))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
