--- List buckets, or what is in one: awsbak s3 ls s3://vault/ssm/

local filter = require("backup.s3.filter")
local listing = require("backup.s3.listing")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local rows = require("backup.s3.rows")
local s3 = require("aws.s3")
local time = require("awsbak.time")
local usage = require("backup.s3.usage")

local PAGE = 1000 -- buckets; regions are told only where pages are asked for

local function list_buckets()
  local buckets = s3.each.list_buckets({ MaxBuckets = PAGE })
  return output.rows(
    { "name", "region", "created" },
    rows.each(buckets, "buckets", function(bucket)
      return {
        name = bucket.Name,
        region = bucket.BucketRegion,
        created = bucket.CreationDate and time.rfc3339(bucket.CreationDate),
      }
    end)
  )
end

local function list_objects(url, recursive, chosen)
  local bucket, prefix = s3.parse_prefix(url)
  local entries = listing.objects(s3, bucket, prefix, { delimiter = not recursive and "/" or nil })
  entries = chosen and chosen:listed(entries, prefix) or entries
  return output.rows(
    { "key", { key = "size", kind = "size" }, "modified", "storage_class" },
    rows.each(entries, "objects")
  )
end

return policy({
  name = "s3 ls",
  summary = "List buckets, or the objects and folders in one.",
  description = "A prefix is the beginning of a key, whole or not: s3://vault/ss finds ssm/, too."
    .. " Keys that go on after the next / are one line, a folder, unless --recursive.",
  examples = {
    "awsbak s3 ls",
    "awsbak s3 ls s3://vault/ssm/",
    "awsbak s3 ls s3://vault --recursive",
  },
  options = {
    {
      "url",
      positional = true,
      help = "s3://bucket or s3://bucket/prefix; without it, all buckets",
    },
    { "recursive", kind = "flag", help = "list all objects below, and no folders" },
    table.unpack(filter.options),
  },
  run = function(o)
    local chosen = filter.of(o, o.recursive)
    if not o.url then
      usage.refuse(o.recursive, "--recursive", "lists what is in a bucket: name one")
      return { ok = list_buckets() }
    end
    return { ok = list_objects(o.url, o.recursive, chosen) }
  end,
})
