--- Text as people may see it: nothing that came from outside can move a cursor or forge a line.

local M = {}

local NAMES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function escape_byte(c)
  return NAMES[c] or ("\\x%02x"):format(c:byte())
end

local function escape_bytes(s)
  return (s:gsub(".", escape_byte))
end

--- Characters that do not print but act: C1 controls, line separators, marks that turn the writing
--- direction (Unicode 15, general categories Cc, Zl, Zp and the Bidi_Control property).
local function acts(point)
  return point < 0x20
    or (point >= 0x7f and point < 0xa0)
    or point == 0x061c
    or (point >= 0x200e and point <= 0x200f)
    or (point >= 0x2028 and point <= 0x202e)
    or (point >= 0x2066 and point <= 0x2069)
    or point == 0xfeff
end

local PLAIN = "[^%c\\\x80-\xff]" -- printable ASCII but the backslash, which begins an escape

--- `s` with control characters and bytes that are not UTF-8 shown as \n, \t, \x1b, ..., and a
--- backslash as two: different texts never look the same.
---@param s string
---@return string
function M.escape(s)
  if s:find("^" .. PLAIN .. "*$") then
    return s
  end
  local out, i = {}, 1
  while i <= #s do
    local char = s:match("^" .. PLAIN .. "+", i)
      or s:match("^" .. utf8.charpattern, i)
      or s:sub(i, i)
    local is_plain = char:find("^" .. PLAIN) ~= nil
    if not is_plain and (char == "\\" or not utf8.len(char) or acts(utf8.codepoint(char))) then
      out[#out + 1] = escape_bytes(char)
    else
      out[#out + 1] = char
    end
    i = i + #char
  end
  return table.concat(out)
end

--- A copy of a table, with the metatable (json.array_mt, of lists).
local function clone(value)
  local copy = {}
  for key, part in next, value do
    copy[key] = part
  end
  return setmetatable(copy, getmetatable(value))
end

--- What JSON can carry of a value: a string that is not UTF-8 (the name of a file may be any bytes)
--- as `escape` shows it. Leaves what it is given alone: tables with such strings are copied.
---@param value any without cycles
---@return any
function M.for_json(value)
  if type(value) == "string" then
    return utf8.len(value) and value or M.escape(value)
  elseif type(value) ~= "table" then
    return value
  end
  local copy
  for key, part in next, value do
    local shown_key, shown = M.for_json(key), M.for_json(part)
    if not (rawequal(shown_key, key) and rawequal(shown, part)) then
      copy = copy or clone(value)
      copy[key] = nil
      copy[shown_key] = shown
    end
  end
  return copy or value
end

--- A text of JSON with what would act on a terminal as \uXXXX, which means the same.
---@param json string
---@return string
function M.escape_json(json)
  return (
    json:gsub("[\x7f\xc2-\xef][\x80-\xbf]*", function(char)
      local point = utf8.len(char) == 1 and utf8.codepoint(char)
      return point and acts(point) and ("\\u%04x"):format(point) or nil
    end)
  )
end

-- Characters that take two columns: the East Asian Wide and Fullwidth blocks, and emoji.
local WIDE = {
  { 0x1100, 0x115f },
  { 0x2e80, 0x303e },
  { 0x3041, 0xa4cf },
  { 0xac00, 0xd7a3 },
  { 0xf900, 0xfaff },
  { 0xfe30, 0xfe6f },
  { 0xff00, 0xff60 },
  { 0xffe0, 0xffe6 },
  { 0x1f300, 0x1faff },
  { 0x20000, 0x3fffd },
}

local function columns_of(point)
  if point >= 0x300 and point <= 0x36f or point == 0x200b or point == 0x200d then
    return 0 -- combining marks, zero-width space and joiner
  end
  for _, block in ipairs(WIDE) do
    if point >= block[1] and point <= block[2] then
      return 2
    end
  end
  return 1
end

--- Columns that escaped text takes on a terminal.
---@param s string valid UTF-8
---@return integer
function M.width(s)
  if not s:find("[\x80-\xff]") then
    return #s
  end
  local width = 0
  for _, point in utf8.codes(s) do
    width = width + columns_of(point)
  end
  return width
end

--- Running text in lines of at most `width` columns; a longer word has a line of its own.
---@param s string valid UTF-8
---@param width integer
---@return string[] lines
function M.wrap(s, width)
  local lines = {}
  for word in s:gmatch("%S+") do
    local line = lines[#lines]
    if line and M.width(line) + 1 + M.width(word) <= width then
      lines[#lines] = line .. " " .. word
    else
      lines[#lines + 1] = word
    end
  end
  return lines
end

--- `s`, or as much of it as fits into `width` columns with "…" at the end.
---@param s string valid UTF-8
---@param width integer at least 1
---@return string
function M.cut(s, width)
  if M.width(s) <= width then
    return s
  end
  local used = 0
  for at, point in utf8.codes(s) do
    used = used + columns_of(point)
    if used > width - 1 then
      return s:sub(1, at - 1) .. "…"
    end
  end
  return s
end

return M
