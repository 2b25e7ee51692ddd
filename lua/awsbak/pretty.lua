--- Values as people read them: Lua values at the prompt, JSON with line breaks.

local text = require("awsbak.text")

local M = {}

local DEPTH_MAX = 8
local ITEMS_MAX = 200
local TEXT_MAX = 2000
local LINE = 80

--- Keys of a table: 1..n apart, the others sorted with numbers before words.
local function keys_of(value)
  local others, n = {}, #value
  for key in pairs(value) do
    if not (math.type(key) == "integer" and key >= 1 and key <= n) then
      others[#others + 1] = key
    end
  end
  table.sort(others, function(a, b)
    if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
      return a < b
    end
    return type(a) < type(b) or (type(a) == type(b) and tostring(a) < tostring(b))
  end)
  return others
end

local function quote(s)
  local cut = #s > TEXT_MAX
  local shown = text.escape(cut and s:sub(1, TEXT_MAX) or s):gsub('"', '\\"')
  return '"' .. shown .. '"' .. (cut and ("... (%d bytes)"):format(#s) or "")
end

local show -- for values inside values

local function items(value, depth, seen)
  local parts = {}
  for i = 1, math.min(#value, ITEMS_MAX) do
    parts[#parts + 1] = show(value[i], depth + 1, seen)
  end
  for i, key in ipairs(keys_of(value)) do
    if i > ITEMS_MAX then
      break
    end
    local name = type(key) == "string" and key:find("^[%a_][%w_]*$") and key
      or "[" .. show(key, depth + 1, seen) .. "]"
    parts[#parts + 1] = name .. " = " .. show(value[key], depth + 1, seen)
  end
  if #value > ITEMS_MAX then
    parts[#parts + 1] = ("... (%d items)"):format(#value)
  end
  return parts
end

--- An empty table is not shown as one when its metatable can do more: it is called, or makes its
--- parts when they are asked for.
local function show_empty(class)
  if type(class) == "table" and class.__call then
    return "<callable>"
  elseif type(class) == "table" and type(class.__index) == "function" then
    return "<made when used>"
  end
  return "{}"
end

local function show_table(value, depth, seen)
  if seen[value] then
    return "<again>"
  elseif depth >= DEPTH_MAX then
    return "{...}"
  end
  seen[value] = true
  local parts = items(value, depth, seen)
  seen[value] = nil
  if #parts == 0 then
    return show_empty(getmetatable(value))
  end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line + 2 * depth <= LINE and not line:find("\n") then
    return line
  end
  local indent = ("  "):rep(depth + 1)
  return "{\n"
    .. indent
    .. table.concat(parts, ",\n" .. indent)
    .. ",\n"
    .. ("  "):rep(depth)
    .. "}"
end

function show(value, depth, seen)
  if type(value) == "string" then
    return quote(value)
  elseif type(value) ~= "table" then
    return text.escape(tostring(value))
  end
  local class = getmetatable(value)
  if type(class) == "table" and class.__tostring then
    return text.escape(tostring(value))
  end
  return show_table(value, depth, seen)
end

--- A value as Lua would write it, keys sorted, deep and long parts cut.
---@param value any
---@return string
function M.lua(value)
  return show(value, 0, {})
end

local function indented(value, indent)
  local json = require("awsbak.core.json")
  local errors = require("awsbak.errors")
  local compact = errors.check(json.encode(value))
  if type(value) ~= "table" or next(value) == nil then
    return compact
  end
  local inner, parts = indent .. "  ", {}
  local open, close = "{", "}"
  if compact:sub(1, 1) == "[" then
    open, close = "[", "]"
    for i, item in ipairs(value) do
      parts[i] = indented(item, inner)
    end
  else
    for i, key in ipairs(keys_of(value)) do
      parts[i] = errors.check(json.encode(key)) .. ": " .. indented(value[key], inner)
    end
  end
  return ("%s\n%s%s\n%s%s"):format(open, inner, table.concat(parts, ",\n" .. inner), indent, close)
end

--- A value as JSON with two spaces of indentation, keys sorted, and nothing in it that acts on a
--- terminal.
---@param value any as awsbak.core.json encodes it; raises what that cannot
---@return string
function M.json(value)
  return text.escape_json(indented(value, ""))
end

return M
