--- Doing the steps of a copy of many files, some at once: a row for each that changes something,
--- in the order of keys. What fails is a row with the reason, and the others go on.
---
--- All requests pass one gate, so that the parts of large files and many small ones share what is
--- at work. In memory are the steps of a round.

local copying = require("backup.s3.copying")
local equality = require("backup.s3.equality")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local progress = require("awsbak.progress")
local removal = require("backup.s3.removal")
local rounds = require("backup.rounds")
local rows = require("backup.s3.rows")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_copy = require("backup.transfer.s3_copy")
local s3_parts = require("backup.transfer.s3_parts")
local settings = require("awsbak.settings")
local task = require("awsbak.task")

local bulk = {}

local AT_ONCE <const> = 16 -- files, and requests of all of them
local ROUND <const> = 512 -- steps whose rows are held until all of them are done
local BATCH <const> = 1000 -- keys of one DeleteObjects
local LATER_MAX <const> = 1000 -- files in whose place there still is a folder
local GC_PAUSE <const> = 200 -- per cent of the heap: small objects leave much garbage
local BROKEN_MAX <const> = 2 * AT_ONCE -- files in a row that found no network: nobody is there
local ONE_COPY_MAX <const> = 5 * 1024 * 1024 * 1024 -- of larger ones the head is asked for

---@class backup.Bulk
---@field copy backup.Copying
---@field from backup.End
---@field to backup.End
---@field replace boolean? also what no step has seen
---@field keep boolean? replace nothing, also what a step has seen
---@field is_listed boolean? whether steps tell all that is there
---@field compare boolean? whether steps of the reason "unknown" are compared by checksum
---@field delete boolean? whether there may be steps that delete
---@field dry boolean? rows of what would be done, and nothing is

--- How many files are worked on at once, and requests of all of them.
---@return integer
function bulk.at_once()
  return settings.get("concurrency") or AT_ONCE
end

local function row_of(step, result, more)
  local row = { key = step.key, result = result, reason = step.reason }
  for name, value in pairs(more or {}) do
    row[name] = value
  end
  return row
end

--- The row of a step that failed. What many steps have in common is hinted at once.
local function failed(self, step, err)
  if err.code == "EMFILE" and not self.is_advised then
    self.is_advised = true
    log.warn("%s", tostring(errors.from(err)))
  end
  local detail = err.message or tostring(err)
  if err.kind == "service" and err.code and not detail:find(err.code, 1, true) then
    detail = ("%s: %s"):format(err.code, detail)
  end
  return row_of(step, "failed", { detail = detail })
end

-- Codes of failures that each other file would have as well.
local FATAL = {
  EDQUOT = true,
  ENOSPC = true,
  EROFS = true,
  ExpiredToken = true,
  InvalidAccessKeyId = true,
  NoSuchBucket = true,
  part_size = true,
  SignatureDoesNotMatch = true,
}

-- Codes of what is in the way of a file and may be deleted: a folder, a file for a folder.
local DELETED <const> = { EEXIST = true, ENOTDIR = true, not_regular = true }

--- Whether a failure ends the whole run.
local function is_fatal(self, err)
  local is_broken = err.kind == "network" or err.kind == "timeout"
  self.broken = is_broken and self.broken + 1 or 0
  local is_ours = err.kind == "credentials" or err.kind == "memory" or err.kind == "bug"
  return is_ours or FATAL[err.code] or self.broken >= BROKEN_MAX
end

--- The head of an object as its listing tells it, which saves a request for it; nil for one of
--- more than `most` bytes, of which checksums or metadata are needed.
local function head_of(entry, most)
  if entry.size > most then
    return nil
  end
  return {
    ContentLength = entry.size,
    ETag = entry.etag and ('"%s"'):format(entry.etag),
    LastModified = entry.modified,
    VersionId = entry.version_id,
  }
end

local function place(self, entry, most)
  return {
    bucket = self.from.bucket,
    key = entry.key,
    version_id = entry.version_id,
    head = entry.head or head_of(entry, most),
  }
end

--- What copies have in common: those onto something that steps have seen, or the others.
local function in_common(self, is_seen)
  local copy = self.in_common[is_seen]
  if not copy then
    copy = {}
    for name, value in pairs(self.copy) do
      copy[name] = value
    end
    copy.force = self.replace or is_seen and not self.keep
    copy.is_absent = self.is_listed and not is_seen
    self.in_common[is_seen] = copy
  end
  return copy
