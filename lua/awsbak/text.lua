--- Text as people may see it: nothing that came from outside can move a cursor or forge a line.

local M = {}

local NAMES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

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

--- `s` with control characters and bytes that are not UTF-8 shown as \n, \t, \x1b, ...
---@param s string
---@return string
function M.escape(s)
  if not s:find("[^\x20-\x7e]") then
    return s
  end
  local out, i = {}, 1
  while i <= #s do
    local char = s:match("^[\x20-\x7e]+", i) or s:match("^" .. utf8.charpattern, i) or s:sub(i, i)
    if not utf8.len(char) or (char:find("^[^\x20-\x7e]") and acts(utf8.codepoint(char))) then
      out[#out + 1] = escape_bytes(char)
    else
      out[#out + 1] = char
    end
    i = i + #char
  end
  return table.concat(out)
end

return M
