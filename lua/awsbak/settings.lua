--- Settings of the whole run: the flags every command has.
---
--- A flag wins over the variable AWSBAK_NAME, which wins over the default.

local outside = require("awsbak.outside")
local schema = require("awsbak.schema")
local scoped = require("awsbak.scoped")

local M = {}

--- The flags, as options of a policy are written.
M.options = schema.new({
  { "profile", help = "the profile of the AWS config and credentials files" },
  { "region", help = "the AWS region" },
  { "endpoint_url", help = "send requests here instead of to AWS" },
  { "no_sign_request", kind = "flag", help = "send requests without keys" },
  {
    "output",
    kind = "choice",
    choices = { "table", "json", "jsonl" },
    help = "table, json or jsonl",
  },
  { "query", kind = "jmespath", help = "write only what this JMESPath expression picks" },
  {
    "timeout",
    kind = "duration",
    min = 0.001,
    help = "end with code 124 after this time: 90s, 5m, 1h30m; a bare number is seconds",
  },
  { "dry_run", kind = "flag", help = "(-n) list what would be changed, and change nothing" },
  { "read_only", kind = "flag", help = "fail where something might be changed" },
  { "yes", kind = "flag", help = "answer yes to questions" },
  {
    "progress",
    kind = "choice",
    choices = { "auto", "json" },
    help = "how far the work is: auto (a line on a terminal), or json on standard error",
  },
  { "concurrency", kind = "integer", min = 1, help = "how many things to do at once" },
  {
    "max_attempts",
    kind = "integer",
    min = 1,
    help = "how often a request is tried; ssm commands sit throttling out whatever this says",
  },
  { "sandbox", kind = "flag", help = "run against a moto_server of our own, on this machine" },
})

local flags = {} -- what the command line said, checked

local SCOPE = "settings" -- in awsbak.scoped: what a call of M.with gave, over `flags`

local variables = {} -- names of those that were asked for, which some are for each request

local function variable(option)
  local key = option.key
  variables[key] = variables[key] or "AWSBAK_" .. key:upper()
  return variables[key]
end

--- Check values and put them into `into`.
local function add(into, values)
  for key, value in pairs(values) do
    local option = assert(M.options.by_key[key], "no such setting")
    into[key] = schema.value(option, value, "command")
  end
end

--- Take over values of the command line; they stay until replaced.
---@param values table<string, any> by key: { dry_run = true }
function M.set(values)
  add(flags, values)
end

local function given(name)
  local over = scoped.get(SCOPE)
  if over and over[name] ~= nil then
    return over[name]
  end
  return flags[name]
end

--- The value of a setting and where it came from; raises kind "usage" when a variable is wrong.
---@param name string
---@return any value nil when nobody set it
---@return string? source "--region" or "AWSBAK_REGION"
function M.get(name)
  local option = assert(M.options.by_key[name], "no such setting")
  local flag = given(name)
  if flag ~= nil then
    return flag, option.flag
  end
  local text = outside.getenv(variable(option))
  if text then
    return schema.value({
      kind = option.kind,
      choices = option.choices,
      min = option.min,
      key = variable(option),
    }, text, "variable"),
      variable(option)
  end
  return nil
end

--- Call `f` with other settings, which hold in it and in the tasks it starts, and nowhere else.
---@param values table<string, any>
---@param f function
---@param ... any its arguments
---@return any ... what `f` returns
function M.with(values, f, ...)
  local over = {}
  for key, value in pairs(scoped.get(SCOPE) or {}) do
    over[key] = value
  end
  add(over, values)
  return scoped.with(SCOPE, over, f, ...)
end

return M
