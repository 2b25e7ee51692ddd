--- A file holds one noun and a function one thought: lengths that ask for a second look.

local FILE_MAX = 450
local FUNCTION_MAX = { c = 70, lua = 60 }

-- How a function opens, and the line at the same indentation that closes it. In specs, only those
-- of the first column: a describe() is as long as what it describes.
local function opens(kind, line, is_spec)
  if kind == "c" then
    return line == "{" and "" or nil, "}"
  end
  local indent = line:match("^(%s*)[^%-]*function%s*[%w_.:]*%([%w_., ]*%)$")
  local is_named = line:find("^function ") or line:find("^local function ")
  return (not is_spec or is_named) and indent or nil, "end"
end

local function check_functions(path, lines, kind, report)
  local is_spec = path:find("^spec/") ~= nil
  local starts = {} -- by the line that closes the function, less what may follow its "end"
  for number, line in ipairs(lines) do
    local closing = line:match("^%s*end%f[%W]") or line
    local start = starts[closing]
    if start and number - start > FUNCTION_MAX[kind] then
      report(path, start, ("a function of %d lines; is it two?"):format(number - start))
    end
    starts[closing] = nil
    local indent, word = opens(kind, line, is_spec)
    if indent then
      starts[indent .. word] = number
    end
  end
end

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
  if kind then
    check_functions(path, lines, kind, report)
  end
end
