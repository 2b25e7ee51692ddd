--- Points in time: epoch seconds inside, RFC 3339 and HTTP dates outside.
---
--- A time is a number of seconds since 1970-01-01T00:00:00Z: an integer, or a float when there is a
--- fraction. Calendar: the proleptic Gregorian one, by Hinnant's days_from_civil and its inverse.

local units = require("awsbak.units")

local M = {}

local DAY = 86400 -- seconds

local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }
local WEEKDAYS = { [0] = "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTH_NUMBERS = {}
for i, name in ipairs(MONTHS) do
  MONTH_NUMBERS[name] = i
end

--- Days from 1970-01-01 to a day. A year is made to begin in March, so that the leap day is its
--- last.
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

local function is_day(year, month, day)
  if month < 1 or month > 12 or day < 1 then
    return false
  end
  local y, m, d = civil_from_days(days_from_civil(year, month, day))
  return y == year and m == month and d == day
end

--- Seconds east of Greenwich that "Z", "GMT", "+01:00" or "-0330" mean, or nil.
local function offset(zone)
  if zone == "Z" or zone == "z" or zone == "GMT" or zone == "UTC" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
    return nil
  end
  return (sign == "-" and -1 or 1) * (tonumber(hours) * 3600 + tonumber(minutes) * 60)
end

--- Seconds of a date and a time of day, all text but `month`, or nil when there are no such.
local function seconds(year, month, day, clock, zone)
  local hour, minute, second, fraction = clock:match("^(%d%d):(%d%d):(%d%d)(%.?%d*)$")
  local east = offset(zone)
  if not hour or not east or fraction == "." then
    return nil
  end
  year, day = math.tointeger(tonumber(year)), math.tointeger(tonumber(day))
  hour, minute = math.tointeger(tonumber(hour)), math.tointeger(tonumber(minute))
  second = math.tointeger(tonumber(second)) -- 60 in a leap second
  if not is_day(year, month, day) or hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  local whole = days_from_civil(year, month, day) * DAY + hour * 3600 + minute * 60 + second - east
  local time = whole + (fraction ~= "" and tonumber("0" .. fraction) or 0)
  return math.tointeger(time) or time
end

--- Read an RFC 3339 time.
---@param text string "2026-11-21T03:51:00.25Z", "2026-11-21 05:51:00+02:00"
---@return number? epoch nil when it is no such time
function M.parse(text)
  local year, month, day, clock, zone =
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ]([%d:.]+)([Zz+-][%d:]*)$")
  return year and seconds(year, math.tointeger(tonumber(month)), day, clock, zone)
end

--- Read a point in time as a calendar has it: RFC 3339, or a date alone (its first second in UTC).
---@param text string "2026-11-21T03:51:00Z", "2026-11-21"
---@return number? epoch nil when it is neither
function M.calendar(text)
  local day = text:find("^%d%d%d%d%-%d%d%-%d%d$")
  return M.parse(day and text .. "T00:00:00Z" or text)
end

--- Read a point in time as people write it: as in a calendar, or how long ago it was.
---@param text string "2026-11-21T03:51:00Z", "2026-11-21", "90m", "2d"
---@param now number epoch seconds
---@return number? epoch nil when it is none of these
function M.point(text, now)
  local epoch = M.calendar(text)
  if epoch then
    return epoch
  end
  -- A bare number would be seconds ago for one reader and since 1970 for another.
  local ago = not text:find("^[%d.]+$") and units.duration(text)
  return ago and ago <= now and now - ago or nil
end

--- Read an HTTP date, also as C's asctime writes it (RFC 9110, "Date/Time Formats"; VersityGW
--- does); a fraction and other zones, which some services send, are taken too.
---@param text string "Sun, 06 Nov 1994 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"
---@return number? epoch nil when it is no such time
function M.parse_http(text)
  local day, name, year, clock, zone =
    text:match("^%a+, (%d%d?) (%a%a%a) (%d%d%d%d) ([%d:.]+) ([%a+-][%a%d:]*)$")
  if not day then
    name, day, clock, year = text:match("^%a%a%a (%a%a%a)  ?(%d%d?) ([%d:.]+) (%d%d%d%d)$")
    zone = "GMT"
  end
  local month = day and MONTH_NUMBERS[name]
  return month and seconds(year, month, day, clock, zone)
end

--- Year, month, day, hour, minute, second, and the day's number.
local function parts(whole)
  local days, rest = whole // DAY, whole % DAY
  local year, month, day = civil_from_days(days)
  return year, month, day, rest // 3600, rest % 3600 // 60, rest % 60, days
end

--- "2026-11-21T03:51:00Z", or with `digits` of the fraction "2026-11-21T03:51:00.250Z".
---@param epoch number seconds, of the years 0 to 9999
---@param digits integer? of the fraction (default 0; cut, not rounded)
---@return string
function M.rfc3339(epoch, digits)
  local whole = math.floor(epoch)
  local year, month, day, hour, minute, second = parts(whole)
  local text = ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, month, day, hour, minute, second)
  if digits and digits > 0 then
    local fraction = math.floor((epoch - whole) * 10 ^ digits)
    text = ("%s.%0" .. digits .. "d"):format(text, fraction)
  end
  return text .. "Z"
end

--- "Tue, 14 Nov 2023 22:13:20 GMT", in whole seconds (RFC 9110, IMF-fixdate).
---@param epoch number seconds, of the years 0 to 9999
---@return string
function M.http(epoch)
  local year, month, day, hour, minute, second, days = parts(math.floor(epoch))
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(
    WEEKDAYS[(days + 4) % 7], -- 1970-01-01 was a Thursday
    day,
    MONTHS[month],
    year,
    hour,
    minute,
    second
  )
end

return M
