"""Python's zlib beside ours: `gzip_peer.py FOLDER`. Each NAME.gz in it is unpacked to NAME.out, each NAME.in
packed to NAME.packed, in two members when it is long enough."""

import gzip
import pathlib
import sys

for path in pathlib.Path(sys.argv[1]).iterdir():
    data = path.read_bytes()
    if path.suffix == ".gz":
        path.with_suffix(".out").write_bytes(gzip.decompress(data))
    elif path.suffix == ".in":
        half = len(data) // 2
        members = gzip.compress(data[:half]) + gzip.compress(data[half:])
        path.with_suffix(".packed").write_bytes(members if half else gzip.compress(data))
