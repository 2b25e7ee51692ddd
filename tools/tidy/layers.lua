--- Arrows point down only: which folder may use which (docs/ARCHITECTURE.md, "Layers").

-- For each folder of src/, those whose headers it may include. lua.h is for bind and host only.
local INCLUDES = {
  base = { "base" },
  crypto = { "crypto", "base" },
  stream = { "stream", "crypto", "base" },
  net = { "net", "stream", "crypto", "base" },
  wire = { "wire", "base" },
  bind = { "bind", "net", "stream", "crypto", "wire", "base" },
  host = { "host", "bind", "net", "stream", "crypto", "wire", "base" },
}

local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

-- For each folder of Lua, the first words of the modules it may require.
local REQUIRES = {
  ["lua/awsbak"] = { "awsbak" },
  ["lua/aws"] = { "aws", "awsbak" },
  ["lua/backup"] = { "backup", "aws", "awsbak" },
  ["lua/feature"] = { "feature", "aws", "awsbak", "busted", "luassert" },
  ["scripts"] = { "scripts", "backup", "feature", "aws", "awsbak" },
  ["scripts/features"] = { "scripts", "backup", "feature", "aws", "awsbak", "spec" },
}

-- Modules a folder must not see although the table above lets it: who talks HTTP, who reads files.
local FORBIDDEN = {
  ["lua/backup"] = { "awsbak.http", "awsbak.core.http" },
  ["lua/aws"] = { "awsbak.core.file" },
  ["scripts"] = { "awsbak.http", "awsbak.core.http" },
}

local function contains(list, word)
  for _, item in ipairs(list or {}) do
    if item == word then
      return true
    end
  end
  return false
end

local function check_c(path, lines, report)
  local folder = path:match("^src/(%w+)/")
  local allowed = INCLUDES[folder]
  if not allowed then
    return
  end
  local may_lua = folder == "bind" or folder == "host"
  for number, line in ipairs(lines) do
    local ours = line:match('^#include "(%w+)/')
    local library = line:match("^#include <(.-)>")
    if ours and not contains(allowed, ours) then
      report(path, number, ("%s/ may not include %s/"):format(folder, ours))
    elseif library and LUA_HEADERS[library] and not may_lua then
      report(path, number, "only bind/ and host/ include Lua's headers")
    end
  end
end

local function check_lua(path, lines, report)
  local folder = path:match("^lua/%w+") or path:match("^scripts/features") or path:match("^scripts")
  local allowed = REQUIRES[folder]
  if not allowed then
    return
  end
  for number, line in ipairs(lines) do
    local code = line:gsub("^%s*%-%-.*", "")
    for module in code:gmatch('require%(?%s*"([%w_.]+)"') do
      local first = module:match("^[^.]+")
      if not contains(allowed, first) or contains(FORBIDDEN[folder], module) then
        report(path, number, ("%s may not require %s"):format(folder, module))
      end
    end
  end
end

--- Report includes and requires that point up.
---@param path string
---@param lines string[]
---@param report fun(path: string, line: integer, text: string)
return function(path, lines, report)
  if path:find("%.[ch]$") then
    check_c(path, lines, report)
  elseif path:find("%.lua$") then
    check_lua(path, lines, report)
  end
end
