--- The event door of policies: options from a JSON event, the result as a JSON answer.

local errors = require("awsbak.errors")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local schema = require("awsbak.schema")
local settings = require("awsbak.settings")

local M = {}

--- An event's text as a table.
---@param text string
---@param from string what it was read from, for messages
---@return table event raises kind "usage" when it is no JSON object
function M.decode(text, from)
  local json = require("awsbak.core.json")
  local event, err = json.decode(text)
  if err then
    errors.raise({
      kind = "usage",
      code = "bad_event",
      message = ("%s: %s"):format(from, err.message),
    })
  elseif type(event) ~= "table" or getmetatable(event) == json.array_mt then
    errors.raise({
      kind = "usage",
      code = "bad_event",
      message = from .. " is not a JSON object",
      hint = 'it should be like {"path": ["/prod"], "dry_run": true}',
    })
  end
  return event
end

--- The options in an event: itself, or `detail` of EventBridge's envelope (its documented fields
--- "detail-type" and "source" tell it).
---@param event table
---@return table
function M.options(event)
  if event["detail-type"] ~= nil and event.source ~= nil and type(event.detail) == "table" then
    return event.detail
  end
  return event
end

--- Standard input and output are the event's and its answer's: no archive can go through them.
local function refuse_streams(p, options)
  local checked = p.raw and {} or schema.check(p.schema, options, "event")
  for _, option in ipairs(p.schema.list) do
    if option.stream and checked[option.key] == "-" then
      errors.raise({
        kind = "usage",
        code = "no_stream",
        message = ("an event has no standard input or output, and `%s` is -"):format(option.key),
        hint = ('give it a place of its own: {"%s": "s3://bucket/key"}'):format(option.key),
      })
    end
  end
end

--- Run a policy for an event: { status = "ok"|"incomplete", ..., items = {...} }, with the fields
--- of the policy's result and the rows it would have printed. When those are more than an answer
--- holds, `truncated` is true and `items_total` is how many they are. Errors are raised.
---@param p awsbak.Policy
---@param event table
---@return table answer
function M.answer(p, event)
  local options, said = {}, {}
  for key, value in pairs(M.options(event)) do
    if key == "yes" then
      said.yes = schema.value(settings.options.by_key.yes, value, "event") -- --yes for events
    else
      options[key] = value
    end
  end
  refuse_streams(p, options)
  local collected, result = settings.with(said, output.collect, p.run, options, "event")
  local answer = {}
  for key, value in pairs(type(result) == "table" and result or {}) do
    answer[key] = value
  end
  answer.exit_code = nil
  answer.status = policy.exit_code(result) == 3 and "incomplete" or "ok"
  answer.items = collected.total > 0 and collected.items or nil
  if collected.total > #collected.items then
    answer.truncated, answer.items_total = true, collected.total
  end
  return answer
end

return M
