--- What the tab key does: it writes what is certain of a word, or else shows what it may become.

local sys = require("awsbak.core.sys")
local text = require("awsbak.text")

local M = {}

local SHOWN_MAX = 120 -- candidates; of more, the first, and how many others there are

local WIDTH = 80 -- of a terminal that does not say

--- What all of them begin with.
local function common(list)
  local prefix = list[1]
  for _, word in ipairs(list) do
    while word:sub(1, #prefix) ~= prefix do
      prefix = prefix:sub(1, -2)
    end
  end
  return prefix
end

--- Candidates in columns, read downwards.
local function listing(found)
  local cells, width = {}, 0
  for i = 1, math.min(#found.list, SHOWN_MAX) do
    local word = found.list[i]
    cells[i] = text.escape(word) .. (found.required and found.required[word] and "*" or "")
    width = math.max(width, text.width(cells[i]) + 2)
  end
  local columns = math.max(1, (sys.columns(1) or WIDTH) // width)
  local height = (#cells + columns - 1) // columns
  local lines = {}
  for row = 1, height do
    local line = {}
    for at = row, #cells, height do
      line[#line + 1] = cells[at] .. (" "):rep(width - text.width(cells[at]))
    end
    lines[row] = table.concat(line):gsub("%s+$", "")
  end
  if #found.list > #cells then
    lines[#lines + 1] = ("... and %d more"):format(#found.list - #cells)
  end
  return table.concat(lines, "\n") .. "\n"
end

--- What becomes of the word at the end of a line.
---@param word string
---@param found awsbak.repl.Candidates
---@return integer erase characters of it that go away
---@return string insert what is written instead
---@return string? shown lines for the terminal, where nothing is certain
function M.press(word, found)
  if #found.list == 0 then
    return 0, ""
  end
  local certain = common(found.list)
  if #found.list == 1 then
    certain = certain .. found.ending
  elseif #certain <= #word then
    return 0, "", listing(found)
  end
  return utf8.len(word) or #word, certain
end

return M
