--- A set of names, or a map of them, that takes 40 bytes a name, however long they are.
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
---@field package bits table<integer, any>
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

--- What is kept of a name.
---@param name string
---@return any value nil when it is not in the set
function Names:get(name)
  return self.bits[bits_of(self, name)]
end

--- Add a name.
---@param name string
---@param value any what to keep of it; true when absent
---@return boolean added false when it is in the set already
function Names:add(name, value)
  local bits = bits_of(self, name)
  if self.bits[bits] ~= nil then
    return false
  end
  self.bits[bits] = value == nil or value
  return true
end

return M
