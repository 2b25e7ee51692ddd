"""A small, fast SSM Parameter Store: N parameters with values that follow from their number.

Speaks the JSON 1.1 protocol of the operations that backup and restore use, with the page sizes of
the real service (botocore's ssm/2014-11-06 model). Not a model of its checks: moto has those.
"""
import hashlib
import json

TYPES = ("String", "SecureString", "StringList")
KEY_ID = "alias/aws/ssm"
FIRST_DATE = 1700000000


class SsmError(Exception):
    """A service error: code and message."""

    def __init__(self, code, message=""):
        super().__init__(message)
        self.code = code


class Parameter:
    """All versions of one parameter, newest last; tags and labels."""

    __slots__ = ("name", "versions", "tags", "describe_cache")

    def __init__(self, name):
        self.name, self.versions, self.tags, self.describe_cache = name, [], {}, None

    def put(self, given):
        last = self.versions[-1] if self.versions else {}
        number = len(self.versions) + 1
        entry = {
            "Name": self.name, "Type": given.get("Type", last.get("Type", "String")),
            "Value": given["Value"], "Version": number, "Labels": [],
            "Description": given.get("Description", last.get("Description", "")),
            "Tier": given.get("Tier", "Standard"), "DataType": given.get("DataType", "text"),
            "LastModifiedDate": FIRST_DATE + number,
            "LastModifiedUser": "arn:aws:iam::123456789012:user/spec", "Policies": [],
        }
        if given.get("AllowedPattern"):
            entry["AllowedPattern"] = given["AllowedPattern"]
        if entry["Type"] == "SecureString":
            entry["KeyId"] = given.get("KeyId", KEY_ID)
        self.versions.append(entry)
        self.describe_cache = None

    def value(self):
        last = self.versions[-1]
        keys = ("Name", "Type", "Value", "Version", "LastModifiedDate", "DataType")
        return {**{k: last[k] for k in keys},
                "ARN": "arn:aws:ssm:us-east-1:123456789012:parameter/" + self.name.lstrip("/")}

    def description(self):
        if not self.describe_cache:
            hidden = ("Value", "Labels")
            self.describe_cache = {k: v for k, v in self.versions[-1].items()
                                   if k not in hidden and (k != "Description" or v)}
        return self.describe_cache


