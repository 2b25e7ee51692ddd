--- Text in lines and columns as wide as the terminal: what help is made of.

local text = require("awsbak.text")

local M = {}

local WIDTH = 90 -- of running text, on a terminal that is as wide
local HELP_MIN = 24 -- narrower, the right one of two columns goes below the left one

local function width_now()
  return math.min(WIDTH, require("awsbak.core.sys").columns(1) or WIDTH)
end

--- Running text in lines; those after the first begin with `indent`.
---@param s string
---@param indent string
---@return string
function M.wrap(s, indent)
  local lines = text.wrap(s, width_now() - #indent)
  return table.concat(lines, "\n" .. indent) .. "\n"
end

--- Two columns, the left one as wide as needed.
---@param rows string[][] left and right
---@return string
function M.columns(rows)
  local width = 0
  for _, row in ipairs(rows) do
    width = math.max(width, text.width(row[1]))
  end
  local is_narrow = width_now() - width - 4 < HELP_MIN
  local indent = (" "):rep(is_narrow and 6 or width + 4)
  local parts = {}
  for i, row in ipairs(rows) do
    local gap = is_narrow and "\n" .. indent or (" "):rep(width - text.width(row[1]) + 2)
    parts[i] = "  " .. row[1] .. gap .. M.wrap(row[2], indent)
  end
  return table.concat(parts)
end

return M
