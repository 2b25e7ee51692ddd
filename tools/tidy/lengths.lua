--- A file holds one noun and a function one thought: lengths that ask for a second look.

local FILE_MAX = 450
local FUNCTION_MAX = { c = 70, lua = 60 }

-- Functions of ours start in the first column and end at the next closing line there.
local OPENS = {
  c = function(line)
    return line == "{"
  end,
  lua = function(line)
    return line:find("^local function ") or line:find("^function ")
  end,
}
local CLOSES = { c = "}", lua = "end" }

--- Report files and functions that are too long.
---@param path string
---@param lines string[]
---@param report fun(path: string, line: integer, text: string)
return function(path, lines, report)
  local kind = path:find("%.[ch]$") and "c" or path:match("%.(lua)$")
  if not kind and not path:find("%.py$") then
    return
  end
  if #lines > FILE_MAX then
    report(path, FILE_MAX, ("%d lines; is there a second noun in it?"):format(#lines))
  end
  local start
  for number, line in ipairs(lines) do
    if kind and OPENS[kind](line) then
      start = number
    elseif kind and start and line == CLOSES[kind] then
      if number - start > FUNCTION_MAX[kind] then
        report(path, start, ("a function of %d lines; is it two?"):format(number - start))
      end
      start = nil
    end
  end
end
