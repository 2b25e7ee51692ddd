--- Single values as text: in XML and forms that are sent, query strings, headers and paths.
---
--- Semantics: botocore/serialize.py, botocore/parsers.py (BaseXMLResponseParser); floats that are
--- no numbers are "NaN", "Infinity", "-Infinity" (Smithy).

local codec = require("awsbak.core.codec")
local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local timestamp = require("aws.protocol.timestamp")

local scalar = {}

--- Numbers that no digits write, by what stands for them.
scalar.NON_FINITE = { Infinity = math.huge, ["-Infinity"] = -math.huge, NaN = 0 / 0 }

--- A number as JSON carries it: the same, or the text that stands for it.
---@param value number
---@return number|string
function scalar.plain_number(value)
  if value ~= value then
    return "NaN"
  elseif value == math.huge or value == -math.huge then
    return value > 0 and "Infinity" or "-Infinity"
  end
  return value
end

local function write_number(value)
  local plain = scalar.plain_number(value)
  return type(plain) == "string" and plain or json.encode(plain)
end

local function write_integer(value)
  return ("%d"):format(value)
end

local writers = {
  boolean = tostring,
  blob = codec.base64,
  double = write_number,
  float = write_number,
  integer = write_integer,
  long = write_integer,
}

--- A value as text.
---@param m aws.Model
---@param ref aws.Ref of a scalar shape
---@param value any checked against the model
---@param format string of times where the model names none: "iso8601", "rfc822"
---@return string
function scalar.write(m, ref, value, format)
  local shape = ref.target or m:resolve(ref)
  if shape.type == "timestamp" then
    return tostring(timestamp.format(value, ref.timestamp_format or format))
  end
  local write = writers[shape.type]
  return write and write(value) or value
end

local readers = {}

function readers.string(text)
  return text
end

readers.character = readers.string

function readers.boolean(text)
  local word = text:lower()
  if word == "true" or word == "false" then
    return word == "true"
  end
  return nil
end

function readers.integer(text)
  return text:match("^%s*[+-]?%d+%s*$") and math.tointeger(tonumber(text))
end

readers.long = readers.integer

function readers.float(text)
  local is_number = text:match("^%s*[+-]?[%d.]+[eE]?[+-]?%d*%s*$")
  return scalar.NON_FINITE[text] or (is_number and tonumber(text))
end

readers.double = readers.float

function readers.blob(text)
  return (codec.unbase64((text:gsub("%s", ""))))
end

function readers.timestamp(text)
  return timestamp.parse(text:match("^%s*(.-)%s*$"))
end

--- A value from its text.
---@param walk aws.Walk
---@param shape aws.Shape of a scalar
---@param text string
---@param place string the member's name, for the message
---@return any
--- Raises kind reply, code misshapen_reply.
function scalar.read(walk, shape, text, place)
  local value = readers[shape.type](text)
  if value == nil or (value == false and shape.type ~= "boolean") then
    reply.misshapen(walk, "text that is not " .. shape.type, place)
  end
  return value
end

return scalar
