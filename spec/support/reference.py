"""What botocore, the reference, says: as JSON on standard output, for specs that compare awsbak with it.

    reference.py model SERVICE            {"model", "paginators", "waiters", "snake"}
    reference.py agents SEED N            N of {"id", "agent": [...], "trace"}: parts of the User-Agent and
                                          the trace header, where app, environment and trace are `id`
"""

import json
import os
import pathlib
import random
import string
import sys
from types import SimpleNamespace

from botocore import xform_name
from botocore.handlers import add_recursion_detection_header
from botocore.useragent import UserAgentString

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


def command_agents(seed, count):
    luck = random.Random(int(seed))
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = "f"
    for _ in range(int(count)):
        name = "".join(luck.choices(string.printable.strip() + "# \t\u00fc", k=luck.randint(1, 30)))
        os.environ["_X_AMZN_TRACE_ID"] = name
        params = {"headers": {}}
        add_recursion_detection_header(params)
        config = SimpleNamespace(retries={"mode": "standard"}, endpoint_discovery_enabled=False, user_agent=None,
                                 user_agent_appid=name, user_agent_extra=None)
        agent = UserAgentString("Linux", None, None, "3", None, name).with_client_config(config)
        yield {"id": name, "agent": agent.to_string().split(" ")[-3:], "trace": params["headers"]["X-Amzn-Trace-Id"]}


COMMANDS = {"model": command_model, "agents": lambda *args: list(command_agents(*args))}

if __name__ == "__main__":
    json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
