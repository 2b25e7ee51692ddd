--- Messages for people, on standard error: `awsbak: warning: ...`.
---
--- A level is "error", "warning", "info" or "debug"; lines below `log.level` are not written. What
--- is formatted may come from outside: control characters are escaped.

local outside = require("awsbak.outside")
local text = require("awsbak.text")

local M = {}

local ranks = { error = 1, warning = 2, info = 3, debug = 4 }

--- The least important level that is written. nil: AWSBAK_LOG, else "warning".
---@type string?
M.level = nil

--- When a table, lines are appended here and not written (for specs).
---@type string[]?
M.lines = nil

--- Check AWSBAK_LOG; raises kind "usage" when it is no level.
function M.check()
  local level = outside.getenv("AWSBAK_LOG")
  if level and not ranks[level] then
    require("awsbak.errors").raise({
      kind = "usage",
      code = "bad_option",
      message = ("AWSBAK_LOG must be one of error, warning, info, debug, not '%s'"):format(level),
    })
  end
end

--- Called before a line is written to a terminal that shows something else (a progress line).
---@type fun()?
M.before = nil

--- Whether messages of `level` are written now.
---@param level string
---@return boolean
function M.enabled(level)
  M.level = M.level or outside.getenv("AWSBAK_LOG")
  return ranks[level] <= (ranks[M.level] or ranks.warning)
end

local function put(prefix, format, ...)
  local message = select("#", ...) == 0 and format or format:format(...)
  local line = prefix .. text.escape(message)
  if M.lines then
    M.lines[#M.lines + 1] = line
    return
  end
  if M.before then
    M.before()
  end
  io.stderr:write(line, "\n")
end

local function write(level, ...)
  if M.enabled(level) then
    put("awsbak: " .. level .. ": ", ...)
  end
end

--- Something failed and work was lost or stops.
---@param format string as string.format; with no further argument it is the message itself
function M.error(format, ...)
  write("error", format, ...)
end

--- Something is not as it should be; work goes on.
---@param format string
function M.warn(format, ...)
  write("warning", format, ...)
end

local warned = {}

--- As `warn`, but the same sentence is written once in this process.
---@param format string
function M.warn_once(format, ...)
  local message = format:format(...)
  if not warned[message] then
    warned[message] = true
    M.warn("%s", message)
  end
end

--- What is being done (-v).
---@param format string
function M.info(format, ...)
  write("info", format, ...)
end

--- How it is being done (-vv).
---@param format string
function M.debug(format, ...)
  write("debug", format, ...)
end

--- What a command has to say at its end: said at every level but "error".
---@param format string
function M.note(format, ...)
  if M.enabled("warning") then
    put("", format, ...)
  end
end

return M
