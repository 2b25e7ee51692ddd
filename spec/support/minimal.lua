--- The smallest input an operation takes, made from its model: required members, nothing else.

local json = require("awsbak.core.json")

local minimal = {}

local make = {}

local function value_of(m, ref)
  local shape = m:shape(ref)
  return make[shape.type](m, shape)
end

function make.structure(m, shape)
  local value = {}
  for i, member in ipairs(shape.members) do
    if member.required or shape.union and i == 1 then
      value[member.name] = value_of(m, member)
    end
  end
  return value
end

function make.list(m, shape)
  local list = json.array({})
  for i = 1, shape.min or 0 do
    list[i] = value_of(m, shape.element)
  end
  return list
end

function make.map()
  return {}
end

function make.string(_, shape)
  -- No name of a bucket is shorter than three letters.
  return shape.enum and shape.enum[1] or ("a"):rep(math.max(shape.min or 0, 3))
end

function make.blob(_, shape)
  return ("b"):rep(math.max(shape.min or 1, 1))
end

function make.boolean()
  return false
end

function make.integer(_, shape)
  return math.ceil(shape.min or 0)
end

make.long = make.integer

function make.double(_, shape)
  return (shape.min or 0) + 0.0
end

make.float = make.double

function make.timestamp()
  return 0
end

--- An input that the client's checks let through.
---@param m aws.Model
---@param operation aws.Operation
---@return table
function minimal.input(m, operation)
  return operation.input and make.structure(m, m:shape(operation.input)) or {}
end

return minimal
