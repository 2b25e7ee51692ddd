--- Which names that came before a key lies below, where all come in the order of bytes.
---
--- All keys that begin with a name follow it in one run, so what the present key does not begin
--- with can be forgotten: memory is bounded by the length of a key.

local ancestors = {}

---@class backup.Ancestors
---@field names string[] those that the last key begins with, shortest first
local Ancestors = {}
Ancestors.__index = Ancestors

---@return backup.Ancestors
function ancestors.new()
  return setmetatable({ names = {} }, Ancestors)
end

local function forget(names, key)
  while names[1] and key:sub(1, #names[#names]) ~= names[#names] do
    names[#names] = nil
  end
end

--- Remember a name.
---@param name string without "/" at its end
function Ancestors:add(name)
  forget(self.names, name)
  self.names[#self.names + 1] = name
end

--- The name that `key` is below, as a path is below a folder.
---@param key string
---@return string? name
function Ancestors:of(key)
  forget(self.names, key)
  for _, name in ipairs(self.names) do
    if key:sub(#name + 1, #name + 1) == "/" then
      return name
    end
  end
end

return ancestors
