--- Copy what differs between two folders: awsbak s3 sync photos s3://vault/photos

local bulk = require("backup.s3.bulk")
local cache = require("backup.s3.cache")
local copying = require("backup.s3.copying")
local diff = require("backup.s3.diff")
local ends = require("backup.s3.ends")
local errors = require("awsbak.errors")
local filter = require("backup.s3.filter")
local members = require("backup.s3.members")
local policy = require("awsbak.policy")
local s3 = require("aws.s3")
local settings = require("awsbak.settings")
local tally = require("backup.s3.tally")
local units = require("awsbak.units")
local usage = require("backup.s3.usage")

local options = {
  { "from", positional = true, required = true, help = "folder, or s3://bucket/folder" },
  { "to", positional = true, required = true, help = "folder, or s3://bucket/folder" },
  { "checksum", kind = "flag", help = "compare checksums where sizes are the same, not times" },
  { "size_only", kind = "flag", help = "compare nothing but sizes" },
  { "exact", kind = "flag", help = "to a folder: also replace what is newer there" },
  { "delete", kind = "flag", help = "delete from the target what the source has not" },
  { "allow_empty", kind = "flag", help = "with --delete: FROM may be empty, and all of TO goes" },
  { "dry_run", kind = "flag", help = "list what would be done, and do nothing" },
}
table.move(ends.options, 1, #ends.options, #options + 1, options)
table.move(filter.options, 1, #filter.options, #options + 1, options)
table.move(cache.options, 1, #cache.options, #options + 1, options)
table.move(members.options, 1, #members.options, #options + 1, options)

--- How diff.steps is to compare.
local function comparison(o)
  usage.refuse(o.checksum and o.size_only, "--checksum", "does not go with --size-only")
  usage.refuse(o.exact and (o.checksum or o.size_only), "--exact", "compares times: it goes alone")
  usage.refuse(o.exact and ends.is_s3(o.to), "--exact", "is for a folder: S3 sets its own times")
  usage.refuse(o.allow_empty and not o.delete, "--allow-empty", "goes with --delete")
  return o.checksum and "checksum" or o.size_only and "size" or o.exact and "exact" or "newer"
end

--- The first entry that has no such field.
local function first_without(field, entries)
  for entry in entries do
    if not entry[field] then
      return entry
    end
  end
end

local function refuse_empty(problem, o, is_filtered)
  local why = problem and (" (%s)"):format(problem.message) or ""
  local none = is_filtered and "no files that --exclude and --include leave" or "no files"
  local message = is_filtered and "%s has %s%s, and --delete would delete all such in %s"
    or "%s has %s%s, and --delete would empty %s"
  errors.raise({
    kind = "usage",
    code = "empty_source",
    message = message:format(o.from, none, why, o.to),
    hint = "check the name, and what is mounted there; --allow-empty does it",
  })
end

--- The entries of the source. Raises when none is a file that can be copied and the target has what
--- would be deleted: that is more often a wrong name, or a disk that is not mounted, than a wish.
local function not_empty(from, to, o)
  local source = from:entries(to)
  local first = source()
  local is_empty = not first or first.problem and not first_without("problem", from:entries(to))
  if is_empty and first_without("left_out", to:entries(from)) then
    local problem = first and not first.left_out and first.problem or nil
    refuse_empty(problem, o, from.filter ~= nil)
  end
  local held = first
  return function()
    local entry = held
    held = nil
    return entry or first and source()
  end
end

--- Counts what would be deleted and asks; when the latest of that was changed.
local function ask(steps, o)
  local found = tally.of(steps())
  if found.deletes > 0 then
    local question = "Delete %s in %s that %s has not?"
    policy.confirm(question:format(units.show_count(found.deletes, "file"), o.to, o.from))
  end
  return found.newest
end

return policy({
  name = "s3 sync",
  summary = "Copy what differs from a folder to S3, from S3 to a folder, or within S3.",
  description = "What has another size, or is newer in the source, is copied; what fails is a row"
    .. " with the reason (exit code 3). --delete counts and asks first; --yes answers. Below a"
    .. " folder no link is followed, and no key leads out of it.",
  examples = {
    "awsbak s3 sync photos s3://vault/photos",
    "awsbak s3 sync s3://vault/photos /restore/photos --dry-run",
    "awsbak s3 sync photos s3://vault/photos --exclude '*' --include '*.jpg'",
    "awsbak s3 sync s3://vault s3://archive --delete --yes",
  },
  options = options,
  run = function(o)
    ends.check(o.from, o.to, s3)
    ends.check_options(o, o.from, o.to)
    local compare = comparison(o)
    local chosen = filter.of(o, true, true)
    local kept <close> = cache.of_copy(o, o.from, o.to)
    local copy = copying.asked(s3, o, bulk.at_once())
    copy.cache = kept
    local from <close> = ends.source(s3, o.from)
    local to <close> = ends.target(s3, o.to, o.dry_run)
    from.filter, to.filter = chosen, chosen
    local function steps()
      local guards = o.delete and not o.allow_empty
      local source = guards and not_empty(from, to, o) or from:entries(to)
      return diff.steps(source, to:entries(from), {
        compare = compare,
        delete = o.delete,
        equal = function() end, -- cannot be told here: it is asked where the files are copied
      })
    end
    local newest = math.huge
    if o.delete and not o.dry_run and not settings.get("yes") then
      newest = ask(steps, o)
    end
    return bulk.run({
      copy = copy,
      from = from,
      to = to,
      is_listed = true,
      compare = o.checksum,
      delete = o.delete,
      dry = o.dry_run,
    }, tally.only(steps(), newest))
  end,
})
