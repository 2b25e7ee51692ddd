--- The ways of bytes whose calls spec/torture lets fail: what is run, and what there is before.
---
--- In a command, $dir/from and vault/from have the files, and $name is a run's own: it writes to
--- $dir/$name.to or vault/$name, where what was there before may be.

local digest = require("awsbak.core.digest")

local ONE <const> = 200000 -- bytes: one request
local PARTS <const> = 5 * 1024 * 1024 + 70000

---@class spec.TransferWay
---@field name string
---@field command string words after the program's name
---@field input string? standard input
---@field is_piped boolean? whether that is a pipe, and standard output another one
---@field output string? file of the target that standard output becomes
---@field into "store"|"folder" where the files shall be
---@field files table<string, string> what shall be there: bytes by name
---@field before table<string, string>? what is there before: to be replaced, or to be deleted
---@field prime string? command whose home is that of each run before it
---@field repeats boolean? whether it can be done again when all is there
---@field few boolean? whether a run takes fewer points: much of it is another way's
---@field many boolean? whether some files may fail, with a row for each
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
  local piped = { input = from, is_piped = true }
  add("by a real pipe in " .. parts, "store", size, "s3 cp --part-size 5M - " .. new, piped)
  -- By a script: the program copies by parts from 5 GiB on.
  local is_one = parts == "one"
  local copy = is_one and ("s3 cp %s %s"):format(key, new)
    or "spec/torture/copy.lua vault from/file $name/file"
  add("within S3 in " .. parts, "store", size, copy, { few = true })
end

-- Objects to a pipe, where what came before a failure stays.
local output = { is_piped = true, output = "file", repeats = true, few = true }
add("out by a pipe", "folder", PARTS, "s3 cat s3://vault/from/file", output)
add("out by a pipe of cp", "folder", ONE, "s3 cp s3://vault/from/file -", output)

-- An object that is read through the cache, which has it or has it not.
local cached = "s3 cp --force --cache 100M s3://vault/from/file $dir/$name.to/file"
add("into the cache", "folder", ONE, cached, { repeats = true, few = true })
add("out of the cache", "folder", ONE, cached, { repeats = true, few = true, prime = cached })

-- A folder of which one file is there, one has changed, and one is to be deleted.
local folder = {
  repeats = true,
  few = true,
  many = true,
  files = { a = bytes(ONE, "a"), ["d/b"] = bytes(3000, "b"), ["d/c"] = bytes(PARTS, "c"), e = "e" },
  before = { a = "old", e = "e", gone = "gone" },
}
local options = "s3 sync --delete --yes --part-size 5M "
add("synced up", "store", 0, options .. "$dir/from s3://vault/$name/", folder)
add("synced down", "folder", 0, options .. "s3://vault/from/ $dir/$name.to", folder)
add("synced within S3", "store", 0, options .. "s3://vault/from/ s3://vault/$name/", folder)

return ways
