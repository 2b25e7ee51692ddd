--- JMESPath's types and comparisons for values of Lua: null is nil or json.null, a list has the
--- metatable of JSON's lists or a first element.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")

local values = {}

local null <const> = json.null

--- Whether a value is a list; an empty table without the list metatable is an object.
---@param value any
---@return boolean
function values.is_list(value)
  return type(value) == "table" and (getmetatable(value) == json.array_mt or value[1] ~= nil)
end

--- The type of a value: "null", "boolean", "number", "string", "array", "object" or "expref".
---@param value any
---@return string
function values.type(value)
  if value == nil or value == null then
    return "null"
  end
  local kind = type(value)
  if kind == "table" then
    return values.is_list(value) and "array" or "object"
  end
  return kind == "function" and "expref" or kind
end

--- Whether a value counts as false: null, false, or anything empty.
---@param value any
---@return boolean
function values.is_false(value)
  return value == nil
    or value == null
    or value == false
    or value == ""
    or (type(value) == "table" and next(value) == nil)
end

--- Whether two values are the same, through and through.
---@param a any
---@param b any
---@return boolean
function values.equal(a, b)
  local kind = values.type(a)
  if kind ~= values.type(b) then
    return false
  elseif kind ~= "array" and kind ~= "object" then
    return kind == "null" or a == b
  end
  for key, value in pairs(a) do
    if b[key] == nil or not values.equal(value, b[key]) then
      return false
    end
  end
  for key in pairs(b) do
    if a[key] == nil then
      return false
    end
  end
  return true
end

--- Whether a < b, of two numbers or two texts; texts by their bytes, which is by code points.
---@param a number|string
---@param b number|string
---@return boolean
function values.before(a, b)
  if type(a) == "number" then
    return a < b
  end
  local at = 1
  while at <= #a and at <= #b and a:byte(at) == b:byte(at) do
    at = at + 1
  end
  return (a:byte(at) or -1) < (b:byte(at) or -1)
end

-- A result has as many bytes at most when it is written out: an expression of a few hundred
-- characters can name the same value a million times over.
values.SIZE_MAX = 256 * 1024 * 1024
local SLOT = 64 -- bytes that a value counts besides its text: about what it takes in Lua

--- Raise for a size beyond what a result may have.
---@param size integer bytes
--- Raises kind usage, code jmespath_size.
function values.check_size(size)
  if size > values.SIZE_MAX then
    errors.raise({
      kind = "usage",
      code = "jmespath_size",
      message = ("the JMESPath expression makes more than %d MiB of what it was given"):format(
        values.SIZE_MAX >> 20
      ),
      hint = "it repeats the same values; pick less",
    })
  end
end

local function add_size(value, size)
  size = size + (type(value) == "string" and #value or 0) + SLOT
  values.check_size(size)
  if type(value) == "table" then
    for key, part in pairs(value) do
      size = add_size(part, size + (type(key) == "string" and #key or 0))
    end
  end
  return size
end

--- Raise for a value that is too large once each part of it is written out where it is named.
---@param value any
--- Raises kind usage, code jmespath_size.
function values.check_whole(value)
  add_size(value, 0)
end

--- Raise for a list that has grown too long, whatever is in it.
---@param list any[]
--- Raises kind usage, code jmespath_size.
function values.check_list(list)
  values.check_size(#list * SLOT)
end

return values
