--- What --query picked, as text: a value of any kind, where a command's own output has rows and
--- records.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local pretty = require("awsbak.pretty")
local sorted = require("awsbak.sorted")
local tables = require("awsbak.table")
local text = require("awsbak.text")
local values = require("awsbak.jmespath.values")

local M = {}

local function compact(value)
  return text.escape_json(errors.check(json.encode(value)))
end

--- Whether a table could show a value: an object without tables in it.
local function is_flat(value)
  if values.type(value) ~= "object" then
    return false
  end
  for _, part in pairs(value) do
    if type(part) == "table" then
      return false
    end
  end
  return true
end

local function all(list, holds)
  for _, item in ipairs(list) do
    if not holds(item) then
      return false
    end
  end
  return true
end

local function is_scalar(value)
  return type(value) ~= "table"
end

--- Text as it is but for what could move a cursor; other values as JSON has them.
local function word(value)
  return type(value) == "string" and text.escape(value) or compact(value)
end

--- Columns are what any of the objects has, sorted.
local function as_table(list, width)
  local seen = {}
  for _, object in ipairs(list) do
    for key in pairs(object) do
      seen[key] = true
    end
  end
  local lines = tables.start(tables.columns(sorted.keys(seen)), list, width)
  return table.concat(lines, "\n")
end

local function for_people(value, width)
  if values.type(value) == "array" and all(value, is_scalar) then
    local words = {}
    for i, item in ipairs(value) do
      words[i] = word(item)
    end
    return table.concat(words, "\n")
  elseif values.type(value) == "array" and all(value, is_flat) then
    return as_table(value, width)
  elseif is_flat(value) then
    return table.concat(tables.record(value), "\n")
  end
  return type(value) == "table" and pretty.json(text.for_json(value)) or word(value)
end

--- A value as lines, each ended.
---@param value any nil is JSON's null
---@param mode "table"|"json"|"jsonl" as awsbak.output has them; as a table, a list of plain values
---  is one a line, and what is nested too deep for a table is JSON
---@param width integer? of the terminal
---@return string
--- Raises kind usage, code jmespath_size.
function M.text(value, mode, width)
  if value == nil then
    value = json.null
  end
  values.check_whole(value)
  local said
  if mode == "table" then
    said = for_people(value, width)
  elseif mode == "json" then
    said = pretty.json(text.for_json(value))
  else
    said = compact(text.for_json(value))
  end
  return said == "" and "" or said .. "\n"
end

return M
