"""How botocore's waiters end on random outcomes of their calls: as JSON on standard output.

    reference_waiters.py SEED N SERVICE...    N runs of each waiter: [{"service", "waiter", "outcomes": [{"output"} or
                                              {"code", "status"}], "end", "calls"}]

`end` is success, failure (a state that will not do), timeout or error (one that no matcher speaks of, or a path that
cannot be read). Outcomes are
what the waiter looks for, with that said of several of its matchers at once, or anything.
"""

import json
import re
import sys
from unittest import mock

import botocore.session
from botocore.exceptions import WaiterError
from botocore.model import ServiceModel
from botocore.waiter import Waiter, WaiterModel
from jmespath.exceptions import JMESPathError

from differential import plain
from values import Maker

STEP = re.compile(r"(\w+)(\[\])?$")


def place(value, path, wanted, luck):
    """Put `wanted` at a path of names and lists: "Reservations[].Instances[].State.Name". Other paths change nothing."""
    first, _, rest = path.partition(".")
    step = STEP.match(first)
    if not step or not isinstance(value, dict):
        return
    name, is_list = step.groups()
    if not rest:
        value[name] = wanted
    elif is_list:
        value[name] = [{} for _ in range(luck.choice([0, 1, 1, 2, 3]))]
        for item in value[name]:
            if luck.random() < 0.9:
                place(item, rest, wanted, luck)
    else:
        value[name] = value[name] if isinstance(value.get(name), dict) else {}
        place(value[name], rest, wanted, luck)


def outcome(maker, op, acceptors):
    luck = maker.random
    wanted = luck.choice(acceptors)
    codes = [a.expected for a in acceptors if a.matcher == "error" and isinstance(a.expected, str)]
    statuses = [a.expected for a in acceptors if a.matcher == "status"]
    if luck.random() < (0.5 if wanted.matcher in ("error", "status") else 0.05):
        return {"code": luck.choice([*codes, "Other"]), "status": luck.choice([*(s for s in statuses if s > 299), 400])}
    output = maker.make(op.output_shape) if op.output_shape else {}
    for acceptor in luck.sample(acceptors, luck.randint(0, len(acceptors))):
        if acceptor.matcher.startswith("path"):
            place(output, acceptor.argument, acceptor.expected, luck)
    return {"output": output}


def end_of(config, name, outcomes):
    """How botocore's waiter ends, and after how many calls."""
    left = list(outcomes)

    def method(**_):  # as botocore's NormalizedOperationMethod: errors are replies
        told = left.pop(0)
        if "code" in told:
            return {"Error": {"Code": told["code"]}, "ResponseMetadata": {"HTTPStatusCode": told["status"]}}
        return {**told["output"], "ResponseMetadata": {"HTTPStatusCode": 200}}

    end = "success"
    try:
        Waiter(name, config, method).wait(WaiterConfig={"Delay": 0, "MaxAttempts": len(outcomes)})
    except WaiterError as e:
        reason = e.kwargs["reason"]
        end = "timeout" if reason.startswith("Max attempts") else "failure" if "terminal" in reason else "error"
    except JMESPathError:  # length() of a list that is not there
        end = "error"
    return {"end": end, "calls": len(outcomes) - len(left)}


def cases(seed, count, services):
    loader = botocore.session.Session().get_component("data_loader")
    for service in services:
        if service not in loader.list_available_services("waiters-2"):
            continue
        api = ServiceModel(loader.load_service_model(service, "service-2"), service)
        model = WaiterModel(loader.load_service_model(service, "waiters-2"))
        for name in model.waiter_names:
            config = model.get_waiter(name)
            op = api.operation_model(config.operation)
            for i in range(count):
                maker = Maker(f"{seed} {service} {name} {i}")
                outcomes = [outcome(maker, op, config.acceptors) for _ in range(maker.random.randint(1, 4))]
                yield {"service": service, "waiter": name, "outcomes": plain(outcomes), **end_of(config, name, outcomes)}


if __name__ == "__main__":
    seed, count, *services = sys.argv[1:]
    with mock.patch("time.sleep"):
        json.dump(list(cases(seed, int(count), services)), sys.stdout)
