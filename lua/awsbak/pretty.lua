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

--- How a value is shown.
---@class awsbak.pretty.How
---@field is_message boolean? in one line, and not escaped: who prints it does that
---@field within table<table, boolean> what holds it

local function quote(s, how)
  local cut = #s > TEXT_MAX
  local shown = cut and s:sub(1, TEXT_MAX) or s
  if not how.is_message then
    shown = text.escape(shown):gsub('"', '\\"')
  end
  return '"' .. shown .. '"' .. (cut and ("... (%d bytes)"):format(#s) or "")
end

local function plain(value, how)
  return how.is_message and tostring(value) or text.escape(tostring(value))
end

local show -- for values inside values

local function items(value, depth, how)
  local parts = {}
  for i = 1, math.min(#value, ITEMS_MAX) do
    parts[#parts + 1] = show(value[i], depth + 1, how)
  end
  for i, key in ipairs(keys_of(value)) do
    if i > ITEMS_MAX then
      break
    end
    local name = type(key) == "string" and key:find("^[%a_][%w_]*$") and key
      or "[" .. show(key, depth + 1, how) .. "]"
    parts[#parts + 1] = name .. " = " .. show(value[key], depth + 1, how)
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

local function show_table(value, depth, how)
  if how.within[value] then
    return "<again>"
  elseif depth >= DEPTH_MAX then
    return "{...}"
  end
  how.within[value] = true
  local parts = items(value, depth, how)
  how.within[value] = nil
  if #parts == 0 then
    return show_empty(getmetatable(value))
  end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if how.is_message or #line + 2 * depth <= LINE and not line:find("\n") then
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

function show(value, depth, how)
  if type(value) == "string" then
    return quote(value, how)
  elseif type(value) ~= "table" then
    return plain(value, how)
  end
  local class = getmetatable(value)
  if type(class) == "table" and class.__tostring then
    return plain(value, how)
  end
  return show_table(value, depth, how)
end

--- A value as Lua would write it, keys sorted, deep and long parts cut.
---@param value any
---@return string
function M.lua(value)
  return show(value, 0, { within = {} })
end

--- The same in one line, line breaks of texts too, for a message: who prints that escapes it.
---@param value any
---@return string
function M.message(value)
  return (show(value, 0, { is_message = true, within = {} }):gsub("\n", " "))
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
