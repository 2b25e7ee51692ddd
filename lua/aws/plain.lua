--- Input and output of operations as JSON can hold them: bytes as base64, times as RFC 3339,
--- numbers that are not finite as "NaN", "Infinity", "-Infinity".

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local scalar = require("aws.protocol.scalar")
local timestamp = require("aws.protocol.timestamp")

local plain = {}

local DEPTH_MAX = 12 -- of an outline: shapes may contain themselves

--- A copy of `value` with each value of a type in `convert` changed by that, which is also given
--- the name of the member it is in.
local function walk(m, ref, value, convert, name)
  local shape = m:shape(ref)
  name = type(ref) == "table" and ref.name or name
  if value == json.null then
    return value
  elseif convert[shape.type] then
    return convert[shape.type](value, name)
  elseif type(value) ~= "table" or shape.document then
    return value
  elseif shape.type == "structure" then
    local object = {}
    for key, part in pairs(value) do
      local member = shape.by_name[key]
      object[key] = member and walk(m, member, part, convert) or part
    end
    return object
  elseif shape.type == "list" then
    local list = json.array({})
    for i, part in ipairs(value) do
      list[i] = walk(m, shape.element, part, convert, name)
    end
    return list
  elseif shape.type == "map" then
    local object = {}
    for key, part in pairs(value) do
      object[key] = walk(m, shape.value, part, convert, name)
    end
    return object
  end
  return value
end

local OUTPUT = {
  blob = codec.base64,
  double = scalar.plain_number,
  float = scalar.plain_number,
  timestamp = timestamp.iso8601,
}

--- What an operation gave, for JSON.
---@param m aws.Model
---@param shape string|table name of the output's shape, or a member
---@param value table
---@return table
function plain.output(m, shape, value)
  return walk(m, shape, value, OUTPUT)
end

local function bytes(text, name)
  if type(text) ~= "string" then
    return text -- the client names the member and what is wrong with it
  end
  local value = codec.unbase64(text)
  if not value then
    errors.raise({
      kind = "usage",
      code = "bad_input",
      message = ("%s is not base64, which bytes are in JSON"):format(name),
    })
  end
  return value
end

local function number(value)
  local found = scalar.NON_FINITE[value]
  return found == nil and value or found
end

--- Input of an operation that was JSON.
---@param m aws.Model
---@param shape string|aws.Ref name of the input's shape, or a member
---@param value any
---@param is_raw boolean? whether bytes are as they are in it, and not base64
---@return any
--- Raises kind usage for bytes that are no base64.
function plain.input(m, shape, value, is_raw)
  local convert = { blob = not is_raw and bytes or nil, double = number, float = number }
  return walk(m, shape, value, convert)
end

local SAMPLES = {
  blob = "",
  boolean = true,
  double = 0.0,
  float = 0.0,
  integer = 0,
  long = 0,
  string = "",
  timestamp = "1970-01-01T00:00:00Z",
}

local function outline(m, ref, depth)
  local shape = m:shape(ref)
  if shape.enum then
    return shape.enum[1]
  elseif SAMPLES[shape.type] ~= nil then
    return SAMPLES[shape.type]
  elseif depth > DEPTH_MAX then
    return {}
  elseif shape.type == "list" then
    return json.array({ outline(m, shape.element, depth + 1) })
  elseif shape.type == "map" then
    return { Key = outline(m, shape.value, depth + 1) }
  end
  local object = {}
  for _, member in ipairs(shape.members) do
    object[member.name] = outline(m, member, depth + 1)
  end
  return object
end

--- Every member of a shape with a value of its type: what `--cli-input-json` takes, to be filled
--- in.
---@param m aws.Model
---@param shape string|aws.Ref|nil name of the input's shape, or a member
---@return any
function plain.skeleton(m, shape)
  return shape and outline(m, shape, 1) or {}
end

return plain
