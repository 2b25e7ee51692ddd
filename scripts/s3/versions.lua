--- List versions and delete markers: awsbak s3 versions s3://vault/ssm/ --at 2d

local filter = require("backup.s3.filter")
local listing = require("backup.s3.listing")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local rows = require("backup.s3.rows")
local s3 = require("aws.s3")

local COLUMNS = {
  "key",
  { key = "version_id", whole = true },
  "kind",
  "latest",
  { key = "size", kind = "size" },
  "modified",
}

return policy({
  name = "s3 versions",
  summary = "List versions and delete markers, newest first, or what there was at a time.",
  description = "kind is version or marker: what deleting left in place of the object; latest is"
    .. " what a reader gets now. With --at: of each key the version that a reader got then.",
  examples = {
    "awsbak s3 versions s3://vault/ssm/today.age",
    "awsbak s3 versions s3://vault/ssm/ --at 2026-11-21T03:51:00Z",
    "awsbak s3 versions s3://vault --at 2d --exclude '*.tmp'",
  },
  options = {
    {
      "url",
      positional = true,
      required = true,
      help = "s3://bucket or s3://bucket/prefix",
    },
    { "at", kind = "time", help = "only what existed then" },
    table.unpack(filter.options),
  },
  run = function(o)
    local chosen = filter.of(o, true)
    local bucket, prefix = s3.parse_prefix(o.url)
    local entries = listing.versions(s3, bucket, prefix)
    entries = chosen and chosen:listed(entries, prefix) or entries
    if o.at then
      entries = listing.at(entries, o.at)
    end
    return { ok = output.rows(COLUMNS, rows.each(entries, "versions")) }
  end,
})
