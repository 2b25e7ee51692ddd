--- JMESPath, the query language of AWS's tools: https://jmespath.org/specification.html.
---
---     jmespath.compile("Reservations[].Instances[].State.Name")(page)      --> a list
---     jmespath.compile("sort_by(Contents, &Size)[-1].Key")(page)
---     jmespath.compile("Tags[?Key=='Name'].Value | [0]")(instance)

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local values = require("awsbak.jmespath.values")

local jmespath = {}

local LENGTH_MAX = 64 * 1024 -- bytes of an expression
local CACHE_MAX = 500 -- expressions

local null <const> = json.null
local is_list, is_false = values.is_list, values.is_false

local compilers = {}

local function compile(node)
  return compilers[node[1]](table.unpack(node, 2, 4))
end

function compilers.current()
  return function(value)
    return value
  end
end

function compilers.field(name)
  return function(value)
    if type(value) ~= "table" then
      return nil
    end
    local found = rawget(value, name)
    if found == null then
      return nil
    end
    return found
  end
end

function compilers.literal(literal)
  return function()
    return literal
  end
end

function compilers.index(index)
  return function(value)
    if not is_list(value) then
      return nil
    end
    return value[index < 0 and #value + index + 1 or index + 1]
  end
end

--- Where a slice begins or ends: as Python's slices are cut (slice.indices).
local function bound(at, length, usual, least, most)
  if at == nil then
    return usual
  elseif at < 0 then
    at = at + length
  end
  return math.max(least, math.min(at, most))
end

function compilers.slice(first, last, step)
  step = step or 1
  return function(value)
    if not is_list(value) then
      return nil
    end
    local n, cut = #value, json.array()
    local from, to
    if step > 0 then
      from, to = bound(first, n, 0, 0, n), bound(last, n, n, 0, n) - 1
    else
      from, to = bound(first, n, n - 1, -1, n - 1), bound(last, n, -1, -1, n - 1) + 1
    end
    for i = from, to, step do
      cut[#cut + 1] = value[i + 1]
    end
    return cut
  end
end

function compilers.pipe(left, right)
  local first, second = compile(left), compile(right)
  return function(value)
    return second(first(value))
  end
end

--- The results for each element, those that are null left out.
local function project(list, each)
  local kept = json.array()
  for _, item in ipairs(list) do
    local found = each(item)
    if found ~= nil and found ~= null then
      kept[#kept + 1] = found
    end
  end
  return kept
end

function compilers.projection(left, right)
  local list_of, each = compile(left), compile(right)
  return function(value)
    local list = list_of(value)
    return is_list(list) and project(list, each) or nil
  end
end

function compilers.values(left, right)
  local object_of, each = compile(left), compile(right)
  return function(value)
    local object = object_of(value)
    if values.type(object) ~= "object" then
      return nil
    end
    return project(require("awsbak.jmespath.functions").values.f(object), each)
  end
end

function compilers.filter(left, right, condition)
  local list_of, each, holds = compile(left), compile(right), compile(condition)
  return function(value)
    local list = list_of(value)
    if not is_list(list) then
      return nil
    end
    local fitting = {}
    for _, item in ipairs(list) do
      if not is_false(holds(item)) then
        fitting[#fitting + 1] = item
      end
    end
    return project(fitting, each)
  end
end

function compilers.flatten(left)
  local list_of = compile(left)
  return function(value)
    local list = list_of(value)
    if not is_list(list) then
      return nil
    end
    local flat = json.array()
    for _, item in ipairs(list) do
      if is_list(item) then
        table.move(item, 1, #item, #flat + 1, flat)
        values.check_list(flat)
      else
        flat[#flat + 1] = item
      end
    end
    return flat
  end
end

local function or_null(value)
  if value == nil then
    return null
  end
  return value
end

function compilers.list(items)
  local compiled = {}
  for i, item in ipairs(items) do
    compiled[i] = compile(item)
  end
  return function(value)
    if value == nil or value == null then
      return nil
    end
    local list = json.array()
    for i, item in ipairs(compiled) do
      list[i] = or_null(item(value))
    end
    return list
  end
end

function compilers.hash(pairs_of)
  local compiled = {}
  for i, pair in ipairs(pairs_of) do
    compiled[i] = { pair[1], compile(pair[2]) }
  end
  return function(value)
    if value == nil or value == null then
      return nil
    end
    local object = {}
    for _, pair in ipairs(compiled) do
      object[pair[1]] = or_null(pair[2](value))
    end
    return object
  end
end

compilers["or"] = function(left, right)
  local first, second = compile(left), compile(right)
  return function(value)
    local found = first(value)
    if is_false(found) then
      return second(value)
    end
    return found
  end
end

compilers["and"] = function(left, right)
  local first, second = compile(left), compile(right)
  return function(value)
    local found = first(value)
    if is_false(found) then
      return found
    end
    return second(value)
  end
end

compilers["not"] = function(inner)
  local f = compile(inner)
  return function(value)
    return is_false(f(value))
  end
end

local ORDER = {
  lt = values.before,
  gte = function(a, b)
    return not values.before(a, b)
  end,
  gt = function(a, b)
    return values.before(b, a)
  end,
  lte = function(a, b)
    return not values.before(b, a)
  end,
}

function compilers.compare(operator, left, right)
  local first, second, order = compile(left), compile(right), ORDER[operator]
  if not order then
    local wanted = operator == "eq"
    return function(value)
      return values.equal(first(value), second(value)) == wanted
    end
  end
  return function(value)
    local a, b = first(value), second(value)
    local kind = values.type(a)
    if (kind ~= "number" and kind ~= "string") or kind ~= values.type(b) then
      return nil -- there is no order between other values
    end
    return order(a, b)
  end
end

--- An argument &expression: the function itself is the value.
function compilers.expref(inner)
  local f = compile(inner)
  return function()
    return f
  end
end

local function wrong(at, why)
  error({ at = at, why = why }, 0)
end

local function check_call(name, known, count, at)
  if not known or not known.f then
    local names = {}
    for word, row in pairs(require("awsbak.jmespath.functions")) do
      names[#names + 1] = type(row) == "table" and word or nil
    end
    table.sort(names)
    local near = errors.nearest(name, names)
    wrong(at, ("there is no function %s%s"):format(name, near and (", but " .. near) or ""))
  end
  local least = #known.types
  if count < least or (count > least and not known.types.variadic) then
    wrong(at, ("%s takes %d arguments, not %d"):format(name, least, count))
  end
end

function compilers.call(name, arguments, at)
  local functions = require("awsbak.jmespath.functions")
  local known = functions[name]
  check_call(name, type(known) == "table" and known, #arguments, at)
  local compiled = {}
  for i, argument in ipairs(arguments) do
    compiled[i] = compile(argument)
  end
  return function(value)
    local found = { n = #compiled }
    for i, argument in ipairs(compiled) do
      found[i] = argument(value)
    end
    functions.check(name, known.types, found)
    return known.f(table.unpack(found, 1, found.n))
  end
end

local function refuse(expression, at, why)
  errors.raise({
    kind = "usage",
    code = "jmespath",
    message = ('the JMESPath expression "%s" is wrong at character %d: %s'):format(
      expression,
      at,
      why
    ),
    hint = "https://jmespath.org has the language and a tutorial",
  })
end

local cache, cached = {}, 0

--- Make an expression ready for use. The function it gives reads a value: what is found there, nil
--- for null. It may raise kind usage, code jmespath_type, when a function is given what it does not
--- take.
---@param expression string
---@return fun(value: any): any
--- Raises kind usage, code jmespath, for what is no JMESPath, with the place.
function jmespath.compile(expression)
  local known = cache[expression]
  if known then
    return known
  elseif #expression > LENGTH_MAX then
    refuse(expression:sub(1, 40) .. "...", LENGTH_MAX, "it is longer than any reasonable one")
  end
  local tree, at, why = require("awsbak.jmespath.parser").parse(expression)
  if not tree then
    refuse(expression, at, why)
  end
  local ok, read = pcall(compile, tree)
  if not ok and type(read) == "table" and read.at then
    refuse(expression, read.at, read.why)
  elseif not ok then
    error(read, 0)
  end
  local function search(value)
    local found = read(value)
    if found == null then
      return nil
    end
    return found
  end
  if cached >= CACHE_MAX then
    cache, cached = {}, 0
  end
  cache[expression], cached = search, cached + 1
  return search
end

return jmespath
