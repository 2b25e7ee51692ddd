"""Which keys botocore finds in random worlds, what it asks for on the way, and what it keeps.

    reference_credentials.py names SEED N     [{"kind", "arguments", "name"}]: names of cached sessions
    reference_credentials.py worlds SEED N    [world]; what each holds is said at `world`
    reference_credentials.py keys N           N new keys of P-256 in PEM
    reference_credentials.py proofs FILE      how many of the JSON list's DPoP proofs are signed with the key
                                              that they name; fails at one that is not

Files go by paths below "~". No request leaves this process: `Network` answers all of them, by rules that
spec/aws/credentials/reference_spec.lua has, too.
"""

import base64
import hashlib
import io
import json
import os
import random
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qs, urlsplit

HOME = tempfile.mkdtemp()
os.environ.update(HOME=HOME, AWS_EC2_METADATA_DISABLED="true")  # botocore expands "~" when it is imported

import botocore.credentials as bc  # noqa: E402
import botocore.session  # noqa: E402
from botocore.awsrequest import AWSResponse  # noqa: E402
from botocore.httpsession import URLLib3Session  # noqa: E402
from botocore.loaders import Loader  # noqa: E402
from botocore.tokens import SSOTokenProvider  # noqa: E402
from botocore.utils import JSONFileCache  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: E402

CACHE = "~/.aws/cli/cache/"
NOW = int(time.time())
LOADER = Loader()
SIGNIN_CLIENT = "arn:aws:signin:::devtools/same-device"
WORDS = ["x", "a b", 'say "yes"', "back\\slash", "täglich", "日本", "🔑", "a/b:c", "tab\there", "{}", "\x7f"]


def sha1(text):
    return hashlib.sha1(text.encode()).hexdigest()


def iso(seconds, zone="Z"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW + seconds)) + zone


# Names of cached sessions.


def random_role_arguments(rng):
    arguments = {"RoleArn": "arn:aws:iam::123456789012:role/" + rng.choice(WORDS)}
    for name in ("RoleSessionName", "ExternalId", "SerialNumber"):
        if rng.random() < 0.5:
            arguments[name] = "".join(rng.choices(WORDS, k=rng.randint(1, 3)))
    if rng.random() < 0.5:
        arguments["DurationSeconds"] = rng.randrange(900, 43200)
    return arguments


def role_name(arguments):
    extra = {name: value for name, value in arguments.items() if name != "RoleArn"}
    return bc.AssumeRoleCredentialFetcher(None, None, arguments["RoleArn"], extra_args=extra)._cache_key


def random_sso_arguments(rng):
    where = rng.choice(["sessionName", "startUrl"])
    return {"accountId": str(rng.randrange(10**12)), "roleName": rng.choice(WORDS), where: rng.choice(WORDS)}


def sso_name(arguments):
    return bc.SSOCredentialFetcher(
        arguments.get("startUrl"), "eu-west-1", arguments["roleName"], arguments["accountId"], None,
        sso_session_name=arguments.get("sessionName"),
    )._cache_key


def command_names(seed, count):
    rng = random.Random(seed)
    cases = []
    for _ in range(int(count)):
        kind, make, name = rng.choice([("role", random_role_arguments, role_name), ("sso", random_sso_arguments, sso_name)])
        arguments = make(rng)
        cases.append({"kind": kind, "arguments": arguments, "name": name(arguments)})
    return cases


# Random worlds.


def new_key():
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()).decode()


def sections(rng, name, profiles, files):
    """Settings of a random profile: of one kind mostly, of several to see which wins."""
    settings = {}
    for kind in rng.choices(list(KINDS), k=rng.choice([1, 1, 1, 2, 3])):
        settings.update(KINDS[kind](rng, name, profiles, files))
    return settings


def static(rng, name, *_):
    return {"aws_access_key_id": "AKID" + name.upper(), "aws_secret_access_key": "s-" + name}


def role(rng, name, profiles, files):
    arguments = {"role_arn": f"arn:aws:iam::123456789012:role/{name}"}
    choice = rng.random()
    if choice < 0.75:
        arguments["source_profile"] = rng.choice(profiles + ["missing"] * (rng.random() < 0.2))
    if choice > 0.72:
        arguments["credential_source"] = "Environment"
    for key, value in (("external_id", "täglich"), ("role_session_name", "me"), ("duration_seconds", "3600"),
                       ("mfa_serial", "arn:aws:iam::123456789012:mfa/me")):
        if rng.random() < 0.3:
            arguments[key] = value
    return arguments


def sso(rng, name, profiles, files):
    settings = {"sso_account_id": "123456789012", "sso_role_name": "role-" + name}
    if rng.random() < 0.6:
        settings["sso_session"] = rng.choice(["corp", "corp", "corp", "gone"])
    if "sso_session" not in settings or rng.random() < 0.2:
        settings["sso_start_url"] = "https://corp.awsapps.com/start"
        settings["sso_region"] = rng.choice(["eu-west-1", "eu-west-1", "us-west-2"])
    if rng.random() < 0.1:
        settings.pop(rng.choice(list(settings)))
    return settings


