--- Globals as the code of awsbak sees them: one that does not exist is an error, not nil.
---
--- The strictness is in the _ENV of our modules, policies and scripts; _G itself has no metatable,
--- so that other people's modules (busted among them) work as they always did.

local M = {}

local function undeclared(name)
  local names = {}
  for known in pairs(_G) do
    names[#names + 1] = tostring(known)
  end
  table.sort(names)
  local near = require("awsbak.errors").nearest(tostring(name), names)
  return ("undeclared global '%s'%s"):format(
    name,
    near and ("; did you mean '%s'?"):format(near) or ""
  )
end

local function read(_, name)
  local value = rawget(_G, name)
  if value == nil then
    error(undeclared(name), 2)
  end
  return value
end

local function in_main_chunk()
  local info = debug.getinfo(3, "S") -- 1 is this function, 2 __newindex, 3 who assigns
  return info == nil or info.what ~= "Lua"
end

--- The environment of our own modules: standard globals are copied in, which makes them as fast as
--- in plain Lua; none can be assigned.
M.modules = setmetatable({}, {
  __index = read,
  __newindex = function(_, name)
    error(("assignment to global '%s' in a module"):format(name), 2)
  end,
})
for name, value in pairs(_G) do
  rawset(M.modules, name, value)
end

--- An environment for scripts: globals are made in the main chunk (and by `-l`), so that a misspelt
--- assignment in a function is caught.
---@return table
function M.script()
  return setmetatable({}, {
    __index = read,
    __newindex = function(_, name, value)
      if rawget(_G, name) == nil and not in_main_chunk() then
        error(("assignment to undeclared global '%s' in a function; say local"):format(name), 2)
      end
      rawset(_G, name, value)
    end,
    __pairs = function()
      return next, _G
    end,
  })
end

--- The environment of the prompt: globals may be made anywhere.
---@return table
function M.prompt()
  return setmetatable({}, { __index = read, __newindex = _G })
end

return M
