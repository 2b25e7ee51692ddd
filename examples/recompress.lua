--- An object of S3, from gzip to zstd, into a file:
---   awsbak examples/recompress.lua --from s3://logs/2024.gz --to 2024.zst

local codec = require("awsbak.core.codec")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local stream = require("awsbak.stream")

return policy({
  name = "recompress",
  summary = "Save a gzip object of S3 as a zstd file.",
  options = {
    { "from", required = true, help = "the object, s3://bucket/key" },
    { "to", required = true, help = "the file, which must not exist" },
    { "level", kind = "integer", default = 9, help = "of compression" },
  },
  run = function(o)
    local bucket, key = s3.parse_url(o.from)
    local done = stream.pipe(
      s3.get_object({ Bucket = bucket, Key = key }).Body,
      stream.gunzip(),
      stream.digest("sha256"),
      stream.zstd({ level = o.level }),
      stream.save(o.to)
    )
    print(codec.hex(done.digests.sha256))
    return { bytes = done.written }
  end,
})