def numbered(i):
    """Parameter number `i`: /load/<hundreds>/p<i>, its type, a value of 64 to 640 bytes, two tags."""
    parameter = Parameter("/load/%03d/p%05d" % (i // 100, i))
    value = hashlib.sha256(b"%d" % i).hexdigest() * (1 + i % 10)
    parameter.put({"Type": TYPES[i % 3], "Value": value, "Description": "number %d" % i})
    if i % 10 == 0:
        parameter.versions[-1]["Labels"] = ["stable"]
    parameter.tags = {"number": str(i), "team": "core"}
    return parameter


class FakeSsm:
    """The store. `answer(operation, body)` gives (status, body bytes)."""

    def __init__(self, count):
        self.parameters = {p.name: p for p in map(numbered, range(count))}
        self.names = None

    def answer(self, operation, body):
        action = getattr(self, "do_" + operation, None)
        try:
            if not action:
                raise SsmError("UnknownOperationException", operation)
            return 200, json.dumps(action(json.loads(body or b"{}"))).encode()
        except SsmError as problem:
            reply = {"__type": "com.amazonaws.ssm#" + problem.code, "message": str(problem)}
            return 400, json.dumps(reply).encode()

    def sorted_names(self):
        if self.names is None:
            self.names = sorted(self.parameters)
        return self.names

    def find(self, name, error="ParameterNotFound"):
        if name not in self.parameters:
            raise SsmError(error, name)
        return self.parameters[name]

    def do_DescribeParameters(self, given):
        names = [n for n in self.sorted_names()
                 if all(matches(f, self.parameters[n]) for f in given.get("ParameterFilters", []))]
        page, token = paged(names, given, 50)
        return {"Parameters": [self.parameters[n].description() for n in page], **token}

    def do_GetParameters(self, given):
        wanted = given["Names"]
        if len(wanted) > 10:
            raise SsmError("ValidationException", "more than 10 names")
        found = [self.parameters[n].value() for n in wanted if n in self.parameters]
        return {"Parameters": found,
                "InvalidParameters": [n for n in wanted if n not in self.parameters]}

    def do_GetParameter(self, given):
        return {"Parameter": self.find(given["Name"]).value()}

    def do_GetParametersByPath(self, given):
        below = given["Path"].rstrip("/") + "/"
        deep = given.get("Recursive")
        names = [n for n in self.sorted_names()
                 if n.startswith(below) and (deep or "/" not in n[len(below):])]
        page, token = paged(names, given, 10)
        return {"Parameters": [self.parameters[n].value() for n in page], **token}

    def do_GetParameterHistory(self, given):
        page, token = paged(self.find(given["Name"]).versions, given, 50)
        return {"Parameters": page, **token}

    def do_ListTagsForResource(self, given):
        tags = self.find(given["ResourceId"], "InvalidResourceId").tags
        return {"TagList": [{"Key": k, "Value": v} for k, v in tags.items()]}

    def do_AddTagsToResource(self, given):
        tags = self.find(given["ResourceId"], "InvalidResourceId").tags
        tags.update((t["Key"], t["Value"]) for t in given["Tags"])
        return {}

    def do_RemoveTagsFromResource(self, given):
        tags = self.find(given["ResourceId"], "InvalidResourceId").tags
        for key in given["TagKeys"]:
            tags.pop(key, None)
        return {}

    def do_PutParameter(self, given):
        name = given["Name"]
        parameter = self.parameters.get(name)
        if parameter and not given.get("Overwrite"):
            raise SsmError("ParameterAlreadyExists", name)
        if parameter and given.get("Tags"):
            raise SsmError("ValidationException", "tags and overwrite together")
        if not parameter:
            parameter = self.parameters[name] = Parameter(name)
            parameter.tags = {t["Key"]: t["Value"] for t in given.get("Tags", [])}
            self.names = None
        parameter.put(given)
        return {"Version": len(parameter.versions), "Tier": parameter.versions[-1]["Tier"]}

    def do_LabelParameterVersion(self, given):
        parameter = self.find(given["Name"])
        number = given.get("ParameterVersion", len(parameter.versions))
        for version in parameter.versions:
            version["Labels"] = [x for x in version["Labels"] if x not in given["Labels"]]
        parameter.versions[number - 1]["Labels"] += given["Labels"]
        return {"InvalidLabels": [], "ParameterVersion": number}

    def do_DeleteParameter(self, given):
        self.find(given["Name"])
        del self.parameters[given["Name"]]
        self.names = None
        return {}

    def do_DeleteParameters(self, given):
        known = [n for n in given["Names"] if n in self.parameters]
        for name in known:
            self.do_DeleteParameter({"Name": name})
        return {"DeletedParameters": known,
                "InvalidParameters": [n for n in given["Names"] if n not in known]}


def paged(rows, given, most):
    """One page of rows and the token for the next: "page-N", N the index of its first row."""
    size = given.get("MaxResults", most)
    if size > most:
        raise SsmError("ValidationException", "MaxResults above %d" % most)
    token = given.get("NextToken") or "page-0"
    if not token.startswith("page-"):
        raise SsmError("InvalidNextToken", token)
    first = int(token[5:])
    after = first + size
    return rows[first:after], ({"NextToken": "page-%d" % after} if after < len(rows) else {})


def matches(wanted, parameter):
    """One ParameterFilters entry: Name (Equals, BeginsWith, Contains), Path, Type, KeyId, Tier, tag."""
    key, option, values = wanted["Key"], wanted.get("Option", "Equals"), wanted.get("Values", [])
    if key == "Path":
        deep = option == "Recursive"
        below = [(v.rstrip("/") + "/") for v in values]
        return any(parameter.name.startswith(b) and (deep or "/" not in parameter.name[len(b):])
                   for b in below)
    if key.startswith("tag:"):
        have = parameter.tags.get(key[4:])
        return have is not None and (not values or have in values)
    have = parameter.versions[-1].get(key, "")
    if option == "BeginsWith":
        return any(have.startswith(v) for v in values)
    if option == "Contains":
        return any(v in have for v in values)
    return have in values
