--- Rows as a table for people: columns as wide as needed, the widest cut when the terminal is
--- narrow. The first column, which says what a row is about, is never cut; where too little is left
--- for the others, they go on lines of their own below it.

local text = require("awsbak.text")
local time = require("awsbak.time")
local units = require("awsbak.units")

local M = {}

---@class awsbak.Column
---@field key string key of a row
---@field title string? default: the key in capitals
---@field kind "size"|"time"|"duration"|nil how a number is shown
---@field whole boolean? never cut: what would be of no use cut, such as an id

local GAP = "  "
local INDENT = "  " -- of what stands below the first column
local WIDTH_MIN = 12 -- a column is not cut below this: a date is still whole

local shows = {
  size = units.show_size,
  duration = units.show_duration,
  time = time.rfc3339,
}

local function cell(value, kind)
  if value == nil or type(value) == "userdata" and tostring(value) ~= "<secret>" then
    return "" -- absent, and JSON's null
  elseif type(value) == "number" and shows[kind] then
    return shows[kind](value)
  elseif type(value) == "table" then
    local parts = {}
    for i, item in ipairs(value) do
      parts[i] = cell(item)
    end
    if #parts == 0 then
      for key, item in pairs(value) do
        parts[#parts + 1] = text.escape(tostring(key)) .. "=" .. cell(item)
      end
      table.sort(parts)
    end
    return table.concat(parts, ",")
  end
  return text.escape(tostring(value))
end

--- Names of columns, or tables, as awsbak.Column with all fields.
---@param columns (string|awsbak.Column)[]
---@return awsbak.Column[]
function M.columns(columns)
  local list = {}
  for i, column in ipairs(columns) do
    local c = type(column) == "string" and { key = column } or column
    list[i] = {
      key = c.key,
      kind = c.kind,
      title = c.title or text.escape((c.key:gsub("_", " "):upper())),
      whole = c.whole,
    }
  end
  return list
end

--- Width of each column, and whether it holds only numbers (those are aligned right).
local function measure(columns, cells, rows)
  local widths, numeric = {}, {}
  for i, column in ipairs(columns) do
    widths[i], numeric[i] = text.width(column.title), #rows > 0 and column.kind ~= "time"
    for r, line in ipairs(cells) do
      widths[i] = math.max(widths[i], text.width(line[i]))
      local value = rows[r][column.key]
      numeric[i] = numeric[i] and (value == nil or type(value) == "number")
    end
  end
  return widths, numeric
end

--- Narrow the widest columns but the first, and those kept whole, until all fit into `available`
--- columns. False when they would be too narrow to read.
local function fit(columns, widths, available)
  local total = #GAP * (#widths - 1)
  for _, width in ipairs(widths) do
    total = total + width
  end
  while total > available do
    local widest
    for i = 2, #widths do
      local can_be_cut = widths[i] > WIDTH_MIN and not columns[i].whole
      widest = can_be_cut and widths[i] > (widths[widest] or 0) and i or widest
    end
    if not widest then
      return false
    end
    widths[widest], total = widths[widest] - 1, total - 1
  end
  return true
end

local function line_of(cells, widths, numeric)
  local parts = {}
  for i, value in ipairs(cells) do
    local shown = i == 1 and value or text.cut(value, widths[i])
    local padding = (" "):rep(widths[i] - text.width(shown))
    parts[i] = numeric[i] and padding .. shown or shown .. padding
  end
  return (table.concat(parts, GAP):gsub(" +$", ""))
end

--- The first cell, and below it the others, as many on a line as fit; none is cut.
local function stack(cells, available)
  local lines, line = { cells[1] }, ""
  for i = 2, #cells do
    local longer = line == "" and INDENT .. cells[i] or line .. GAP .. cells[i]
    if cells[i] == "" then
      longer = line
    elseif line ~= "" and text.width(longer) > available then
      lines[#lines + 1] = line
      longer = INDENT .. cells[i]
    end
    line = longer
  end
  lines[#lines + 1] = line ~= "" and line or nil
  return table.concat(lines, "\n")
end

--- A function that turns more rows into lines, with the widths the first rows need.
---@param columns awsbak.Column[]
---@param rows table[] the first rows
---@param available integer? columns of the terminal; nil: nothing is cut
---@return string[] lines the head and the first rows, each with line breaks where it is stacked
---@return fun(row: table): string line of one more row
function M.start(columns, rows, available)
  local cells, titles = {}, {}
  local function cells_of(row)
    local line = {}
    for i, column in ipairs(columns) do
      line[i] = cell(row[column.key], column.kind)
    end
    return line
  end
  for r, row in ipairs(rows) do
    cells[r] = cells_of(row)
  end
  for i, column in ipairs(columns) do
    titles[i] = column.title
  end
  local widths, numeric = measure(columns, cells, rows)
  local stacked = available and not fit(columns, widths, available)
  local function shown(line)
    return stacked and stack(line, available) or line_of(line, widths, numeric)
  end
  local lines = { shown(titles) }
  for r, line in ipairs(cells) do
    lines[r + 1] = shown(line)
  end
  return lines, function(row)
    return shown(cells_of(row))
  end
end

--- One record as two columns of names and values, sorted by name.
---@param record table
---@return string[] lines
function M.record(record)
  local names, width = {}, 0
  for key in pairs(record) do
    names[#names + 1] = tostring(key)
    width = math.max(width, text.width(text.escape(tostring(key))))
  end
  table.sort(names)
  local lines = {}
  for i, name in ipairs(names) do
    local shown = text.escape(name)
    lines[i] = shown .. (" "):rep(width - text.width(shown)) .. GAP .. cell(record[name])
  end
  return lines
end

return M
