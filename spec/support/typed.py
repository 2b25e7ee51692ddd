"""Run a program on a terminal of its own and type a line whenever it asks for a passphrase.

    python3 typed.py TEXT PROGRAM ARGUMENTS...

For age, which takes a passphrase from a terminal only. Exits as the program does.
"""
import os
import pty
import sys


def main(text, argv):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(argv[0], argv)
    seen = b""
    while True:
        try:
            part = os.read(terminal, 1024)
        except OSError:  # the terminal is gone: the program ended
            part = b""
        if not part:
            break
        seen += part
        if b"passphrase" in seen.lower() and seen.rstrip(b" ").endswith(b":"):
            os.write(terminal, text.encode() + b"\n")
            seen = b""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
