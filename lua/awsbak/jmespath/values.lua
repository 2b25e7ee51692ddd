--- JMESPath's types and comparisons for values of Lua: null is nil or json.null, a list has the
--- metatable of JSON's lists or a first element.

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

return values
