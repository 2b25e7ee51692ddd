--- The end of a run that failed: what people are told, and the exit code.

local errors = require("awsbak.errors")
local host = require("awsbak.core.host")
local log = require("awsbak.log")
local modules = require("awsbak.modules")
local text = require("awsbak.text")

local M = {}

local SIGPIPE, SIGALRM = 13, 14

--- Make what was raised an error table; under -v with the place it was raised at.
---@param e any
---@return awsbak.Error
function M.note(e)
  e = errors.from(e)
  if log.enabled("info") and not e.traceback then
    e.traceback = debug.traceback("", 2):gsub("^\n", "")
  end
  return e
end

--- Our own code is called lua/... or scripts/..., so an error Lua raised there is a defect of ours.
local function is_defect(e)
  return e.kind == "bug"
    and e.code == "lua"
    and (e.message:find("^lua/") or e.message:find("^scripts/")) ~= nil
end

-- Calls of one operation that fail at once for one reason name different things; one is enough.
local function gist(e)
  if not e.service or log.enabled("info") then
    return tostring(e)
  end
  return ("%s %s %s %s"):format(e.kind, e.code, e.service, e.operation)
end

--- The built-in module that a script most likely meant, as the end of a sentence.
local function meant_module(message)
  local missing = message:match("module '([%w_.]+)' not found")
  local nearest = missing and errors.nearest(missing, modules.list())
  return nearest and ("; did you mean '%s'?"):format(nearest) or ""
end

--- The first line is the message; what follows (require lists every place it looked at) is for -v.
local function say_bug(message)
  local first, rest = message:match("^([^\n]*)(.*)$")
  log.error("%s", first:gsub(":$", "") .. meant_module(first))
  for line in rest:gmatch("[^\n]+") do
    log.info((line:gsub("^%s+", "")))
  end
end

local function say(e)
  if e.kind == "bug" then
    say_bug(tostring(e))
  else
    log.error(tostring(e))
  end
  if is_defect(e) then
    log.error("this is a defect of awsbak; -v shows where")
  end
  local said = { [gist(e)] = true } -- what many tasks meet at once is told once
  for _, other in ipairs(e.also or {}) do
    if not said[gist(other)] then
      said[gist(other)] = true
      log.error(tostring(other))
    end
  end
  if e.traceback and log.enabled("info") then
    for line in e.traceback:gmatch("[^\n]+") do -- it names files and functions of a script
      io.stderr:write(line:match("^\t?"), text.escape(line:gsub("^\t", "")), "\n")
    end
  end
end

--- Whether standard output could not be written, be it of several failures.
local function is_of_output(e)
  for _, other in ipairs({ e, table.unpack(e.also or {}) }) do
    if other.code == "stdout" then
      return true
    end
  end
  return false
end

--- Say that the run was ended, and how it can go on where that is known.
local function say_cut(what, e)
  log.error("%s", what .. (e.hint and "; " .. e.hint or ""))
end

--- Tell people what happened.
---@param e any an error table, or Lua's own memory error, which no handler sees
---@return integer exit code
---@return boolean? said whether they were told that standard output cannot be written
function M.report(e)
  e = errors.from(e)
  local signal = host.signalled()
  if signal == SIGPIPE or e.code == "EPIPE" and e.kind == "io" then
    return 128 + SIGPIPE -- nobody reads us any more: nothing to say, as other filters do
  elseif signal == SIGALRM and e.kind == "cancelled" then
    say_cut("not done in the time --timeout gives", e)
    return errors.kinds.timeout
  elseif signal and e.kind == "cancelled" then
    say_cut("interrupted", e)
    return 128 + signal
  end
  say(e)
  return errors.exit_code(e), is_of_output(e)
end

return M
