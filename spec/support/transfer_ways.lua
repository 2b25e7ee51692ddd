--- The ways of bytes whose calls spec/torture lets fail: what is run, and what there is before.
---
--- In a command, $dir/from and vault/from have the files, and $name is a run's own: it writes to
--- $dir/$name.to or vault/$name.

local digest = require("awsbak.core.digest")

local ONE <const> = 200000 -- bytes: one request
local PARTS <const> = 5 * 1024 * 1024 + 70000

---@class spec.TransferWay
---@field name string
---@field command string words after the program's name
---@field input string? standard input
---@field into "store"|"folder" where the files shall be
---@field files table<string, string> what shall be there: bytes by name
local ways = {}

local function bytes(size, seed)
  return digest.digest("sha256", seed or tostring(size)):rep(size // 32 + 1):sub(1, size)
end

local function add(name, into, size, command, more)
  local way = { name = name, into = into, command = command, files = { file = bytes(size) } }
  for key, value in pairs(more or {}) do
    way[key] = value
  end
  ways[#ways + 1] = way
end

for _, pair in ipairs({ { "one", ONE }, { "parts", PARTS } }) do
  local parts, size = table.unpack(pair)
  local from, to = "$dir/from/file", "$dir/$name.to/file"
  local key, new = "s3://vault/from/file", "s3://vault/$name/file"
  add("up in " .. parts, "store", size, ("s3 cp --part-size 5M %s %s"):format(from, new))
  add("down in " .. parts, "folder", size, ("s3 cp --part-size 5M %s %s"):format(key, to))
  add("by a pipe in " .. parts, "store", size, "s3 cp --part-size 5M - " .. new, { input = from })
end

return ways
