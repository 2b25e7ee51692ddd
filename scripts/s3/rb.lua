--- Delete a bucket: awsbak s3 rb s3://vault --force

local errors = require("awsbak.errors")
local listing = require("backup.s3.listing")
local policy = require("awsbak.policy")
local purge = require("backup.s3.purge")
local s3 = require("aws.s3")
local s3_fault = require("backup.transfer.s3_fault")
local settings = require("awsbak.settings")
local units = require("awsbak.units")
local uploads = require("backup.s3.uploads")
local usage = require("backup.s3.usage")

local function count_uploads(bucket)
  local count = 0
  for _ in uploads.list(s3, bucket, "") do
    count = count + 1
  end
  return count
end

local function ask(bucket, force)
  local with = ""
  if force then
    local found = purge.count(listing.versions(s3, bucket, ""))
    local begun = count_uploads(bucket)
    with = (" with %s and %s"):format(
      purge.describe(found, "version"),
      units.show_count(begun, "unfinished upload")
    )
  end
  policy.confirm(("Delete the bucket %s%s?"):format(bucket, with))
end

--- Abort all uploads; the number that could not be.
local function abort_uploads(bucket)
  local failed = 0
  for upload in uploads.abort(s3, bucket, uploads.list(s3, bucket, "")) do
    if upload.result == "failed" then
      failed = failed + 1
      require("awsbak.log").warn("%s: upload not aborted: %s", upload.key, upload.detail)
    end
  end
  return failed
end

local FORCE <const> =
  "--force deletes first what is in it: objects, all their versions, unfinished uploads"

--- The error of a bucket that is not empty, with what can be done.
local function not_empty(err, bucket, hint)
  err.message = ("bucket %s is not empty"):format(bucket)
  err.hint = hint
  return err
end

local function delete_bucket(bucket, force)
  local _, err = errors.try(s3.delete_bucket, { Bucket = bucket })
  if err and err.code == "BucketNotEmpty" then
    local meanwhile = "something was written to it meanwhile; run it again"
    err = not_empty(err, bucket, force and meanwhile or FORCE)
  end
  if err then
    error(s3_fault.explain(err, bucket), 0)
  end
end

--- Raise what would keep a bucket from being deleted; it is left to S3 where we may not look.
local function check_empty(bucket)
  local found, err = errors.try(listing.versions(s3, bucket, ""))
  if err and err.status ~= 403 then
    error(s3_fault.explain(err, bucket), 0)
  elseif found then
    errors.raise(not_empty({ kind = "service", code = "BucketNotEmpty" }, bucket, FORCE))
  end
end

--- Delete everything in a bucket, a row for each version and marker.
local function empty(bucket, dry)
  local counts = purge.run(s3, bucket, listing.versions(s3, bucket, ""), dry)
  if dry then
    counts.uploads_to_abort = count_uploads(bucket)
  else
    counts.failed = counts.failed + abort_uploads(bucket)
  end
  return counts
end

return policy({
  name = "s3 rb",
  summary = "Delete a bucket, with --force also what is in it.",
  description = "Asks first; --yes answers. With --force all versions, delete markers and"
    .. " unfinished uploads go for good. If some cannot be deleted the bucket stays, and the exit"
    .. " code is 3.",
  examples = { "awsbak s3 rb s3://scratch", "awsbak s3 rb s3://scratch --force --dry-run" },
  options = {
    { "url", positional = true, required = true, help = "s3://bucket" },
    { "force", kind = "flag", help = "delete all that is in it first" },
    { "dry_run", kind = "flag", help = "list what would be deleted, and delete nothing" },
  },
  run = function(o)
    local bucket, prefix = s3.parse_prefix(o.url)
    usage.refuse(prefix ~= "", o.url, "is more than the name of a bucket: s3 rm deletes objects")
    if o.dry_run then
      if not o.force then
        check_empty(bucket)
      end
      local counts = o.force and empty(bucket, true) or { dry_run = true }
      counts.bucket = bucket
      return counts
    end
    if not settings.get("yes") then
      ask(bucket, o.force)
    end
    local counts = o.force and empty(bucket) or { ok = 0, failed = 0 }
    if counts.failed == 0 then
      delete_bucket(bucket, o.force)
      counts.ok = counts.ok + 1
    end
    counts.bucket = bucket
    return counts
  end,
})
