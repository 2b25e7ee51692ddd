--- A program that prints keys: credential_process (botocore, ProcessProvider; "Sourcing credentials
--- with an external process" in the AWS CLI user guide).
---
--- Its words are split as a shell would, but no shell runs. Neither stdout nor stderr is ever
--- shown: both may hold secrets. Keys in our environment are not passed on.

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local ini = require("aws.ini")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local rows = require("aws.settings")
local task = require("awsbak.task")
local time = require("awsbak.time")

local M = {}

local TIMEOUT = 60 -- seconds
local OUTPUT_MAX = 64 * 1024 -- bytes

local function fail(source, what, hint)
  errors.raise({
    kind = "credentials",
    code = "credential_process",
    message = ("credential_process (%s) %s"):format(source, what),
    hint = hint or "run it by hand to see why",
  })
end

--- Our environment without keys: a child's can be read in /proc, and the program has its own.
local function environment()
  local env = outside.environ()
  for _, row in ipairs(rows) do
    for _, name in ipairs((row.secret or row.name == "access_key_id") and row.env or {}) do
      env[name] = nil
    end
  end
  for name in pairs(env) do
    if name:find("^AWS_BEARER_TOKEN_") then
      env[name] = nil
    end
  end
  return env
end

local function run(command, source)
  local argv = ini.split(command)
  if not argv or #argv == 0 then
    fail(source, "has a quote that is not closed, or no words", "correct it")
  end
  local process = require("awsbak.core.process")
  local options = { argv = argv, env = environment(), timeout = TIMEOUT, max_output = OUTPUT_MAX }
  local done, err = errors.try(task.await, process.run(options))
  if not done then
    if err.kind == "cancelled" then
      error(err, 0)
    end
    fail(source, "failed: " .. err.message)
  elseif done.signal then
    fail(source, ("was ended by signal %d"):format(done.signal))
  elseif done.status ~= 0 then
    fail(source, ("ended with status %d"):format(done.status))
  end
  return done.stdout
end

--- The keys in what the program printed.
---@param text string
---@param source string
---@return aws.Keys
function M.parse(text, source)
  local said = json.decode(text)
  if type(said) ~= "table" then
    fail(source, "did not print a JSON object")
  elseif said.Version ~= 1 then
    fail(source, "printed another version than 1", 'make it print "Version": 1')
  end
  local expires = type(said.Expiration) == "string" and time.parse(said.Expiration) or nil
  if said.Expiration and said.Expiration ~= json.null and not expires then
    fail(source, "printed an Expiration that is no time", "it is a time like 2026-11-21T03:51:00Z")
  end
  local function text_of(name)
    return type(said[name]) == "string" and said[name] or nil
  end
  return credentials.keys({
    access_key_id = text_of("AccessKeyId"),
    secret_access_key = text_of("SecretAccessKey"),
    session_token = text_of("SessionToken"),
    account_id = text_of("AccountId"),
    expires = expires,
  }, "credential_process, " .. source)
end

--- Keys from the profile's program, if it names one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the program fails or prints none.
function M.load(cfg, context)
  local command, source = cfg:key(context.profile, "credential_process")
  if not command then
    return nil, "no credential_process"
  end
  return M.parse(run(command, source), source)
end

return M
