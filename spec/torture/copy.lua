--- Copy an object within S3 by parts of 5 MiB, as the program does from 5 GiB on.
---
--- usage: PROGRAM spec/torture/copy.lua BUCKET FROM TO; keys

local s3 = require("aws.s3")
local s3_copy = require("backup.transfer.s3_copy")

local PART <const> = 5 * 1024 * 1024
local bucket, from, to = table.unpack(arg)

s3_copy.put({ s3 = s3, bucket = bucket, key = from }, { s3 = s3, bucket = bucket, key = to }, {
  one_max = PART,
  part_size = PART,
  at_once = 2,
})
