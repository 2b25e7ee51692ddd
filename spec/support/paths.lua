--- Whether a JMESPath expression names what a model has: its tree walked along the shapes of an
--- output, without a value.

local parser = require("awsbak.jmespath.parser")

local paths = {}

-- What an expression gives, as far as a model tells: a shape, { type = "list", item = of one }, or
-- this, where only a value would tell.
local UNKNOWN = { type = "unknown" }

local walk = {}

local function type_of(model, node, given)
  return walk[node[1]](model, given, table.unpack(node, 2, 4))
end

--- The elements of a list; raises where there is none.
local function item_of(model, given)
  if given.type ~= "list" then
    error({ ("%s is no list"):format(given.name or given.type) }, 0)
  end
  return given.item or model:shape(given.element)
end

local function list_of(item)
  return { type = "list", item = item }
end

function walk.current(_, given)
  return given
end

function walk.field(model, given, name)
  if given.type == "map" then
    return model:shape(given.value)
  end
  local member = given.type == "structure" and given.by_name[name]
  if not member then
    error({ ("%s has no %s"):format(given.name or given.type, name) }, 0)
  end
  return model:shape(member)
end

function walk.literal()
  return UNKNOWN
end

function walk.index(model, given)
  return item_of(model, given)
end

function walk.slice(model, given)
  return list_of(item_of(model, given))
end

function walk.pipe(model, given, left, right)
  return type_of(model, right, type_of(model, left, given))
end

function walk.projection(model, given, left, right)
  return list_of(type_of(model, right, item_of(model, type_of(model, left, given))))
end

function walk.filter(model, given, left, right, condition)
  local item = item_of(model, type_of(model, left, given))
  type_of(model, condition, item)
  return list_of(type_of(model, right, item))
end

function walk.flatten(model, given, left)
  local item = item_of(model, type_of(model, left, given))
  return list_of(item.type == "list" and item_of(model, item) or item)
end

function walk.list(model, given, items)
  local made
  for _, item in ipairs(items) do
    made = type_of(model, item, given)
  end
  return list_of(made)
end

walk["or"] = function(model, given, left, right)
  type_of(model, right, given)
  return type_of(model, left, given)
end

function walk.compare(model, given, _, left, right)
  type_of(model, left, given)
  type_of(model, right, given)
  return UNKNOWN
end

walk["and"] = walk["or"]
walk["not"] = function(model, given, inner)
  type_of(model, inner, given)
  return UNKNOWN
end

function walk.call(model, given, _, arguments)
  for _, argument in ipairs(arguments) do
    type_of(model, argument, given)
  end
  return UNKNOWN
end

--- What is wrong with an expression, or nil.
---@param model aws.Model
---@param shape aws.Shape of the value that it is for
---@param expression string
---@return string? fault "StackSummary has no Nmae"; what the parser says when it is no JMESPath
function paths.fault(model, shape, expression)
  local tree, at, why = parser.parse(expression)
  if not tree then
    return ("at %d: %s"):format(at, why)
  end
  local ok, fault = pcall(type_of, model, tree, shape)
  if not ok and type(fault) ~= "table" then
    error(fault, 0)
  end
  return not ok and fault[1] or nil
end

return paths
