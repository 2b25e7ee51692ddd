"""What botocore makes of random listings that are cut and gone on with: as JSON on standard output.

    reference_pages.py SEED N    [{"description", "pages", "wanted", "result", "asked"}]

The pages of a case are those of a service whose token is the number of the page, as text.
"""

import json
import random
import sys
from types import SimpleNamespace

from botocore.paginate import Paginator

SHAPE = SimpleNamespace(members={"Limit": SimpleNamespace(type_name="integer")})
MODEL = SimpleNamespace(input_shape=SHAPE)


def page(rng, number, last):
    made = {
        "Items": [{"n": number * 100 + i} for i in range(rng.randint(0, 4))],
        "Outer": {"More": ["x"] * rng.randint(0, 2)},
        "Count": rng.randint(0, 9),
        "Text": rng.choice(["", "ab", "c"]),
        "Owner": {"Id": rng.choice("ab")},
        "Unlisted": True,
    }
    for name in ("Items", "Count", "Text", "Outer"):
        if rng.random() < 0.1:
            del made[name]
    if not last:
        made["Next"] = str(number + 1)
    return made


def case(rng):
    keys = ["Items", *rng.sample(["Outer.More", "Count", "Text"], rng.randint(0, 3))]
    description = {"input_token": "Start", "output_token": "Next", "result_key": keys, "limit_key": "Limit"}
    if rng.random() < 0.5:
        description["non_aggregate_keys"] = ["Owner"]
    count = rng.randint(1, 5)
    pages = [page(rng, i, i == count - 1) for i in range(count)]
    made = []
    token = None
    for _ in range(3):
        wanted = {}
        if rng.random() < 0.8:
            wanted["max_items"] = rng.randint(1, 6)
        if rng.random() < 0.3:
            wanted["page_size"] = rng.randint(1, 9)
        if token:
            wanted["starting_token"] = token
        asked = []

        def method(**given):
            asked.append(dict(given))
            return json.loads(json.dumps(pages[int(given.get("Start", 0))]))

        config = {{"max_items": "MaxItems", "page_size": "PageSize", "starting_token": "StartingToken"}[k]: v
                  for k, v in wanted.items()}  # fmt: skip
        result = Paginator(method, description, MODEL).paginate(PaginationConfig=config).build_full_result()
        made.append({"description": description, "pages": pages, "wanted": wanted, "result": result, "asked": asked})
        token = result.get("NextToken")
        if not token:
            break
    return made


if __name__ == "__main__":
    rng = random.Random(sys.argv[1])
    json.dump([c for _ in range(int(sys.argv[2])) for c in case(rng)], sys.stdout)
