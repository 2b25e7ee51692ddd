"""What botocore says, as JSON on standard output, for specs that compare awsbak with it.

    reference.py model SERVICE    {"model": service-2.json, "paginators": ..., "waiters": ...}
"""

import json
import pathlib
import sys

import botocore

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def model(service):
    sys.path.insert(0, str(ROOT / "tools"))
    import import_models

    folder = max(p for p in (import_models.DATA / service).iterdir() if p.is_dir())
    description = import_models.load(folder, "service-2")
    return {
        "model": description,
        "paginators": import_models.load(folder, "paginators-1"),
        "waiters": import_models.load(folder, "waiters-2"),
        "snake": {name: botocore.xform_name(name) for name in description["operations"]},
    }


COMMANDS = {"model": model}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
