"""Run a program on a kernel that has no openat2, as far as it can tell.

usage: without_openat2.py PROGRAM WORD...
"""
import ctypes
import errno
import os
import struct
import sys

OPENAT2 = 437  # the same number on all architectures
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000


class Program(ctypes.Structure):
    """struct sock_fprog"""
    _fields_ = [("count", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def main():
    rows = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, OPENAT2), (RETURN, 0, 0, FAIL | errno.ENOSYS), (RETURN, 0, 0, ALLOW)]
    program = Program(len(rows), b"".join(struct.pack("=HBBI", *row) for row in rows))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    arguments = (ctypes.c_ulong(0),) * 2
    if prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), *arguments, ctypes.c_ulong(0)) != 0 or prctl(
            PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.byref(program), *arguments) != 0:
        sys.exit("no seccomp: " + os.strerror(ctypes.get_errno()))
    os.execv(sys.argv[1], sys.argv[1:])


main()