end

local function copy_one(self, step)
  local copy = in_common(self, step.target ~= nil)
  local from, to = self.from, self.to
  local target = to.bucket and { bucket = to.bucket, key = to.prefix .. step.key }
  if from.kind == "folder" then
    return copying.up(copy, from:location(step.key), target, function(_, hold)
      return from.folder:open(step.key, hold)
    end)
  end
  local entry = step.source.object
  if to.kind == "folder" then
    -- The checksum of one of parts may be one of parts; the cache goes by the whole head.
    local is_asked = copy.cache or s3_checksums.has_parts(entry.etag)
    local most = is_asked and -1 or s3_parts.size(entry.size, copy.part_size)
    return copying.down(copy, place(self, entry, most), to:location(step.key), function(_, options)
      return to.folder:sink(step.key, options)
    end)
  end
  local most = s3_copy.replaces(copy.input) and -1 or ONE_COPY_MAX
  return copying.between(copy, place(self, entry, most), target)
end

--- Delete a file, and the folders above it that have nothing in them any more.
local function delete_file(self, step)
  local folder, path = self.to.folder, step.key
  local ok, err = folder:remove(path)
  if not ok and err.code ~= "ENOENT" then
    return failed(self, step, err)
  end
  repeat
    path = path:match("^(.*)/[^/]*$")
  until not path or not folder:remove(path, true)
  return row_of(step, "deleted")
end

