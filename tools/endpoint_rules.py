"""AWS's endpoint rule sets and partitions as lines, for tools/import_models.py.

    e : {"parameters": ..., "rules": ["r7", ...]}   the rule set
    e cN {"fn": ..., "argv": [...], "assign": ...}  a condition
    e rN {"conditions": ["c1", ...], "rules": ["r2", ...]}           a tree
    e rN {"conditions": ["c1", ...], "endpoint": {"url": ...}}       an endpoint
    e rN {"conditions": ["c1", ...], "error": "..."}                 a refusal

What is equal is written once, so a node is a line and evaluation reads only the lines it comes to.
Format of the rule sets: Smithy, "Endpoint rules engine specification".
"""

import json
import re

PARAMETER = {"builtIn", "default", "required", "type"}


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def referenced(node, names):
    """Names that a rule set refers to, by `ref` or in a template."""
    if isinstance(node, dict):
        if "ref" in node:
            names.add(node["ref"])
        for value in node.values():
            referenced(value, names)
    elif isinstance(node, list):
        for value in node:
            referenced(value, names)
    elif isinstance(node, str):
        for part in node.split("{")[1:]:
            names.add(part.split("}")[0].split("#")[0])
    return names


class Nodes:
    """Nodes by what they say, numbered as they come."""

    def __init__(self, letter):
        self.letter, self.names = letter, {}

    def name(self, value):
        return self.names.setdefault(compact(value), f"{self.letter}{len(self.names) + 1}")

    def lines(self):
        return (f"e {name} {text}" for text, name in self.names.items())


class RuleSet:
    """The lines of one service. Parameters that no rule refers to are left out: S3 declares Key."""

    def __init__(self, service, described):
        self.service, self.conditions, self.rules = service, Nodes("c"), Nodes("r")
        names = referenced(described["rules"], set())
        parameters = {
            name: {k: v for k, v in parameter.items() if k in PARAMETER}
            for name, parameter in sorted(described["parameters"].items())
            if name in names
        }
        self.root = compact({"parameters": parameters, "rules": [self.rule(r) for r in described["rules"]]})

    def rule(self, rule):
        node = {"conditions": [self.conditions.name(c) for c in rule["conditions"]]}
        if rule["type"] == "tree":
            node["rules"] = [self.rule(r) for r in rule["rules"]]
        elif rule["type"] == "error":
            node["error"] = rule["error"]
        else:
            node["endpoint"] = {k: v for k, v in rule["endpoint"].items() if v}
        return self.rules.name(node)

    def lines(self):
        yield f"e : {self.root}"
        yield from self.conditions.lines()
        yield from self.rules.lines()


def partition_lines(described):
    """A line a partition, the default one first: its outputs, and which regions are its own."""
    for partition in described["partitions"]:
        pattern = partition["regionRegex"].replace("\\-", "-")
        form = re.fullmatch(r"\^([a-z-]*)(?:\(([a-z|]+)\))?-\\w\+-\\d\+\$", pattern)
        if not form:
            raise SystemExit(f"partition {partition['id']}: a regionRegex of another form: {pattern}")
        prefixes = [form[1] + end for end in (form[2] or "").split("|")]
        outputs = {k: v for k, v in partition["outputs"].items() if k != "name"}
        yield compact(
            {"name": partition["id"], **outputs, "prefixes": prefixes, "regions": sorted(partition["regions"])}
        )
