--- The functions of JMESPath (https://jmespath.org/specification.html, "Built-in functions").
---
--- A function is { types, f }: what each argument may be, "array-number" for a list of numbers,
--- "any"; with `variadic` the last of them again and again.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local sorted = require("awsbak.sorted")
local text = require("awsbak.text")
local values = require("awsbak.jmespath.values")

local before = values.before

local functions = {}

local function define(name, types, f)
  functions[name] = { types = types, f = f }
end

local function fail(name, message, ...)
  errors.raise({
    kind = "usage",
    code = "jmespath_type",
    message = ("the JMESPath function %s: %s"):format(name, message:format(...)),
  })
end

local function code_points(s)
  local points = {}
  for _, point in utf8.codes(s, true) do
    points[#points + 1] = point
  end
  return points
end

define("abs", { "number" }, math.abs)
define("ceil", { "number" }, math.ceil)
define("floor", { "number" }, math.floor)

local function sum(list)
  local total = 0
  for _, number in ipairs(list) do
    total = total + number
  end
  return total
end

define("sum", { "array-number" }, sum)
define("avg", { "array-number" }, function(list)
  return #list > 0 and sum(list) / #list or nil
end)

define("contains", { "array|string", "any" }, function(where, what)
  if type(where) == "string" then
    return type(what) == "string" and where:find(what, 1, true) ~= nil
  end
  for _, item in ipairs(where) do
    if values.equal(item, what) then
      return true
    end
  end
  return false
end)

define("starts_with", { "string", "string" }, function(whole, start)
  return whole:sub(1, #start) == start
end)
define("ends_with", { "string", "string" }, function(whole, finish)
  return finish == "" or whole:sub(-#finish) == finish
end)
define("join", { "string", "array-string" }, function(separator, list)
  local size = #separator * #list
  for _, item in ipairs(list) do
    size = size + #item
  end
  values.check_size(size)
  return table.concat(list, separator)
end)

define("keys", { "object" }, function(object)
  return json.array(sorted.keys(object))
end)
define("values", { "object" }, function(object)
  local list = json.array()
  for i, key in ipairs(sorted.keys(object)) do
    list[i] = object[key]
  end
  return list
end)
define("merge", { variadic = true, "object" }, function(...)
  local merged = {}
  for _, object in ipairs({ ... }) do
    for key, value in pairs(object) do
      merged[key] = value
    end
  end
  return merged
end)

define("length", { "string|array|object" }, function(value)
  if type(value) == "string" then
    return utf8.len(value, 1, -1, true) or #value
  elseif values.is_list(value) then
    return #value
  end
  return #sorted.keys(value)
end)

--- Text that is not UTF-8, such as the name of a file, is turned by its bytes.
define("reverse", { "array|string" }, function(value)
  if type(value) == "string" and not utf8.len(value, 1, -1, true) then
    return value:reverse()
  end
  local points = type(value) == "string" and code_points(value) or value
  local turned = json.array()
  for i = #points, 1, -1 do
    turned[#turned + 1] = points[i]
  end
  return type(value) == "string" and utf8.char(table.unpack(turned)) or turned
end)

define("not_null", { variadic = true, "any" }, function(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil and value ~= json.null then
      return value
    end
  end
end)

define("type", { "any" }, values.type)
define("to_array", { "any" }, function(value)
  if values.is_list(value) then
    return value
  end
  return json.array({ value == nil and json.null or value })
end)
define("to_string", { "any" }, function(value)
  if type(value) == "string" then
    return value
  end
  values.check_whole(value)
  return json.encode(value == nil and json.null or text.for_json(value))
end)
define("to_number", { "any" }, function(value)
  if type(value) == "number" then
    return value
  elseif type(value) ~= "string" or not value:find("^%s*[+-]?[%d.]+[eE]?[+-]?%d*%s*$") then
    return nil
  end
  return tonumber((value:gsub("^(%s*)%+", "%1")))
end)

define("map", { "expref", "array" }, function(each, list)
  local mapped = json.array()
  for i, item in ipairs(list) do
    local value = each(item)
    mapped[i] = value == nil and json.null or value
  end
  return mapped
end)

--- The element whose key comes first in the order; of equal ones the first.
local function extreme(list, comes_first, key)
  local best, best_key
  for _, item in ipairs(list) do
    local own = key(item)
    if best == nil or comes_first(own, best_key) then
      best, best_key = item, own
    end
  end
  return best
end

local function itself(item)
  return item
end

local function after(a, b)
  return before(b, a)
end

define("min", { "array-number|array-string" }, function(list)
  return extreme(list, before, itself)
end)
define("max", { "array-number|array-string" }, function(list)
  return extreme(list, after, itself)
end)

--- The list sorted by a key; equal ones stay as they were.
local function sort_by(list, key)
  local rows, ordered = {}, json.array()
  for i, item in ipairs(list) do
    rows[i] = { key(item), i, item }
  end
  table.sort(rows, function(a, b)
    if before(a[1], b[1]) then
      return true
    end
    return a[2] < b[2] and not before(b[1], a[1])
  end)
  for i, row in ipairs(rows) do
    ordered[i] = row[3]
  end
  return ordered
end

define("sort", { "array-number|array-string" }, function(list)
  return sort_by(list, itself)
end)

--- A key function that insists on numbers or on texts, whichever comes first.
local function one_type(name, key)
  local wanted
  return function(item)
    local value = key(item)
    local kind = values.type(value)
    if kind ~= "number" and kind ~= "string" then
      fail(name, "it sorts by numbers or texts, not by %s", kind)
    elseif wanted and kind ~= wanted then
      fail(name, "one key is a %s, another a %s", wanted, kind)
    end
    wanted = kind
    return value
  end
end

define("sort_by", { "array", "expref" }, function(list, key)
  return sort_by(list, one_type("sort_by", key))
end)
define("min_by", { "array", "expref" }, function(list, key)
  return extreme(list, before, one_type("min_by", key))
end)
define("max_by", { "array", "expref" }, function(list, key)
  return extreme(list, after, one_type("max_by", key))
end)

--- Whether a value is of a type like "array-number".
local function is_of(value, wanted)
  local kind = values.type(value)
  local outer, inner = wanted:match("^(%l+)%-(%l+)$")
  if wanted == "any" or kind == wanted then
    return kind ~= "expref" or wanted == "expref"
  elseif kind ~= outer then
    return false
  end
  for _, item in ipairs(value) do
    if values.type(item) ~= inner then
      return false
    end
  end
  return true
end

--- Raise unless the arguments are of the types that a function takes.
---@param name string
---@param types string[]
---@param arguments table with `n`
--- Raises kind usage, code jmespath_type.
function functions.check(name, types, arguments)
  for i = 1, arguments.n do
    local wanted, fits = types[i] or types[#types], false
    for one in wanted:gmatch("[^|]+") do
      fits = fits or is_of(arguments[i], one)
    end
    if not fits then
      fail(name, "its argument %d is %s, not %s", i, values.type(arguments[i]), wanted)
    end
  end
end

return functions
