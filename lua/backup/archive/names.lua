--- A set of names that takes 40 bytes a name, however long they are.
---
--- It keeps 64 bits of a digest of each. Names come from outside, so the digest begins with bytes
--- that nobody can guess: two names with the same bits cannot be made, and are not met by chance (a
--- million names: 1 in 30 million).

local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")

local M = {}

---@class backup.Names
---@field package salt string
---@field package bits table<integer, true>
local Names = { __name = "backup.archive.names" }
Names.__index = Names

--- An empty set.
---@return backup.Names
function M.new()
  return setmetatable({ salt = outside.random_bytes(16), bits = {} }, Names)
end

local function bits_of(self, name)
  return (string.unpack("<i8", errors.check(digest.digest("sha256", self.salt .. name))))
end

--- Whether a name is in the set.
---@param name string
---@return boolean
function Names:has(name)
  return self.bits[bits_of(self, name)] ~= nil
end

--- Add a name.
---@param name string
---@return boolean added false when it is in the set already
function Names:add(name)
  local bits = bits_of(self, name)
  if self.bits[bits] then
    return false
  end
  self.bits[bits] = true
  return true
end

return M
