--- Make a bucket: awsbak s3 mb s3://vault --versioning

local aws = require("aws")
local config = require("aws.config")
local errors = require("awsbak.errors")
local policy = require("awsbak.policy")
local usage = require("backup.s3.usage")

local ANYWHERE = "us-east-1" -- where CreateBucket takes no location (API reference)

--- Keep versions; a bucket that does not shall not pass for one that does.
local function keep_versions(s3, bucket)
  local _, err = errors.try(s3.put_bucket_versioning, {
    Bucket = bucket,
    VersioningConfiguration = { Status = "Enabled" },
  })
  if err then
    err.message = ("bucket %s was made, but keeps no versions: %s"):format(bucket, err.message)
    err.hint = "awsbak api s3 PutBucketVersioning tries it again"
    error(err, 0)
  end
end

local function create(s3, bucket, region, o)
  local _, err = errors.try(s3.create_bucket, {
    Bucket = bucket,
    CreateBucketConfiguration = region ~= ANYWHERE and { LocationConstraint = region } or nil,
    ObjectLockEnabledForBucket = o.object_lock or nil,
  })
  if err and err.code == "BucketAlreadyOwnedByYou" then
    err.message = ("bucket %s exists already, and is yours"):format(bucket)
  elseif err and err.code == "BucketAlreadyExists" then
    err.message = ("bucket %s exists already, and belongs to another account"):format(bucket)
    err.hint = "names of buckets are taken for all accounts: choose another one"
  end
  errors.check(not err or nil, err)
end

return policy({
  name = "s3 mb",
  summary = "Make a bucket.",
  description = "In the region of --region or of the profile. New buckets are private. With"
    .. " --versioning what is overwritten or deleted can be got back.",
  examples = {
    "awsbak s3 mb s3://vault --versioning",
    "awsbak s3 mb s3://vault --region eu-west-1",
  },
  options = {
    { "url", positional = true, required = true, help = "s3://bucket" },
    { "versioning", kind = "flag", help = "keep versions" },
    { "object_lock", kind = "flag", help = "allow locks on objects; keeps versions, too" },
  },
  run = function(o)
    local bucket, prefix = aws.s3.parse_prefix(o.url)
    usage.refuse(prefix ~= "", o.url, "is more than the name of a bucket: s3://bucket")
    local cfg = config.resolve()
    local region = cfg:find_region() or ANYWHERE
    local s3 = aws.client("s3", { config = cfg })
    create(s3, bucket, region, o)
    if o.versioning then
      keep_versions(s3, bucket)
    end
    return { ok = 1, bucket = bucket, region = region }
  end,
})
