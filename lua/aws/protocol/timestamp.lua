--- Points in time as AWS writes them: epoch seconds, ISO 8601 (RFC 3339), HTTP dates.
---
--- In Lua a time is a number of seconds since 1970-01-01T00:00:00Z: an integer, or a float when
--- there is a fraction. Formats: Smithy, "Timestamp serialization and deserialization";
--- botocore/serialize.py.

local errors = require("awsbak.errors")
local time = require("awsbak.time")

local timestamp = {}

local MICROSECONDS = 1000000

-- Years that ISO 8601 writes with four digits.
local MIN, MAX = -62167219200, 253402300799 -- 0000-01-01T00:00:00Z, 9999-12-31T23:59:59Z

--- An integer where the number is one.
local function plain(number)
  return math.tointeger(number) or number
end

--- RFC 3339, and the shorter texts of ISO 8601 that services send: no zone, no time of day.
local function parse_iso8601(text)
  return time.parse(text) or time.parse(text .. "Z") or time.parse(text .. "T00:00:00Z")
end

local function parse_number(text)
  return text:match("^%-?%d+%.?%d*[eE]?[+-]?%d*$") and tonumber(text)
end

--- Read a time in any of the formats AWS uses.
---@param value any a number, or text: "1700000000.5", "2023-11-14T22:13:20Z",
---  "Tue, 14 Nov 2023 22:13:20 GMT"
---@return number? seconds since 1970; nil when `value` is no time
function timestamp.parse(value)
  if type(value) == "string" then
    value = parse_number(value) or parse_iso8601(value) or time.parse_http(value)
  end
  if type(value) ~= "number" or value ~= value or value < MIN or value >= MAX + 1 then
    return nil
  end
  return plain(value)
end

--- Read a time that a script gives: a number of seconds, or RFC 3339 text.
---@param value any
---@return number seconds
--- Raises kind usage, code bad_timestamp.
function timestamp.input(value)
  local epoch = timestamp.parse(value)
  if not epoch then
    errors.raise({
      kind = "usage",
      code = "bad_timestamp",
      message = ('"%s" is not a time'):format(tostring(value)),
      hint = "give seconds since 1970, or text like 2023-11-14T22:13:20Z",
    })
  end
  return epoch
end

--- Whole seconds, and microseconds (rounded) of the rest.
local function split(epoch)
  local whole = math.floor(epoch)
  local micros = math.floor((epoch - whole) * MICROSECONDS + 0.5)
  if micros == MICROSECONDS then
    whole, micros = whole + 1, 0
  end
  return whole, micros
end

--- "2023-11-14T22:13:20Z"; with a fraction "2023-11-14T22:13:20.500000Z".
---@param epoch number
---@return string
function timestamp.iso8601(epoch)
  local whole, micros = split(epoch)
  local text = time.rfc3339(whole)
  return micros > 0 and ("%s.%06dZ"):format(text:sub(1, -2), micros) or text
end

--- "Tue, 14 Nov 2023 22:13:20 GMT", in whole seconds: an HTTP date.
timestamp.rfc822 = time.http

--- The number JSON carries: whole seconds, or rounded to microseconds.
---@param epoch number
---@return number
function timestamp.unixtimestamp(epoch)
  local whole, micros = split(epoch)
  return micros == 0 and whole or (whole * MICROSECONDS + micros) / MICROSECONDS
end

--- A script's time in one of the model's formats.
---@param value any as timestamp.input takes it
---@param format string "iso8601", "rfc822" or "unixTimestamp", in any case
---@return string|number
function timestamp.format(value, format)
  return timestamp[format:lower()](timestamp.input(value))
end

return timestamp
