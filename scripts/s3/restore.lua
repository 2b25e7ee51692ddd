--- Bring back what was in S3: awsbak s3 restore s3://vault/ssm --at 2d --to /restore

local bulk = require("backup.s3.bulk")
local cache = require("backup.s3.cache")
local copying = require("backup.s3.copying")
local diff = require("backup.s3.diff")
local ends = require("backup.s3.ends")
local errors = require("awsbak.errors")
local filter = require("backup.s3.filter")
local likeness = require("backup.s3.likeness")
local listing = require("backup.s3.listing")
local members = require("backup.s3.members")
local past = require("backup.s3.past")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local s3_fault = require("backup.transfer.s3_fault")
local settings = require("awsbak.settings")
local sides = require("backup.s3.sides")
local tally = require("backup.s3.tally")
local time = require("awsbak.time")
local units = require("awsbak.units")
local usage = require("backup.s3.usage")

local options = {
  { "url", positional = true, required = true, help = "s3://bucket or s3://bucket/folder" },
  { "object", kind = "flag", help = "the URL is one object, s3://bucket/key, and no folder" },
  { "at", kind = "time", required = true, help = "RFC 3339, a date, or how long ago: 2d" },
  { "to", help = "folder, or s3://bucket/folder (default: where it was)" },
  { "force", kind = "flag", help = "with --to: replace what is there and differs" },
  { "dry_run", kind = "flag", help = "list what would be done, and do nothing" },
}
table.move(ends.options, 1, #ends.options, #options + 1, options)
table.move(filter.options, 1, #filter.options, #options + 1, options)
table.move(cache.options, 1, #cache.options, #options + 1, options)
table.move(members.options, 1, #members.options, #options + 1, options)

--- What is brought back: a folder in S3, or the one that an object is in; with `versions`, a
--- listing anew at each call, and `key`, that of the object alone.
local function source(o, chosen)
  if not o.object then
    local from = ends.prefix(s3, o.url)
    from.filter = chosen
    function from.versions()
      local versions = listing.versions(s3, from.bucket, from.prefix)
      return chosen and chosen:listed(versions, from.prefix) or versions
    end
    return from
  end
  local bucket, key = s3.parse_url(o.url)
  local folder = key:match("^.*/") or ""
  local from = ends.prefix(s3, ("s3://%s/%s"):format(bucket, folder))
  from.key = key:sub(#folder + 1)
  usage.refuse(from.key == "", "--object", "is for a key that does not end with /")
  function from.versions()
    return listing.only(listing.versions(s3, bucket, key), key)
  end
  return from
end

--- Raise for a folder that never had anything in it, and is called as an object is: that was meant.
local function check_folder(o, from)
  local bucket, key = s3.parse_prefix(o.url)
  local is_open = not from.key and key ~= "" and key:sub(-1) ~= "/"
  local is_empty = is_open and not listing.versions(s3, bucket, from.prefix)()
  if is_empty and listing.only(listing.versions(s3, bucket, key), key)() then
    errors.raise({
      kind = "usage",
      code = "no_folder",
      message = o.url .. " is an object, and no folder",
      hint = "--object brings back one",
    })
  end
end

--- Raise for an object that was not there: of a folder nobody can tell.
local function check_known(o, from)
  local versions = from.versions()
  if o.to then
    versions = listing.at(versions, o.at) -- in place, one that came later is hidden
  end
  if from.key and not versions() then
    errors.raise({
      kind = "io",
      code = "no_version",
      message = ("%s has no version of %s or before"):format(o.url, time.rfc3339(o.at)),
      hint = "awsbak s3 versions lists them; without --object the URL is a folder",
    })
  end
end

--- Where a bucket keeps no versions, what is copied over and deleted would be lost.
local function check_versioning(bucket)
  local status = s3_fault.call(bucket, s3.get_bucket_versioning, { Bucket = bucket }).Status
  if status ~= "Enabled" then
    errors.raise({
      kind = "io",
      code = "no_versions",
      message = ("bucket %s keeps no versions now: what is there would be lost"):format(bucket),
      hint = "name another place by --to, or turn versioning on first",
    })
  end
end

--- Counts what would change and asks; when the latest of it was changed.
local function ask(steps, where, at)
  local found = tally.of(steps)
  if found.copies + found.deletes > 0 then
    local question = "Bring back %s (%s) and delete %d in %s, as it was at %s?"
    local many, size = units.show_count(found.copies, "object"), units.show_size(found.bytes)
    policy.confirm(question:format(many, size, found.deletes, where, time.rfc3339(at)))
  end
  return found.newest
end

--- Where it was.
local function in_place(o, from, job)
  usage.refuse(o.force, "--force", "goes with --to")
  check_versioning(from.bucket)
  local like = likeness.new(job.copy, from, bulk.at_once())
  local function steps()
    return like:steps(past.steps(from.versions(), o.at, from.prefix))
  end
  local newest = math.huge
  if not o.dry_run and not settings.get("yes") then
    newest = ask(steps(), from.key and o.url or from.name, o.at)
  end
  job.to = from
  return bulk.run(job, tally.only(steps(), newest, true))
end

--- A list of one entry, or of none, as an iterator.
local function once(entry)
  return function()
    local found = entry
    entry = nil
    return found
  end
end

--- In another place: what is there already and is the same is left alone, so that a run that was
--- ended goes on.
local function elsewhere(o, from, job)
  local to <close> = ends.target(s3, o.to, o.dry_run)
  to.filter = from.filter
  local is_folder = to.kind == "folder"
  local versions = listing.at(from.versions(), o.at)
  local entries = is_folder and sides.objects(versions, from.bucket, from.prefix)
    or past.entries(versions, from.prefix)
  job.to, job.keep, job.compare = to, not o.force, true
  local there = from.key and once(to:entry(from.key)) or to:entries(from)
  return bulk.run(job, diff.steps(entries, there, {
    compare = is_folder and "exact" or "checksum",
    equal = function() end, -- cannot be told here: it is asked where the files are copied
  }))
end

return policy({
  name = "s3 restore",
  summary = "Bring back a folder or object in S3 as it was, from versions and delete markers.",
  description = "Where it was, old versions are copied over what is there now, and a delete marker"
    .. " hides what came later: no version is lost. It counts and asks first; --yes answers. With"
    .. " --to it goes elsewhere, and nothing that differs is replaced without --force.",
  examples = {
    "awsbak s3 restore s3://vault/ssm --at 2d --dry-run",
    "awsbak s3 restore s3://vault/ssm --at 2026-11-21T03:51:00Z --to /restore/ssm",
    "awsbak s3 restore s3://vault --at 2026-11-21 --to s3://rescue/vault --exclude '*.tmp'",
    "awsbak s3 restore --object s3://vault/ssm/app.age --at 2d",
  },
  options = options,
  run = function(o)
    if o.to then
      ends.check(o.url, o.to, s3)
    end
    ends.check_options(o, o.url, o.to or o.url)
    local is_here = o.to ~= nil and not ends.is_s3(o.to)
    local chosen = filter.of(o, not o.object, is_here, "it does not go with --object")
    local kept <close> = cache.of_copy(o, o.url, o.to or o.url)
    local from = source(o, chosen)
    check_folder(o, from)
    check_known(o, from)
    local copy = copying.asked(s3, o, bulk.at_once())
    copy.cache = kept
    local job = {
      copy = copy,
      from = from,
      is_listed = true,
      dry = o.dry_run,
    }
    return (o.to and elsewhere or in_place)(o, from, job)
  end,
})
