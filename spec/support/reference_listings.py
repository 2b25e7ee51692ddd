"""What botocore's paginators give, asked of a server that a spec has filled: as JSON on standard output.

    reference_listings.py PORT CASES    CASES is a file of [{"service", "operation", "input"}]

Gives for each case {"pages": how many, "rows": those of the first result key} or {"code": of the error}. Values
are plain as in differential.py.
"""

import json
import pathlib
import sys

from botocore import xform_name
from botocore.exceptions import ClientError

from differential import BOTOCORE_FAILURES, make_client, plain


def read(client, case):
    paginator = client.get_paginator(xform_name(case["operation"]))
    pages, rows = 0, []
    for page in paginator.paginate(**case["input"]):
        pages += 1
        rows += paginator.result_keys[0].search(page) or []
    return {"pages": pages, "rows": plain(rows)}


def ask(client, case):
    try:
        return read(client, case)
    except ClientError as e:
        return {"code": e.response.get("Error", {}).get("Code") or ""}
    except BOTOCORE_FAILURES as e:
        return {"botocore": f"{type(e).__name__}: {e}"}


if __name__ == "__main__":
    port, path = sys.argv[1:]
    clients = {}
    results = []
    for case in json.loads(pathlib.Path(path).read_text()):
        service = case["service"]
        clients[service] = clients.get(service) or make_client(service, port)
        results.append(ask(clients[service], case))
    json.dump(results, sys.stdout)
