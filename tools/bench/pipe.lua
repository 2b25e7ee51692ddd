--- Bytes through stages: `awsbak pipe.lua STAGES FROM TO KEYS`, STAGES being "seal", "open",
--- "zstd", "zstd2" (with two workers), "zstd,seal" or "-" for none, TO a file or s3://bucket/key,
--- KEYS a file with an age identity.

local age = require("awsbak.core.age")
local stream = require("awsbak.stream")

local transfer = require("backup.transfer")

local words, from, to, keys = arg[1], arg[2], arg[3], arg[4]
local file <close> = assert(io.open(keys))
local identity = file:read("a"):match("AGE%-SECRET%-KEY%-%w+")

local make = {
  open = function()
    return stream.open({ identities = { identity } })
  end,
  seal = function()
    return stream.seal({ recipients = { age.recipient(identity) } })
  end,
  zstd = function()
    return stream.zstd({ level = 1 })
  end,
  zstd2 = function()
    return stream.zstd({ level = 1, workers = 2 })
  end,
}
local parts = { stream.file(from) }
for word in words:gmatch("%w+") do
  parts[#parts + 1] = make[word]()
end
local is_object = to:find("^s3:") ~= nil
parts[#parts + 1] = is_object and transfer.sink(to, { force = true })
  or stream.save(to, { force = true })
stream.pipe(table.unpack(parts))
