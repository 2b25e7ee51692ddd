--- Sizes and durations as people write them.

local M = {}

local SIZES = {
  B = 1,
  K = 1024,
  KB = 1000,
  KIB = 1024,
  M = 1024 ^ 2,
  MB = 1000 ^ 2,
  MIB = 1024 ^ 2,
  G = 1024 ^ 3,
  GB = 1000 ^ 3,
  GIB = 1024 ^ 3,
  T = 1024 ^ 4,
  TB = 1000 ^ 4,
  TIB = 1024 ^ 4,
}

local SECONDS = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 604800 }

local SIZE_MAX = 2 ^ 62 -- so that a size is always an integer that can be added to

--- Bytes of "512", "64K", "8MiB", "1.5 GB" (K, M, G, T alone are powers of 1024).
---@param text string
---@return integer? bytes nil when it is no size
function M.size(text)
  local number, unit = text:match("^(%d+%.?%d*)%s*(%a*)$")
  local factor = number and (unit == "" and 1 or SIZES[unit:upper()])
  if not factor then
    return nil
  end
  local bytes = tonumber(number) * factor
  return bytes < SIZE_MAX and math.floor(bytes + 0.5) or nil
end

--- Seconds of "90", "500ms", "1.5h", "1h30m", "2d".
---@param text string
---@return number? seconds nil when it is no duration
function M.duration(text)
  if text:find("^%d+%.?%d*$") then
    return tonumber(text)
  end
  local total, at = 0, 1
  while at <= #text do
    local number, unit, after = text:match("^(%d+%.?%d*)(%a+)()", at)
    if not number or not SECONDS[unit] then
      return nil
    end
    total, at = total + tonumber(number) * SECONDS[unit], after
  end
  return at > 1 and total or nil
end

--- "1.5 MiB", for people.
---@param bytes number
---@return string
function M.show_size(bytes)
  local names, i = { "B", "KiB", "MiB", "GiB", "TiB" }, 1
  while bytes >= 1024 and i < #names do
    bytes, i = bytes / 1024, i + 1
  end
  return (i == 1 and "%d %s" or "%.1f %s"):format(i == 1 and math.floor(bytes) or bytes, names[i])
end

--- "1 object", "4 objects", for people.
---@param count integer
---@param noun string whose plural has an s at its end
---@return string
function M.show_count(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

--- "850 ms", "4.2 s", "3 m 05 s", "2 h 10 m", "12 d 04 h", for people.
---@param seconds number
---@return string
function M.show_duration(seconds)
  if seconds < 1 then
    return ("%d ms"):format(math.floor(seconds * 1000 + 0.5))
  elseif seconds < 60 then
    return ("%.1f s"):format(seconds)
  end
  local whole = math.floor(seconds + 0.5)
  if whole < 3600 then
    return ("%d m %02d s"):format(whole // 60, whole % 60)
  end
  if whole < SECONDS.d then
    return ("%d h %02d m"):format(whole // 3600, whole % 3600 // 60)
  end
  return ("%d d %02d h"):format(whole // SECONDS.d, whole % SECONDS.d // 3600)
end

return M