--- Delete objects, which all go at once: a row for each that something became of, and the error
--- that ended it.
local function delete_objects(self, steps)
  local keys, of, list, at = {}, {}, {}, 0
  for i, step in ipairs(steps) do
    keys[i] = { key = self.to.prefix .. step.key }
    of[keys[i].key] = step
  end
  local results = removal.run(self.copy.s3, self.to.bucket, function()
    at = at + 1
    return keys[at]
  end)
  local _, err = errors.try(function()
    for done in results do
      local more = { detail = done.detail, marker = done.marker }
      list[#list + 1] = row_of(of[done.key], done.result, more)
    end
  end)
  return list, err
end

--- Whether a step turns out to have nothing to do.
local function is_same(self, step)
  if not self.compare or step.reason ~= "unknown" then
    return false
  end
  local is_equal = equality.of(self.copy, self.from, self.to, step)
  step.reason = is_equal == nil and "unknown" or not is_equal and "content" or step.reason
  return is_equal == true
end

--- Wait until a folder in whose place the file comes has been deleted.
local function is_for_later(self, step, err)
  local in_the_way = err.code == "not_regular" or err.code == "EEXIST"
  local is_meant = self.delete and self.to.kind == "folder" and not step.target
  if in_the_way and is_meant and self.later and #self.later < LATER_MAX then
    self.later[#self.later + 1] = step
    return true
  end
  return false
end

--- Raise what would keep a copy of a dry run from its place. What --delete would delete before is
--- taken for gone, whatever else may lie in a folder that has to go.
local function check_place(self, step)
  local to, copy = self.to, in_common(self, step.target ~= nil)
  if not to.folder then
    errors.check(not (step.target and not copy.force) or nil, {
      kind = "io",
      code = "EEXIST",
      message = to:location(step.key) .. " exists already",
    })
    return
  end
  local ok, err = to.folder:check(step.key, copy.force)
  if not ok and not (self.delete and not step.target and DELETED[err.code]) then
    error(err, 0)
  end
end

local function copied(self, step)
  if is_same(self, step) then
    self.counts.same = self.counts.same + 1
    return nil
  elseif self.dry then
    check_place(self, step)
    return row_of(step, "to copy", { bytes = step.source.size })
  end
  local done = copy_one(self, step)
  self.broken = 0
  local row = row_of(step, "copied")
  row.bytes, row.version_id, row.cached = done.bytes, done.version_id, done.cached
  return row
end

--- Do a step, or steps that delete objects; rows.
local function perform(self, step)
  if self.stopped then
    return nil -- it is not done, and so has no row
  elseif step.deletes then
    local list, err = delete_objects(self, step.deletes)
    self.stopped = self.stopped or err
    return list
  elseif step.action == "delete" then
    return { self.dry and row_of(step, "to delete") or delete_file(self, step) }
  elseif step.action == "skip" then
    return { failed(self, step, (step.source and step.source.problem) or step.target.problem) }
  end
  local ok, row = pcall(copied, self, step)
  if ok then
    return row and { row }
  end
  local err = errors.from(row)
  if err.kind == "cancelled" then
    error(err, 0)
  elseif is_for_later(self, step, err) then
    return nil
  elseif is_fatal(self, err) then
    self.stopped = self.stopped or err
  end
  return { failed(self, step, err) }
end

--- The work: steps that change something; those that delete objects together.
local function work(self, steps)
  local deletes = {}
  local function batch()
    local all = deletes
    deletes = {}
    return { deletes = all }
  end
  local function following()
    for step in steps do
      self.is_any = true
      if step.action == "same" then
        self.counts.same = self.counts.same + 1
      elseif step.action ~= "delete" or self.dry or self.to.kind == "folder" then
        return step
      else
        deletes[#deletes + 1] = step
        if #deletes == BATCH then
          return batch()
        end
      end
    end
    return #deletes > 0 and batch() or nil
  end
  return function()
    local step = not self.stopped and following() or nil
    if step and step.action == "copy" then
      self.shown:expect(step.source.size)
    end
    return step
  end
end

--- What waited for deletions, which are done by now.
local function waiting(self)
  local list, at = self.later, 0
  self.later = nil
  return function()
    at = at + 1
    return not self.stopped and list[at] or nil
  end
end

-- Names of counts that are not those of their results.
local COUNTED <const> = { ["to copy"] = "to_copy", ["to delete"] = "to_delete" }

--- Count a row.
local function count(self, row)
  local counts = self.counts
  local name = COUNTED[row.result] or row.result
  if name == "copied" or name == "deleted" or name == "marked" then
    counts.ok = counts.ok + 1
  end
  counts[name] = (counts[name] or 0) + 1
  counts.bytes = counts.bytes + (row.bytes or 0)
  if row.cached then
    counts.cached = counts.cached + 1
  end
end

local COLUMNS = { "key", "result", "reason", { key = "bytes", kind = "size" }, "detail" }

local function each_row(self, steps)
  local function start(iterator)
    return rounds.map(iterator, ROUND, bulk.at_once(), function(step)
      return perform(self, step)
    end)
  end
  local done = start(work(self, steps))
  local list, at = {}, 0
  return function()
    at = at + 1
    while not list[at] do
      list, at = done(), 1
      if not list and self.later and self.later[1] then
        list, done = {}, start(waiting(self))
      elseif not list then
        return nil
      end
    end
    count(self, list[at])
    return list[at]
  end
end

--- Let the heap grow so far before it is collected, for the time of a block.
local function with_pause(pause)
  local before = collectgarbage("setpause", pause)
  return setmetatable({}, {
    __close = function()
      collectgarbage("setpause", before)
    end,
  })
end

--- Do steps, and write a row for each that does something.
---@param job backup.Bulk
---@param steps fun(): backup.DiffStep?
---@return { ok: integer, failed: integer, same: integer, bytes: integer } counts with those of each
---  result as well: copied, deleted, marked; to_copy and to_delete of a dry run; cached of a copy
---  that goes by the cache
--- Raises what ends all (no such bucket, no credentials, a full disk, a cancellation) or `steps`
--- raise, after the rows of what was done. Of requests that a cancellation cut nothing is known.
function bulk.run(job, steps)
  local self = setmetatable({
    counts = { ok = 0, failed = 0, same = 0, bytes = 0, cached = job.copy.cache and 0 },
    later = {},
    broken = 0,
    in_common = {},
  }, { __index = job })
  local shown <close> = progress.start("", nil, true)
  shown:keep_telling()
  self.shown = shown
  job.copy.gate = task.gate(bulk.at_once())
  copying.prepare(job.copy)
  local _ <close> = with_pause(GC_PAUSE)
  function job.copy.progress(bytes)
    shown:add(bytes)
  end
  rows.tell(COLUMNS, each_row(self, steps))
  shown:close()
  if self.stopped then
    error(self.stopped, 0)
  end
  self.counts.dry_run = job.dry or nil
  if job.from.bucket and not self.is_any then
    local what = job.from.filter and "nothing that the filters take" or "nothing"
    local where = job.from:location(job.from.key or "")
    log.warn("%s was found below %s", what, where) -- mistyped?
  end
  return self.counts
end

return bulk
