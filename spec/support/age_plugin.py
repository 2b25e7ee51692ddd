#!/usr/bin/env python3
"""A plugin of age for specs: age-plugin-fake, which "wraps" a file key by writing it down.

What it does besides is the data of its recipient or identity: a word, such as "silent" or "error".
"""

import base64
import os
import signal
import sys
import time

EXTENSIONS = []
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def encode(data):
    return base64.b64encode(data).decode().rstrip("=")


def decode(text):
    return base64.b64decode(text + "=" * (-len(text) % 4))


def word_of(key):
    """The bytes of a Bech32 text; its checksum is the client's concern."""
    digits = [ALPHABET.index(c) for c in key.lower().rpartition("1")[2][:-6]]
    bits = "".join(f"{d:05b}" for d in digits)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits) - 7, 8)).decode()


def send(words, body=b""):
    text = encode(body)
    lines = [text[i : i + 64] for i in range(0, len(text) + 1, 64)]
    sys.stdout.write("-> " + " ".join(words) + "\n" + "\n".join(lines) + "\n")
    sys.stdout.flush()


def receive():
    words = sys.stdin.readline().rstrip("\n").split(" ")[1:]
    body = ""
    while True:
        line = sys.stdin.readline().rstrip("\n")
        body += line
        if len(line) < 64:
            return words, decode(body)


def call(words, body=b""):
    send(words, body)
    return receive()


def first_phase():
    keys, stanzas, file_key = [], [], None
    while True:
        words, body = receive()
        if words[0] == "done":
            return keys, stanzas, file_key
        if words[0] in ("add-recipient", "add-identity"):
            keys.append(words[1])
        elif words[0] == "wrap-file-key":
            file_key = body
        elif words[0] == "extension-labels":
            EXTENSIONS.append(words[0])
        elif words[0] == "recipient-stanza":
            stanzas.append((words[2:], body))


def misbehave(word):
    """What the word says is wrong; True when that is the end."""
    if word == "silent":
        time.sleep(600)
    if word == "garbage":
        print("hello", flush=True)
    elif word == "damaged":
        print("-> msg\n!!!\n", flush=True)
    elif word == "long":
        print("-> msg", flush=True)
        for _ in range(10000):
            print("A" * 64)
    elif word == "flood":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        while True:
            os.write(1, b"A" * 65536)
    elif word == "chatty":
        while True:
            call(["grease-" + "x"])
    elif word == "error":
        call(["error", "internal"], b"the device \x1b is not there")
        send(["done"])
    elif word != "dies":
        return False
    return True


def ask():
    """A conversation, of which everything is checked: unknown commands, questions, answers."""
    assert call(["grease-1234", "x"], b"body") == (["unsupported"], b"")
    assert call(["msg"], b"touch \x1b it") == (["ok"], b"")
    words, secret = call(["request-secret"], b"PIN?")
    if words == ["fail"]:
        call(["error", "internal"], b"no PIN")
        send(["done"])
        sys.exit()
    assert (words, secret) == (["ok"], b"1234"), (words, secret)
    assert call(["confirm", encode(b"yes"), encode(b"no")], b"sure?") == (["ok", "yes"], b"")


def main():
    machine = sys.argv[1].partition("=")[2]
    keys, stanzas, file_key = first_phase()
    word = word_of(keys[0])
    if misbehave(word):
        return
    if word == "asks":
        ask()
    if machine == "recipient-v1":
        if word.startswith("label") and EXTENSIONS:
            for _ in range(2 if word == "labels" else 1):
                assert call(["labels", "z", word]) == (["ok"], b"")
        if word == "huge":
            call(["recipient-stanza", "0", "fake", word], b"x" * 140000)
        for _ in range(2 if word == "many" else 0 if word == "none" else len(keys)):
            call(["recipient-stanza", "1" if word == "other" else "0", "fake", word], b"!" + file_key)
    else:
        for words, body in stanzas:
            if words[0] == "fake":
                call(["file-key", "0"], body[1:] if word != "short" else body[2:])
                break
    send(["done"])


main()
