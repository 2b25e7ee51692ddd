--- What commands that delete have in common: count first, ask, then delete no more than was
--- counted, and tell what became of each.

local progress = require("awsbak.progress")
local removal = require("backup.s3.removal")
local rows = require("backup.s3.rows")
local units = require("awsbak.units")

local purge = {}

---@class backup.Count
---@field count integer
---@field bytes integer
---@field newest number of the latest change, epoch seconds

--- Count entries, without keeping them.
---@param entries fun(): backup.S3Entry? iterator
---@return backup.Count
function purge.count(entries)
  local found = { count = 0, bytes = 0, newest = 0 }
  local shown <close> = progress.start("objects")
  for entry in entries do
    found.count, found.bytes = found.count + 1, found.bytes + (entry.size or 0)
    found.newest = math.max(found.newest, entry.modified or 0)
    shown:add()
  end
  return found
end

--- Only entries that were there when they were counted: what is younger than all of those came
--- after the question was asked.
---@param entries fun(): backup.S3Entry? iterator
---@param counted backup.Count
---@return fun(): backup.S3Entry? iterator
function purge.counted(entries, counted)
  return function()
    for entry in entries do
      if (entry.modified or 0) <= counted.newest then
        return entry
      end
    end
  end
end

--- "1 object (5 B)", "1203 versions (5.6 GiB)", for questions.
---@param found backup.Count
---@param noun string "object"
---@return string
function purge.describe(found, noun)
  return ("%s (%s)"):format(units.show_count(found.count, noun), units.show_size(found.bytes))
end

local COLUMNS = { "key", { key = "version_id", whole = true }, "result", "detail" }

--- Delete entries, a row for each; or with `dry` a row for each that would be deleted.
---@param s3 table a client
---@param bucket string
---@param entries fun(): { key: string, version_id: string? }? iterator
---@param dry boolean?
---@return table counts { ok, failed }, or { dry_run, to_delete }
--- Raises as the client does, after the rows of what was done.
function purge.run(s3, bucket, entries, dry)
  local counts = { ok = 0, failed = 0 }
  local shown <close> = progress.start("objects")
  local results = not dry and removal.run(s3, bucket, entries)
  local told = rows.tell(COLUMNS, function()
    if dry then
      local entry = entries()
      return entry
        and {
          bucket = bucket,
          key = entry.key,
          version_id = entry.version_id,
          result = "to delete",
        }
    end
    local result = results()
    if result then
      result.bucket = bucket
      local name = result.result == "failed" and "failed" or "ok"
      counts[name] = counts[name] + 1
      shown:add()
    end
    return result
  end)
  return dry and { dry_run = true, to_delete = told } or counts
end

return purge
