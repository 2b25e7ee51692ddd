"""What the `jmespath` package makes of random expressions: as JSON on standard output.

    reference_jmespath.py SEED N    [{"expression", "document", "damaged", "result" or "error"}]

Not made, because the package differs there: a slice behind an index (in brackets, too), which it forgets to
project; texts beyond ASCII in to_string, which it escapes.
"""

import json
import random
import re
import sys

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

NAMES = ["a", "b", "c", "d", "Key", '"e f"']
TEXTS = ["", "x", "yy", "abc", "é€", "10", "1.5", "no number"]
INDEX_AND_SLICE = re.compile(r"\[-?\d+\][\s)]*\[-?\d*:")


class Sorted(functions.Functions):
    """The package's functions, with objects in the order of their keys: what `values` gives has no other."""

    @functions.signature({"types": ["object"], "variadic": True})
    def _func_merge(self, *objects):
        merged = {}
        for part in objects:
            merged.update(part)
        return dict(sorted(merged.items()))


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, *makers):
        return self.rng.choice(makers)

    def document(self, depth=0):
        kind = self.rng.randint(0, 9 if depth < 4 else 4)
        if kind == 0:
            return None
        if kind == 1:
            return self.rng.choice([True, False])
        if kind == 2:
            return self.rng.choice([0, 1, -1, 3, 10, 2.5, -0.5, 2**53 + 1])
        if kind in (3, 4):
            return self.rng.choice(TEXTS)
        if kind in (5, 6):
            return [self.document(depth + 1) for _ in range(self.rng.randint(0, 4))]
        names = sorted(n.strip('"') for n in self.rng.sample(NAMES, self.rng.randint(0, 5)))
        return {n: self.document(depth + 1) for n in names}

    def literal(self):
        value = self.document(3)
        if isinstance(value, str) and "'" not in value and self.rng.random() < 0.5:
            return f"'{value}'"
        return "`" + json.dumps(value).replace("`", "\\`") + "`"

    def number(self):
        return str(self.rng.randint(-4, 4))

    def slice(self):
        parts = [self.rng.choice(["", self.number()]) for _ in range(self.rng.randint(2, 3))]
        if len(parts) == 3 and parts[2] == "0":
            parts[2] = "-1"
        return "[" + ":".join(parts) + "]"

    def call(self, depth):
        e = lambda: self.expression(depth + 1)  # noqa: E731
        one = "abs avg ceil floor keys length max min reverse sort sum to_array to_number to_string type values"
        name = self.rng.choice(
            (one + " contains starts_with ends_with join map max_by min_by sort_by merge not_null").split()
        )
        if name in one.split():
            return f"{name}({e()})"
        if name == "map":
            return f"map(&{e()}, {e()})"
        if name.endswith("_by"):
            return f"{name}({e()}, &{e()})"
        if name == "not_null":
            return f"{name}({', '.join(e() for _ in range(self.rng.randint(1, 3)))})"
        if name == "merge":  # of further arguments the package takes any that Python can merge
            return f'merge({e()}, `{{"a": 1}}`)'
        return f"{name}({e()}, {e()})"

    def expression(self, depth=0):
        if depth > 4 or self.rng.random() < 0.25:
            return self.pick(lambda: self.rng.choice(NAMES), lambda: "@", self.literal, lambda: "*", lambda: "[]")()
        e = lambda: self.expression(depth + 1)  # noqa: E731
        name = self.rng.choice(NAMES)
        return self.pick(
            lambda: f"{e()}.{name}", lambda: f"{e()}.{name}", lambda: f"{e()}[{self.number()}]",
            lambda: f"{e()}{self.slice()}", lambda: f"{e()}[*]", lambda: f"{e()}[]", lambda: f"{e()}.*",
            lambda: f"{e()}[?{e()}]", lambda: f"{e()} | {e()}", lambda: f"{e()} || {e()}", lambda: f"{e()} && {e()}",
            lambda: f"!{e()}", lambda: f"({e()})", lambda: f"[{e()}, {e()}]", lambda: f"{{x: {e()}, y: {e()}}}",
            lambda: f"{e()}.[{e()}, {name}]", lambda: f"{e()}.{{z: {e()}}}",
            lambda: f"{e()} {self.rng.choice('== != < <= > >='.split())} {e()}", lambda: self.call(depth),
        )()  # fmt: skip

    def case(self):
        expression, document = self.expression(), self.document()
        while INDEX_AND_SLICE.search(expression):
            expression = self.expression()
        if "to_string" in expression:
            expression = expression.replace("\\u00e9\\u20ac", "e")
            document = json.loads(json.dumps(document).replace("\\u00e9\\u20ac", "e"))
        damaged = self.rng.random() < 0.1
        if damaged:
            at = self.rng.randrange(len(expression))
            expression = expression[:at] + self.rng.choice("[]{}().,:*&|!=<>`'\"@ a1-") + expression[at + 1 :]
        case = {"expression": expression, "document": document, "damaged": damaged}
        try:
            options = jmespath.Options(custom_functions=Sorted())
            case["result"] = jmespath.search(expression, document, options=options)
            json.dumps(case["result"])
        except (JMESPathError, TypeError, ValueError, OverflowError, AttributeError) as e:
            # TypeError: the package compares or searches what has no order; its own errors are ours too.
            case.pop("result", None)
            case["error"] = "known" if isinstance(e, JMESPathError) else "python"
        return case


if __name__ == "__main__":
    maker = Maker(sys.argv[1])
    json.dump([maker.case() for _ in range(int(sys.argv[2]))], sys.stdout)
