--- A temporary folder of one spec, gone when closed.
---
---   local dir <close> = scratch.new()
---   dir:write("key.txt", "AGE-SECRET-KEY-...")
---   run{ "verify", dir:path("backup.age") }

local file = require("awsbak.core.file")
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
  local handle = assert(io.open(self:path(name), "wb"))
  assert(handle:write(bytes))
  assert(handle:close())
  return self:path(name)
end

--- Write files and the folders that they are in.
---@param files table<string, string> bytes by names, relative to `below`
---@param below string a folder's name
---@return string path of that folder
function scratch:write_all(files, below)
  for name, bytes in pairs(files) do
    local path = below .. "/" .. name
    assert(file.mkdirs(self:path(path:match("^(.*)/"))))
    self:write(path, bytes)
  end
  return self:path(below)
end

--- Read a whole file.
---@param name string
---@return string|nil bytes nil when there is no such file
function scratch:read(name)
  local handle = io.open(self:path(name), "rb")
  if not handle then
    return nil
  end
  local bytes = handle:read("a")
  handle:close()
  return bytes
end

local function add_files(folder, prefix, found)
  for _, name in ipairs(assert(file.list(folder))) do
    local path = folder .. "/" .. name
    if file.stat(path).type == "folder" then
      add_files(path, prefix .. name .. "/", found)
    else
      local handle <close> = assert(io.open(path, "rb"))
      found[prefix .. name] = handle:read("a")
    end
  end
  return found
end

--- All files below a folder, also those whose names begin with a dot.
---@param below string the folder's name
---@return table<string, string> files bytes by names relative to it
function scratch:files(below)
  return add_files(self:path(below), "", {})
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
