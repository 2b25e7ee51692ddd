--- List unfinished uploads, or end them: awsbak s3 uploads s3://vault --abort --older-than 1d

local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local rows = require("backup.s3.rows")
local s3 = require("aws.s3")
local time = require("awsbak.time")
local units = require("awsbak.units")
local uploads = require("backup.s3.uploads")

local COLUMNS = {
  "key",
  "begun",
  { key = "age", kind = "duration" },
  "parts",
  { key = "bytes", kind = "size" },
  "upload_id",
}

local function row_of(upload, now)
  return {
    key = upload.key,
    begun = time.rfc3339(upload.begun),
    age = math.max(0, math.floor(now - upload.begun)), -- whole seconds, as S3 tells them
    parts = upload.parts,
    bytes = upload.bytes,
    storage_class = upload.storage_class,
    upload_id = upload.upload_id,
    result = upload.result,
    detail = upload.detail,
  }
end

local function show(list, now)
  return output.rows(
    COLUMNS,
    rows.each(list, "uploads", function(upload)
      return row_of(upload, now)
    end)
  )
end

--- Counts and asks; true when there is something to abort.
local function ask(list, now)
  local count, bytes, youngest = 0, 0, math.huge
  local shown <close> = progress.start("uploads")
  for upload in list do
    count, bytes = count + 1, bytes + upload.bytes
    youngest = math.min(youngest, now - upload.begun)
    shown:add()
  end
  if count > 0 then
    policy.confirm(
      ("Abort %s (%s), the last of them begun %s ago?"):format(
        units.show_count(count, "upload"),
        units.show_size(bytes),
        units.show_duration(math.max(0, youngest))
      )
    )
  end
  return count > 0
end

local function abort(bucket, list, now)
  local counts = { ok = 0, failed = 0 }
  rows.tell(
    { "key", "begun", "upload_id", "result", "detail" },
    rows.each(uploads.abort(s3, bucket, list), "uploads", function(upload)
      local name = upload.result == "failed" and "failed" or "ok"
      counts[name] = counts[name] + 1
      return row_of(upload, now)
    end)
  )
  return counts
end

return policy({
  name = "s3 uploads",
  summary = "List unfinished multipart uploads, or abort them.",
  description = "Parts of uploads that were never finished are paid for, and no other listing shows"
    .. " them. --abort asks first and takes those, too, that another program is still busy with:"
    .. " --older-than keeps them out.",
  examples = {
    "awsbak s3 uploads s3://vault",
    "awsbak s3 uploads s3://vault/ssm/ --abort --older-than 1d --yes",
  },
  options = {
    { "url", positional = true, required = true, help = "s3://bucket or s3://bucket/prefix" },
    { "older_than", kind = "duration", help = "only those begun longer ago than this" },
    { "abort", kind = "flag", help = "abort them: what they hold is gone" },
    { "dry_run", kind = "flag", help = "with --abort, list what would be aborted" },
  },
  run = function(o)
    local bucket, prefix = s3.parse_prefix(o.url)
    local now = outside.now()
    -- What is begun while the question stands is not aborted, whatever --older-than says.
    local before = now - (o.older_than or 0)
    local function list(sizes)
      return uploads.list(s3, bucket, prefix, { before = before, sizes = sizes })
    end
    if not o.abort or o.dry_run then
      local count = show(list(true), now)
      return o.abort and { dry_run = true, to_abort = count } or { ok = count }
    elseif not require("awsbak.settings").get("yes") and not ask(list(true), now) then
      return { ok = 0, failed = 0 }
    end
    return abort(bucket, list(false), now)
  end,
})