def login(rng, name, profiles, files):
    session = "arn:aws:iam::123456789012:user/" + name
    token = {
        "accessToken": {"accessKeyId": "ASIALOGIN" + name.upper(), "secretAccessKey": "s", "sessionToken": "t",
                        "accountId": "123456789012", "expiresAt": iso(rng.choice([1200, 120, -600]))},
        "clientId": SIGNIN_CLIENT, "refreshToken": "R-" + name, "dpopKey": new_key(), "idToken": "kept",
    }
    if rng.random() < 0.3:
        token["signInRegion"] = "us-east-2"
    if rng.random() < 0.1:
        token.pop(rng.choice(["clientId", "dpopKey", "refreshToken"]))
    if rng.random() < 0.85:
        files[f"~/.aws/login/cache/{hashlib.sha256(session.encode()).hexdigest()}.json"] = json.dumps(token)
    return {"login_session": session}


def process(rng, name, *_):
    said = {"Version": 1, "AccessKeyId": "AKIDPROCESS" + name.upper(), "SecretAccessKey": "s p"}
    if rng.random() < 0.3:
        said["AccountId"] = "123456789012"
    return {"credential_process": f"echo '{json.dumps(said)}'"}


def web_identity(rng, name, profiles, files):
    files["~/token-" + name] = "web-" + name
    return {"web_identity_token_file": f"{HOME}/token-{name}", "role_arn": "arn:aws:iam::123456789012:role/web-" + name}


def nothing(*_):
    return {"region": "eu-west-1"}


KINDS = {"static": static, "role": role, "role again": role, "sso": sso, "login": login, "process": process,
         "web identity": web_identity, "nothing": nothing}


def sso_files(rng, files):
    """The token of the session, and that of the start URL."""
    token = {"startUrl": "https://corp.awsapps.com/start", "region": "eu-west-1", "accessToken": "T1",
             "expiresAt": iso(rng.choice([3600, 300, -60]), rng.choice(["Z", "UTC"])), "clientId": "client",
             "clientSecret": "cs", "refreshToken": "R1", "registrationExpiresAt": iso(rng.choice([86400, 86400, -60]))}
    if rng.random() < 0.15:
        token.pop(rng.choice(list(token)))
    for name in ("corp", "https://corp.awsapps.com/start"):
        if rng.random() < 0.9:
            files[f"~/.aws/sso/cache/{sha1(name)}.json"] = json.dumps(token)


def kept_session(rng, settings, files):
    """A session that the CLI kept of a role, as it would be named."""
    arguments = {"RoleArn": settings["role_arn"]}
    for name, key in (("RoleSessionName", "role_session_name"), ("ExternalId", "external_id"),
                      ("SerialNumber", "mfa_serial"), ("DurationSeconds", "duration_seconds")):
        if key in settings:
            arguments[name] = int(settings[key]) if name == "DurationSeconds" else settings[key]
    credentials = {"AccessKeyId": "ASIAKEPT", "SecretAccessKey": "s", "SessionToken": "t", "AccountId": "1",
                   "Expiration": iso(rng.choice([1800, 600, -60]), rng.choice(["Z", "UTC", "+00:00"]))}
    text = json.dumps({"Credentials": credentials})
    files[CACHE + role_name(arguments) + ".json"] = text[: rng.choice([len(text)] * 5 + [20])]


