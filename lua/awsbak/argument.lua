--- What functions for scripts take: an argument of the wrong kind is the caller's mistake, told in
--- one sentence, and no error of Lua somewhere inside.

local errors = require("awsbak.errors")
local secret = require("awsbak.core.secret")

local M = {}

local SHOWN_MAX = 40 -- characters of a text that a message repeats

--- A value as a message has it, to be escaped by who prints it: nothing of a table, which may hold
--- a secret, nor of an identity of age, which is one.
---@param value any
---@return string
function M.shown(value)
  if value == nil then
    return "nothing"
  elseif type(value) == "string" and value:lower():find("age-secret-key-", 1, true) then
    return "the text of an age identity"
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

local NONE <const> = {}

--- The metatable of a value, as far as it shows one.
local function class_of(value)
  local class = getmetatable(value)
  return type(class) == "table" and class or NONE
end

local function is_callable(value)
  return type(value) == "function" or class_of(value).__call ~= nil
end

local function is_any(value)
  return value ~= nil
end

local function is_number(value)
  return type(value) == "number" and value == value and value < math.huge
end

--- Whether a table has the keys 1 to n and no other: what else it held would be passed over.
local function is_list(value)
  if type(value) ~= "table" then
    return false
  end
  local count = 0
  for _ in next, value do
    count = count + 1
  end
  for i = 1, count do
    if rawget(value, i) == nil then
      return false
    end
  end
  return true
end

local function is_task(value)
  return class_of(value).__name == "awsbak.task"
end

local function each_is(kind)
  return function(value)
    if not is_list(value) then
      return false
    end
    for _, item in ipairs(value) do
      if not M.fits(item, kind) then
        return false
      end
    end
    return true
  end
end

-- Kinds of values by name: how a message calls them, and what tells them.
local KINDS = {
  any = { "a value", is_any },
  awaitable = {
    "an operation or a task",
    function(value)
      local is_object = type(value) == "userdata" or type(value) == "table"
      return is_object and (value.done ~= nil or is_task(value)) -- mostly an operation
    end,
  },
  bytes = { "a text of bytes", is("string") },
  count = {
    "a whole number of at least 1",
    function(value)
      return is_number(value) and value >= 1 and math.tointeger(value) ~= nil
    end,
  },
  flag = { "true or false", is("boolean") },
  ["function"] = { "a function", is_callable },
  list = { "a list", is_list },
  path = {
    "a path", -- the system would take what is before a NUL, and so another file
    function(value)
      return type(value) == "string" and value ~= "" and not value:find("\0", 1, true)
    end,
  },
  pause = {
    "a number of seconds, 0 or more",
    function(value)
      return is_number(value) and value >= 0
    end,
  },
  secret = {
    "a text that is not empty, or a secret",
    function(value)
      return type(value) == "string" and value ~= "" or secret.is(value)
    end,
  },
  secrets = { "a list of texts or secrets", each_is("secret") },
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
  task = { "a task", is_task },
  text = {
    "a text that is not empty",
    function(value)
      return type(value) == "string" and value ~= ""
    end,
  },
  texts = { "a list of texts", each_is("text") },
}

-- What tells a kind, by how check takes it: "text?", too. Made when it is asked for.
local tests = setmetatable({}, {
  __index = function(tests, kind)
    local name, optional = kind:match("^(.-)(%??)$")
    local test = KINDS[name][2]
    tests[kind] = optional == "" and test
      or function(value)
        return value == nil or test(value)
      end
    return tests[kind]
  end,
})

--- Whether `value` is of a kind, as check takes them.
---@param value any
---@param kind string
---@return boolean
function M.fits(value, kind)
  return tests[kind](value)
end

--- Raise unless `value` is of a kind.
---@param value any
---@param kind string "any", "awaitable", "bytes", "count", "flag", "function", "list", "path",
---  "pause", "secret", "secrets", "seconds", "settings", "size", "table", "task", "text", "texts";
---  or "text?": nil, too
---@param subject string what it is given for: "option timeout of a call"
--- Raises kind usage, code bad_argument.
function M.check(value, kind, subject)
  if M.fits(value, kind) then
    return
  end
  local name = kind:match("^%a+")
  local is_hidden = name:find("^secret") and value ~= nil and value ~= ""
  errors.raise({
    kind = "usage",
    code = "bad_argument",
    message = ("%s is %s, not %s"):format(
      subject,
      is_hidden and "a " .. type(value) or M.shown(value),
      KINDS[name][1]
    ),
  })
end

--- Raise unless a method was called on an object of its class: with a dot for the colon, the first
--- argument, or nothing, stands for the object.
---@param self any
---@param class table the metatable of its objects
---@param name string how it is called: "body:read"
--- Raises kind usage, code bad_argument.
function M.method(self, class, name)
  if getmetatable(self) ~= class then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = ("%s is a method, and was called without its object"):format(name),
      hint = ("write a colon, as in %s(...)"):format(name),
    })
  end
end

return M
