--- A temporary folder of one spec, gone when closed.
---
---   local dir <close> = scratch.new()
---   dir:write("key.txt", "AGE-SECRET-KEY-...")
---   run{ "verify", dir:path("backup.age") }

local shell = require("spec.support.shell")

local scratch = {}
scratch.__index = scratch

--- Make an empty folder that only we can read.
---@return table dir
function scratch.new()
  local pipe = assert(io.popen("mktemp -d"))
  local folder = assert(pipe:read("l"), "cannot make a temporary folder")
  pipe:close()
  return setmetatable({ folder = folder }, scratch)
end

--- The path of a name inside; without one, of the folder.
---@param name string|nil
---@return string
function scratch:path(name)
  return name and self.folder .. "/" .. name or self.folder
end

--- Write a whole file.
---@param name string
---@param bytes string
---@return string path
function scratch:write(name, bytes)
  local file = assert(io.open(self:path(name), "wb"))
  assert(file:write(bytes))
  assert(file:close())
  return self:path(name)
end

--- Read a whole file.
---@param name string
---@return string|nil bytes nil when there is no such file
function scratch:read(name)
  local file = io.open(self:path(name), "rb")
  if not file then
    return nil
  end
  local bytes = file:read("a")
  file:close()
  return bytes
end

--- The names inside, hidden ones too, sorted.
---@return string[]
function scratch:list()
  local pipe = assert(io.popen("ls -A " .. shell.quote(self.folder)))
  local names = {}
  for name in pipe:lines() do
    names[#names + 1] = name
  end
  pipe:close()
  return names
end

--- Remove the folder and all in it.
function scratch:close()
  os.execute("rm -rf " .. shell.quote(self.folder))
end

scratch.__close = scratch.close

return scratch
