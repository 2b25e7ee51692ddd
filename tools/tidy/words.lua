--- Words that may not stay: unfinished work, unsafe C functions, paths of one machine.

-- Split, so that this file passes its own check.
local UNFINISHED = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X", "HA" .. "CK" }
local MACHINE = { "ro" .. "ot", "wo" .. "rk", "fa" .. "rm" }

-- Without a length, or without a way to tell that the number was none.
local UNSAFE_NAMES = [[
  strcpy strcat sprintf vsprintf gets strtok sscanf atoi atol atof
  alloca malloc calloc realloc strdup system popen tmpnam mktemp
]]
local UNSAFE = {}
for name in UNSAFE_NAMES:gmatch("%a+") do
  UNSAFE[name] = true
end
local UNSAFE_ALLOWED = { ["src/base/alloc.c"] = true }

local function check_c(path, number, line, report)
  local code = line:gsub('"[^"]*"', '""'):gsub("/%*.-%*/", "")
  for name in code:gmatch("%f[%w_]([%a_][%w_]*)%(") do
    if UNSAFE[name] then
      report(path, number, ("%s() is not used here (docs/STYLE.md)"):format(name))
    end
  end
end

--- Report words that may not stay.
---@param path string
---@param lines string[]
---@param report fun(path: string, line: integer, text: string)
return function(path, lines, report)
  for number, line in ipairs(lines) do
    for _, word in ipairs(UNFINISHED) do
      if line:find("%f[%w]" .. word .. "%f[%W]") then
        report(path, number, "unfinished work: " .. word)
      end
    end
    for _, word in ipairs(MACHINE) do
      if (" " .. line):find("[^%w.~]/" .. word .. "/%w") then
        report(path, number, "a path of one machine")
      end
    end
    if path:find("%.[ch]$") and path:find("^src/") and not UNSAFE_ALLOWED[path] then
      check_c(path, number, line, report)
    end
  end
end
