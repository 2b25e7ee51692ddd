--- Run a policy with the options of an event, as a function in AWS Lambda does.

local commands = require("awsbak.commands")
local errors = require("awsbak.errors")
local event = require("awsbak.event")
local failure = require("awsbak.failure")
local outside = require("awsbak.outside")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

local function read(path)
  if path == "-" then
    return io.stdin:read("a")
  end
  return errors.check(outside.read_file(path))
end

local function answer(o)
  local words = {}
  for word in o.policy:gmatch("[^%s/]+") do
    words[#words + 1] = word
  end
  local p = commands.load((commands.match(words, 1)))
  return event.answer(p, event.decode(read(o.event), o.event))
end

-- What went wrong, for a program; people are told on standard error as always.
local function failed(e)
  return {
    status = "error",
    kind = e.kind,
    code = e.code,
    message = e.message,
    hint = e.hint,
    service = e.service,
    operation = e.operation,
    request_id = e.request_id,
    exit_code = errors.exit_code(e),
  }
end

return policy({
  name = "invoke",
  summary = "Run a policy with the options of an event.",
  description = "The event is a JSON object with the options as keys (dry_run for --dry-run), or\n"
    .. "an EventBridge event with them in `detail`. The answer is one JSON object:\n"
    .. 'its status is "ok", "incomplete" or "error", the last with kind, code and message.',
  options = {
    { "policy", positional = true, required = true, help = "the command, as ssm/backup" },
    { "event", positional = true, required = true, help = "a JSON file, or - for standard input" },
  },
  examples = { "awsbak invoke ssm/backup event.json", "echo '{}' | awsbak invoke ssm/ls -" },
  run = function(o)
    local ok, result = xpcall(answer, failure.note, o)
    output.item(ok and result or failed(result))
    if not ok then
      error(result, 0)
    end
    return { exit_code = result.status == "incomplete" and 3 or 0 }
  end,
})