def written(titles):
    return "".join(f"[{title}]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()) for title, keys in titles.items())


def random_world(rng):
    """{"files", "env", "profile"?}: files by path, variables, the profile that an option names."""
    files, names = {}, ["default", "a", "b", "c"]
    profiles = {name: sections(rng, name, names, files) for name in names}
    config = {"sso-session corp": {"sso_start_url": "https://corp.awsapps.com/start", "sso_region": "eu-west-1"}}
    shared = {}
    for name, settings in profiles.items():
        in_file = shared if rng.random() < 0.2 else config
        in_file["profile " + name if in_file is config and name != "default" else name] = settings
        if "role_arn" in settings and rng.random() < 0.3:
            kept_session(rng, settings, files)
    sso_files(rng, files)
    files["~/.aws/config"], files["~/.aws/credentials"] = written(config), written(shared)
    env = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
    if rng.random() < 0.3:
        env.update(AWS_ACCESS_KEY_ID="AKIDENV", AWS_SECRET_ACCESS_KEY="s-env")
    made = {"files": files, "env": env}
    if rng.random() < 0.5:
        made["profile"] = rng.choice(names)
    else:
        env["AWS_PROFILE"] = rng.choice(names)
    return made


# What botocore makes of them.


class Network:
    """Answers every request, and keeps a line about each."""

    def __init__(self):
        self.asked = []

    def send(self, request):
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        url = urlsplit(request.url)
        headers = {name.lower(): value.decode() if isinstance(value, bytes) else value
                   for name, value in request.headers.items()}
        line, answer = self.answer(url, headers, body)
        self.asked.append(f"{url.hostname} {line}")
        return AWSResponse(request.url, 200, {}, mock.Mock(stream=io.BytesIO(answer.encode()).readlines))

    def answer(self, url, headers, body):
        if url.path == "/federation/credentials":
            query = parse_qs(url.query)
            line = f"{query['role_name'][0]} {query['account_id'][0]} {headers['x-amz-sso_bearer_token']}"
            given = {"accessKeyId": "ASIA" + sha1(line), "secretAccessKey": "s", "sessionToken": "t",
                     "expiration": (NOW + 3600) * 1000}
            return line, json.dumps({"roleCredentials": given})
        if url.path == "/token":
            asked = json.loads(body)
            line = f"{asked['grantType']} {asked['refreshToken']} {asked['clientId']} {asked['clientSecret']}"
            return line, json.dumps({"accessToken": "T2", "expiresIn": 28800, "refreshToken": "R2"})
        if url.path == "/v1/token":
            asked = json.loads(body)
            line = f"{asked['grantType']} {asked['refreshToken']} {asked['clientId']} {'dpop' in headers}"
            given = {"accessKeyId": "ASIA" + sha1(line), "secretAccessKey": "s", "sessionToken": "t"}
            return line, json.dumps({"accessToken": given, "tokenType": "aws_sigv4", "expiresIn": 900, "refreshToken": "R2"})
        return self.assume(headers, {name: values[0] for name, values in parse_qs(body).items()})

    @staticmethod
    def assume(headers, form):
        action = form["Action"]
        if form["RoleSessionName"].startswith("botocore-session-"):
            form["RoleSessionName"] = "default"
        signer = headers.get("authorization", "Credential=nobody/").partition("Credential=")[2].partition("/")[0]
        names = ("RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds", "SerialNumber", "TokenCode", "WebIdentityToken")
        line = " ".join([action, *(form.get(name, "-") for name in names), signer])
        return line, f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
            <Credentials><AccessKeyId>ASIA{sha1(line)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
            <SessionToken>t</SessionToken><Expiration>{iso(3600)}</Expiration></Credentials>
            <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/x/y</Arn><AssumedRoleId>A:y</AssumedRoleId>
            </AssumedRoleUser></{action}Result></{action}Response>"""


def put_files(files):
    shutil.rmtree(HOME)
    for name, text in files.items():
        path = Path(HOME, name[2:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def kept_files():
    """The cached documents, whatever is in them."""
    kept = {}
    for path in Path(HOME, ".aws").glob("*/cache/*.json"):
        try:
            kept[f"~/{path.relative_to(HOME)}"] = json.loads(path.read_text())
        except ValueError:
            pass
    return kept


def find(made):
    session = botocore.session.Session(profile=made.get("profile"))
    session.register_component("data_loader", LOADER)
    # One cache for all, also behind source_profile; the CLI's own is for the first profile alone.
    resolver = bc.create_credential_resolver(session, cache=JSONFileCache(os.path.join(HOME, CACHE[2:])))
    resolver.get_provider("assume-role")._prompter = lambda _: "123456"
    found = resolver.load_credentials()
    if found is None:
        return None
    frozen = found.get_frozen_credentials()
    return {"access_key_id": frozen.access_key, "secret_access_key": frozen.secret_key,
            "session_token": frozen.token, "account_id": found.get_deferred_property("account_id")()}


def world(made):
    """The random world with what botocore found in it: "keys" or "error", "asked", "kept"."""
    put_files(made["files"])
    network = Network()
    with mock.patch.dict(os.environ, made["env"]), mock.patch.object(URLLib3Session, "send", lambda _, r: network.send(r)):
        try:
            made["keys"] = find(made)
        except Exception as e:  # all that botocore may raise
            made["error"] = f"{type(e).__name__}: {e}"
    return {**made, "asked": network.asked, "kept": kept_files(), "now": NOW, "home": HOME}


def command_worlds(seed, count):
    rng = random.Random(seed)
    return [world(random_world(rng)) for _ in range(int(count))]


# Proofs.


def command_keys(count):
    return [new_key() for _ in range(int(count))]


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def command_proofs(path):
    proofs = json.loads(Path(path).read_text())
    for proof in proofs:
        assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", proof, re.ASCII), "not base64 for URLs"
        text, _, signature = proof.rpartition(".")
        jwk = json.loads(unpadded(text.partition(".")[0]))["jwk"]
        x, y, raw = unpadded(jwk["x"]), unpadded(jwk["y"]), unpadded(signature)
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\4" + x + y)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(der, text.encode(), ec.ECDSA(hashes.SHA256()))
    return len(proofs)


COMMANDS = {"names": command_names, "worlds": command_worlds, "keys": command_keys, "proofs": command_proofs}

if __name__ == "__main__":
    SSOTokenProvider._SSO_TOKEN_CACHE_DIR = os.path.join(HOME, ".aws/sso/cache")
    try:
        json.dump(COMMANDS[sys.argv[1]](*sys.argv[2:]), sys.stdout)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
