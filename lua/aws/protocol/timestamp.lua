--- Points in time as AWS writes them: epoch seconds, ISO 8601 (RFC 3339), HTTP dates.
---
--- In Lua a time is a number of seconds since 1970-01-01T00:00:00Z: an integer, or a float when
--- there is a fraction. Formats: Smithy, "Timestamp serialization and deserialization";
--- botocore/serialize.py.

local errors = require("awsbak.errors")

local timestamp = {}

local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
local WEEKDAYS = { [0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTH_NUMBERS = {}
for i, name in ipairs(MONTHS) do
  MONTH_NUMBERS[name] = i
end

local DAY = 86400
local MICROSECONDS = 1000000

-- Years that ISO 8601 writes with four digits.
local MIN, MAX = -62167219200, 253402300799 -- 0000-01-01T00:00:00Z, 9999-12-31T23:59:59Z

--- Days from 1970-01-01 to a day of the Gregorian calendar. A year is made to begin in March, so
--- that the leap day is its last.
local function days_from_civil(year, month, day)
  if month <= 2 then
    year, month = year - 1, month + 12
  end
  local leap_days = year // 4 - year // 100 + year // 400
  return year * 365 + leap_days + (153 * (month - 3) + 2) // 5 + day - 1 - 719468
end

--- The inverse: year, month, day.
local function civil_from_days(days)
  days = days + 719468
  local era, day_of_era = days // 146097, days % 146097
  local year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
  local day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
  local month = (5 * day_of_year + 2) // 153
  local day = day_of_year - (153 * month + 2) // 5 + 1
  month = month < 10 and month + 3 or month - 9
  return era * 400 + year + (month <= 2 and 1 or 0), month, day
end

--- An integer where the number is one.
local function plain(number)
  return math.tointeger(number) or number
end

local function exists(year, month, day)
  if month < 1 or month > 12 or day < 1 then
    return false
  end
  local y, m, d = civil_from_days(days_from_civil(year, month, day))
  return y == year and m == month and d == day
end

--- Seconds of a date and a time of day, or nil when there are no such.
local function seconds(year, month, day, hour, minute, second)
  if not exists(year, month, day) or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  return days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second
end

--- Seconds east of Greenwich that "Z", "+01:00" or "-0330" mean, or nil.
local function offset(zone)
  if zone == "" or zone:upper() == "Z" or zone == "GMT" or zone == "UTC" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign then
    return nil
  end
  local value = tonumber(hours) * 3600 + tonumber(minutes) * 60
  return sign == "-" and -value or value
end

local function integers(...)
  local list = { ... }
  for i, text in ipairs(list) do
    list[i] = math.tointeger(tonumber(text))
  end
  return table.unpack(list)
end

local function with_rest(time, fraction, zone)
  local east = offset(zone)
  if not time or not east or fraction == "." then
    return nil
  end
  time = time - east
  return fraction ~= "" and plain(time + tonumber("0" .. fraction)) or time
end

local function parse_iso8601(text)
  local date = "^(%d%d%d%d)-(%d%d)-(%d%d)"
  local year, month, day, rest = text:match(date .. "(.*)$")
  if not year then
    return nil
  elseif rest == "" then
    return seconds(integers(year, month, day, "0", "0", "0"))
  end
  local hour, minute, second, fraction, zone =
    rest:match("^[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)([Zz+-]?[%d:]*)$")
  if not hour then
    return nil
  end
  return with_rest(seconds(integers(year, month, day, hour, minute, second)), fraction, zone)
end

local function parse_http_date(text)
  local day, month, year, hour, minute, second, fraction, zone =
    text:match("^%a+, (%d%d?) (%a%a%a) (%d%d%d%d) (%d%d):(%d%d):(%d%d)(%.?%d*) ([%a+%-%d]+)$")
  local number = day and MONTH_NUMBERS[month]
  if not number then
    return nil
  end
  local y, d, h, min, s = integers(year, day, hour, minute, second)
  return with_rest(seconds(y, number, d, h, min, s), fraction, zone)
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
    value = parse_number(value) or parse_iso8601(value) or parse_http_date(value)
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
  local time = timestamp.parse(value)
  if not time then
    errors.raise({
      kind = "usage",
      code = "bad_timestamp",
      message = ("%q is not a time"):format(tostring(value)),
      hint = "give seconds since 1970, or text like 2023-11-14T22:13:20Z",
    })
  end
  return time
end

--- Whole seconds, and microseconds (rounded) of the rest.
local function split(time)
  local whole = math.floor(time)
  local micros = math.floor((time - whole) * MICROSECONDS + 0.5)
  if micros == MICROSECONDS then
    whole, micros = whole + 1, 0
  end
  return whole, micros
end

local function clock(whole)
  local rest = whole % DAY
  return rest // 3600, rest % 3600 // 60, rest % 60
end

--- "2023-11-14T22:13:20Z"; with a fraction "2023-11-14T22:13:20.500000Z".
---@param time number
---@return string
function timestamp.iso8601(time)
  local whole, micros = split(time)
  local year, month, day = civil_from_days(whole // DAY)
  local text = ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, month, day, clock(whole))
  return text .. (micros > 0 and (".%06dZ"):format(micros) or "Z")
end

--- "Tue, 14 Nov 2023 22:13:20 GMT", in whole seconds, as HTTP has it (RFC 9110, IMF-fixdate).
---@param time number
---@return string
function timestamp.rfc822(time)
  local whole = math.floor(time)
  local days = whole // DAY
  local year, month, day = civil_from_days(days)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(
    WEEKDAYS[(days + 4) % 7],
    day,
    MONTHS[month],
    year,
    clock(whole)
  )
end

--- The number JSON carries: whole seconds, or rounded to microseconds.
---@param time number
---@return number
function timestamp.unixtimestamp(time)
  local whole, micros = split(time)
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
