--- Values between Lua and JSON, guided by shapes: for the json protocols and rest-json's bodies.
---
--- Semantics: botocore/serialize.py (JSONSerializer), botocore/parsers.py (BaseJSONParser).
--- Stricter where a reply's value has another type than the model promises: that raises, it is not
--- passed on.

local codec = require("awsbak.core.codec")
local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local timestamp = require("aws.protocol.timestamp")

local json_shape = {}

local null = json.null

-- How floats without a JSON number are written.
local NON_FINITE = { Infinity = math.huge, ["-Infinity"] = -math.huge, NaN = 0 / 0 }

local encoders, decoders = {}, {}

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
  if value ~= value then
    return "NaN"
  elseif value == math.huge then
    return "Infinity"
  end
  return value == -math.huge and "-Infinity" or value
end

encoders.double = encoders.float

local KINDS =
  { table = "an object", string = "a string", number = "a number", boolean = "a boolean" }

local function kind_of(value)
  if value == null then
    return "null"
  end
  return getmetatable(value) == json.array_mt and "a list" or KINDS[type(value)]
end

local function misshapen(walk, promised, value)
  reply.misshapen(walk, ("%s where %s is promised"):format(kind_of(value), promised))
end

--- A value from a JSON reply as Lua has it.
---@param walk aws.Walk
---@param ref aws.Ref
---@param value any decoded JSON, not null
---@return any
--- Raises kind reply, code misshapen_reply.
function json_shape.decode(walk, ref, value)
  local shape = ref.target or walk.model:resolve(ref)
  return decoders[shape.type](walk, shape, value, ref)
end

local decode = json_shape.decode

--- Decode a part of the value at hand, remembering the way for messages.
local function descend(walk, step, ref, value)
  if value == null then
    return value
  end
  walk.depth = walk.depth + 1
  walk.trail[walk.depth] = step
  local result = decode(walk, ref, value)
  walk.depth = walk.depth - 1
  return result
end

--- The one member that is set in a union; raises unless it is one.
local function union_tag(walk, object)
  local tag
  for name, value in pairs(object) do
    if name ~= "__type" and value ~= null then
      if tag then
        reply.misshapen(walk, "more than one member where a union promises one")
      end
      tag = name
    end
  end
  return tag or reply.misshapen(walk, "no member where a union promises one")
end

--- The members of a structure by their names in JSON, made once a shape. `shape.renamed` tells
--- whether any is called otherwise in Lua.
local function members_by_key(walk, shape)
  local members = {}
  for _, member in ipairs(shape.members) do
    walk.model:shape(member) -- settles the traits the member takes from its shape
    if not member.location then
      local key = member.location_name or member.name
      members[key] = member
      shape.renamed = shape.renamed or key ~= member.name
    end
  end
  shape.by_key = members
  return members
end

local function rename(members, object)
  local renamed = {}
  for key, value in pairs(object) do
    renamed[members[key].name] = value
  end
  return renamed
end

--- The members of a structure from an object, which they may replace in place; members of a reply
--- that the model lacks are left out.
---@param walk aws.Walk
---@param shape aws.Shape
---@param object any
---@return table
function json_shape.decode_members(walk, shape, object)
  if type(object) ~= "table" or getmetatable(object) == json.array_mt then
    misshapen(walk, "a structure", object)
  end
  local members = shape.by_key or members_by_key(walk, shape)
  local tag = shape.union and union_tag(walk, object)
  for key, value in pairs(object) do
    local member = members[key]
    if not member or value == null then
      object[key] = nil
    elseif type(value) ~= "string" or member.target.type ~= "string" then -- text is text already
      object[key] = descend(walk, member.name, member, value)
    end
  end
  if tag and next(object) == nil then
    return { SDK_UNKNOWN_MEMBER = { name = tag } } -- as botocore: a newer service
  end
  return shape.renamed and rename(members, object) or object
end

function decoders.structure(walk, shape, value)
  return shape.document and value or json_shape.decode_members(walk, shape, value)
end

function decoders.list(walk, shape, value)
  if getmetatable(value) ~= json.array_mt then
    misshapen(walk, "a list", value)
  end
  local element = shape.element
  for i, item in ipairs(value) do
    value[i] = descend(walk, i, element, item)
  end
  return value
end

function decoders.map(walk, shape, value)
  if type(value) ~= "table" or getmetatable(value) == json.array_mt then
    misshapen(walk, "a map", value)
  end
  local element = shape.value
  for key, item in pairs(value) do
    value[key] = descend(walk, key, element, item) -- the key exists: it may be set
  end
  return value
end

-- A member that holds a JSON document is promised as the document's text; moto sends the document
-- itself (ParameterInlinePolicy.PolicyText of SSM). Its text is what the caller gets either way.
function decoders.string(walk, _, value)
  if type(value) == "table" then
    return json.encode(value) or misshapen(walk, "a string", value)
  end
  return type(value) == "string" and value or misshapen(walk, "a string", value)
end

decoders.character = decoders.string

function decoders.boolean(walk, _, value)
  if type(value) ~= "boolean" then
    misshapen(walk, "a boolean", value)
  end
  return value
end

function decoders.integer(walk, _, value)
  return type(value) == "number" and math.tointeger(value) or misshapen(walk, "an integer", value)
end

decoders.long = decoders.integer

function decoders.float(walk, _, value)
  if type(value) == "number" then
    return value
  end
  return NON_FINITE[value] or misshapen(walk, "a number", value)
end

decoders.double = decoders.float

function decoders.blob(walk, _, value)
  local bytes = type(value) == "string" and codec.unbase64(value)
  return bytes or misshapen(walk, "base64 text", value)
end

function decoders.timestamp(walk, _, value)
  return timestamp.parse(value) or misshapen(walk, "a time", value)
end

return json_shape
