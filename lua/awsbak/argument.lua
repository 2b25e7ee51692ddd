--- What functions for scripts take: an argument of the wrong kind is the caller's mistake, told in
--- one sentence, and no error of Lua somewhere inside.

local errors = require("awsbak.errors")

local M = {}

local SHOWN_MAX = 40 -- characters of a text that a message repeats

--- A value as a message has it, to be escaped by who prints it: nothing of a table, which may hold
--- a secret.
---@param value any
---@return string
function M.shown(value)
  if value == nil then
    return "nothing"
  elseif type(value) == "string" then
    return ('"%s%s"'):format(value:sub(1, SHOWN_MAX), #value > SHOWN_MAX and "..." or "")
  elseif type(value) == "number" or type(value) == "boolean" then
    return tostring(value)
  end
  return "a " .. type(value)
end

local function is(kind)
  return function(value)
    return type(value) == kind
  end
end

local function is_callable(value)
  return type(value) == "function" or (getmetatable(value) or {}).__call ~= nil
end

local function is_any(value)
  return value ~= nil
end

local function is_number(value)
  return type(value) == "number" and value == value and value < math.huge
end

-- Kinds of values by name: how a message calls them, and what tells them.
local KINDS = {
  any = { "a value", is_any },
  bytes = { "a text of bytes", is("string") },
  count = {
    "a whole number of at least 1",
    function(value)
      return is_number(value) and value >= 1 and math.tointeger(value) ~= nil
    end,
  },
  flag = { "true or false", is("boolean") },
  ["function"] = { "a function", is_callable },
  pause = {
    "a number of seconds, 0 or more",
    function(value)
      return is_number(value) and value >= 0
    end,
  },
  seconds = {
    "a number of seconds above 0",
    function(value)
      return is_number(value) and value > 0
    end,
  },
  settings = {
    "settings that aws.config made",
    function(value)
      return type(value) == "table" and type(value.check) == "function"
    end,
  },
  size = {
    "a whole number, 0 or more",
    function(value)
      return is_number(value) and value >= 0 and math.tointeger(value) ~= nil
    end,
  },
  table = { "a table", is("table") },
  text = {
    "a text that is not empty",
    function(value)
      return type(value) == "string" and value ~= ""
    end,
  },
}

--- Raise unless `value` is of a kind.
---@param value any
---@param kind string "any", "bytes", "count", "flag", "function", "pause", "seconds",
---  "settings", "size", "table", "text"; or "text?": nil, too
---@param subject string what it is given for: "option timeout of a call"
--- Raises kind usage, code bad_argument.
function M.check(value, kind, subject)
  local name, optional = kind:match("^(.-)(%??)$")
  local words, fits = table.unpack(KINDS[name])
  if not fits(value) and not (optional == "?" and value == nil) then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = ("%s is %s, not %s"):format(subject, M.shown(value), words),
    })
  end
end

return M
