"""How a spec steers a helper process: one JSON object a line on stdin, one Lua value a line on stdout.

Lua has no JSON of its own and Python no Lua, so each side writes what the other reads without a
library. Text travels as Latin-1, so that bytes arrive as they were. End of file on stdin means that
the spec is gone: the helper ends too.
"""
import json


def to_lua(value):
    """The Lua source of a value of strings, bytes, numbers, booleans, None, lists and dicts."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        value = value.encode("latin-1")
    if isinstance(value, bytes):
        safe = (chr(b) if 32 <= b < 127 and b not in b'"\\' else "\\%03d" % b for b in value)
        return '"' + "".join(safe) + '"'
    if isinstance(value, dict):
        return "{" + ",".join("[%s]=%s" % (to_lua(k), to_lua(v)) for k, v in value.items()) + "}"
    return "{" + ",".join(map(to_lua, value)) + "}"


def answer(line, commands):
    """Run one command line; the Lua source of `{ ok = true, value = ... }` or `{ error = ... }`."""
    try:
        command = json.loads(line)
        value = commands[command.pop("command")](**command)
        return to_lua({"ok": True, "value": value})
    except Exception as problem:  # whatever it is, the spec must hear of it
        text = "%s: %s" % (type(problem).__name__, problem)
        return to_lua({"error": text.encode("latin-1", "replace")})
