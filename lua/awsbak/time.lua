--- Points in time: epoch seconds inside, RFC 3339 outside.

local M = {}

--- "2026-11-21T03:51:00Z", or with `digits` of the fraction "2026-11-21T03:51:00.250Z".
---@param epoch number seconds
---@param digits integer? of the fraction (default 0; cut, not rounded)
---@return string
function M.rfc3339(epoch, digits)
  local whole = math.floor(epoch)
  local text = os.date("!%Y-%m-%dT%H:%M:%S", whole)
  if digits and digits > 0 then
    local fraction = math.floor((epoch - whole) * 10 ^ digits)
    text = ("%s.%0" .. digits .. "d"):format(text, fraction)
  end
  return text .. "Z"
end

--- Days from 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant, days_from_civil).
local function days(year, month, day)
  year = month <= 2 and year - 1 or year
  local era = year // 400
  local year_of_era = year - era * 400
  local day_of_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097
    + year_of_era * 365
    + year_of_era // 4
    - year_of_era // 100
    + day_of_year
    - 719468
end

local MONTH_DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function month_days(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or MONTH_DAYS[month]
end

--- Seconds east of UTC of "Z", "+02:00", "-0530"; nil for anything else.
local function offset_seconds(zone)
  if zone == "Z" or zone == "z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d%d)$")
  if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
    return nil
  end
  return (sign == "-" and -1 or 1) * (tonumber(hours) * 3600 + tonumber(minutes) * 60)
end

--- Epoch seconds of an RFC 3339 time: an integer, or a float when it has a fraction.
---@param text string
---@return number? epoch nil when it is no such time
function M.parse(text)
  local year, month, day, hour, minute, second, fraction, zone =
    text:match("^(%d%d%d%d)-(%d%d)-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(%.?%d*)(.+)$")
  local offset = zone and offset_seconds(zone)
  if not offset or fraction == "." then
    return nil
  end
  year, month, day = math.tointeger(year), math.tointeger(month), math.tointeger(day)
  hour, minute, second = math.tointeger(hour), math.tointeger(minute), math.tointeger(second)
  if month < 1 or month > 12 or day < 1 or day > month_days(year, month) then
    return nil
  end
  if hour > 23 or minute > 59 or second > 60 then
    return nil
  end
  local whole = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
  return fraction == "" and whole or whole + tonumber("0" .. fraction)
end

return M
