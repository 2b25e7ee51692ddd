"""Bytes like those that are backed up: records as lines of JSON, from a fixed seed. zstd makes a quarter of them.

A block of records is made once. Each copy of it has its digits 1 to 9 exchanged, so that neither zstd's long window nor
a program that looks for blocks it has (restic) finds one in another.
"""
import random
import string

BLOCK = 16 << 20
DIGITS = b"123456789"
SERVICES = ("billing", "checkout", "search", "identity", "ledger", "mailer", "catalogue", "shipping", "reports", "gateway")
STAGES = ("prod", "staging", "test", "dev")
NAMES = ("db/password", "db/host", "db/port", "api/key", "api/url", "cache/ttl", "queue/url", "feature/limit", "smtp/user",
         "smtp/password", "log/level", "oauth/secret")
WORDS = ("the rotation of this value is done by hand see the runbook owner asked for a longer lifetime read by the nightly "
         "job only do not delete replaces the one of last year shared with the partner account needs approval").split()
LETTERS = string.ascii_letters + string.digits


def secret(rng):
    return "".join(rng.choices(LETTERS, k=rng.randrange(16, 65)))


def record(rng, i):
    """One line: a parameter of SSM with its tags."""
    service, stage, name = rng.choice(SERVICES), rng.choice(STAGES), rng.choice(NAMES)
    path = "/%s/%s/%s/%d" % (stage, service, name, i)
    return ('{"Name":"%s","Type":"%s","Value":"%s","Version":%d,"LastModifiedDate":%d.%03d,'
            '"ARN":"arn:aws:ssm:eu-west-1:111122223333:parameter%s","DataType":"text","Tier":"Standard",'
            '"Description":"%s","Tags":{"team":"%s","stage":"%s"}}\n' % (
                path, rng.choice(("String", "SecureString", "StringList")), secret(rng), rng.randrange(1, 100),
                rng.randrange(1500000000, 1800000000), rng.randrange(1000), path,
                " ".join(rng.choices(WORDS, k=rng.randrange(3, 9))), service, stage))


def block():
    rng, lines, size = random.Random(1), [], 0
    while size < BLOCK:
        lines.append(record(rng, 100000 + len(lines)))
        size += len(lines[-1])
    return "".join(lines).encode()[:BLOCK]


def write(path, size):
    """A file of `size` bytes, a multiple of BLOCK."""
    rng, first = random.Random(2), block()
    with open(path, "wb") as out:
        for _ in range(size // BLOCK):
            mixed = bytes(rng.sample(DIGITS, len(DIGITS)))
            out.write(first.translate(bytes.maketrans(DIGITS, mixed)))
