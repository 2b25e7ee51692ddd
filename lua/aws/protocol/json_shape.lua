--- Values of Lua as JSON carries them, guided by shapes: for the json protocols and rest-json.
---
--- Semantics: botocore/serialize.py (JSONSerializer).

local codec = require("awsbak.core.codec")
local json = require("awsbak.core.json")
local scalar = require("aws.protocol.scalar")
local timestamp = require("aws.protocol.timestamp")

local json_shape = {}

local null = json.null

local encoders = {}

--- A value of Lua as the value that JSON carries.
---@param m aws.Model
---@param ref aws.Ref
---@param value any checked against the model
---@return any
function json_shape.encode(m, ref, value)
  local shape = ref.target or m:resolve(ref)
  local encode = encoders[shape.type]
  return encode and encode(m, shape, value, ref) or value
end

local encode = json_shape.encode

--- The members of a structure, as an object for JSON.
---@param m aws.Model
---@param shape aws.Shape
---@param value table
---@param skip_located boolean? leave out members that travel outside the body
---@return table
function json_shape.encode_members(m, shape, value, skip_located)
  local object = {}
  for _, member in ipairs(shape.members) do
    local found = value[member.name]
    if found ~= nil and found ~= null and not (skip_located and member.location) then
      local item = encode(m, member, found)
      object[member.location_name or member.name] = item
    end
  end
  return object
end

function encoders.structure(m, shape, value)
  return shape.document and value or json_shape.encode_members(m, shape, value)
end

function encoders.list(m, shape, value)
  local list = json.array()
  for i, item in ipairs(value) do
    list[i] = item == null and item or encode(m, shape.element, item)
  end
  return list
end

function encoders.map(m, shape, value)
  local object = {}
  for key, item in pairs(value) do
    object[key] = item == null and item or encode(m, shape.value, item)
  end
  return object
end

function encoders.blob(_, _, value)
  return codec.base64(value)
end

function encoders.timestamp(_, _, value, ref)
  return timestamp.format(value, ref.timestamp_format or "unixTimestamp")
end

function encoders.integer(_, _, value)
  return math.tointeger(value)
end

encoders.long = encoders.integer

function encoders.float(_, _, value)
  return scalar.plain_number(value)
end

encoders.double = encoders.float

return json_shape
