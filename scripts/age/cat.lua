--- Decrypt a part of an age file: awsbak age cat dump.age --range 0-99

local keys = require("backup.keys")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local seek = require("backup.age.seek")
local usage = require("backup.s3.usage")

local STEP = 4 * 1024 * 1024 -- bytes decrypted at once

--- First byte, and the one after the last, of a range as --range has it.
local function bounds(range, part)
  local first, last = range:match("^(%d*)%-(%d*)$")
  first, last = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  usage.refuse(
    not (first or last) or (first and last and last < first),
    "--range",
    "is 0-99, 100- or -100, not " .. range
  )
  if not first then
    local size = part:size()
    return math.max(0, size - last), size
  end
  return first, last and last + 1 or part:size()
end

return policy({
  name = "age cat",
  summary = "Decrypt an age file, or some bytes of it, to standard output.",
  description = "With --range only the chunks of 64 KiB in which the bytes lie are read and"
    .. " decrypted, from S3 too. Each is authenticated; that the file is whole is known when its"
    .. " end is among them. Files in armor cannot be read in parts.",
  examples = {
    "awsbak age cat dump.age --range 0-99",
    "awsbak age cat s3://vault/dump.age --range -1000 --identity key.txt",
  },
  options = {
    {
      "from",
      positional = true,
      required = true,
      help = "file or s3://bucket/key",
    },
    { "range", default = "0-", help = "bytes of the plaintext: 0-99, 100- or -100 (the last 100)" },
    { "version_id", help = "this version of an object" },
    { "identity", many = true, help = "file with the age identity that opens the file" },
    { "passphrase_file", help = "file with the passphrase that opens the file" },
  },
  run = function(o, context)
    usage.refuse(context.door == "event", "age cat", "writes to standard output; an event has none")
    local ranges
    if o.from:find("^s3://") then
      local bucket, key = s3.parse_url(o.from)
      ranges = seek.object(s3, bucket, key, o.version_id)
    else
      ranges = seek.file(o.from)
    end
    local part <close> = seek.open(ranges, {
      identity_files = o.identity,
      passphrase = o.passphrase_file and keys.passphrase(o.passphrase_file),
    })
    local at, to = bounds(o.range, part)
    output.take_stdout()
    output.stream(function()
      local bytes = at < to and part:read(at, math.min(at + STEP, to)) or ""
      at = at + #bytes
      return bytes ~= "" and bytes or nil
    end, ("what is in %s is binary"):format(o.from))
  end,
})
