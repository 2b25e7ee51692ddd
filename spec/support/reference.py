"""What botocore, the reference, says: as JSON on standard output, for specs that compare awsbak with it.

    reference.py model SERVICE            {"model", "paginators", "waiters", "snake"}
"""

import json
import pathlib
import sys

from botocore import xform_name

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import import_models  # noqa: E402


def loaded(service):
    """The folder of a service's model, and the model."""
    folder = max(p for p in (import_models.DATA / service).iterdir() if p.is_dir())
    return folder, import_models.load(folder, "service-2")


def command_model(service):
    folder, described = loaded(service)
    return {
        "model": described,
        "paginators": import_models.load(folder, "paginators-1"),
        "waiters": import_models.load(folder, "waiters-2"),
        "snake": {name: xform_name(name) for name in described["operations"]},
    }


COMMANDS = {"model": command_model}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
