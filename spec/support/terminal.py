"""Type lines at a program's prompt on a terminal of its own, and print what the terminal showed.

usage: terminal.py PROGRAM WORD... <LINES   (one line is typed each time a prompt, "> ", ": " or "] ", is
shown; after the last one Ctrl-D). The exit status is the program's.
"""
import os
import pty
import select
import sys

CLEAR_LINE = b"\x15"

def show(data):
    """What the terminal shows, without its line ends."""
    os.write(1, data.replace(b"\r", b""))


def main():
    keys = [line.encode() + b"\n" for line in sys.stdin.read().splitlines()] + [b"\x04"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    shown, last = b"", b""
    while True:
        # Keys that come before the program has set the terminal up may be mangled: type them again.
        if not select.select([terminal], [], [], 1)[0]:
            os.write(terminal, CLEAR_LINE + last)
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:  # the program has ended
            break
        show(data)
        shown += data
        if shown.endswith((b"> ", b": ", b"] ")) and keys:
            shown = b""
            last = keys.pop(0)
            os.write(terminal, last)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
