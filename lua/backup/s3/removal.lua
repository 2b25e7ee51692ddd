--- Deleting objects by batches, each one's outcome told.
---
--- DeleteObjects answers 200 however many of its keys were refused: each key is looked for in the
--- answer, and one that is not in it counts as refused (API reference, DeleteObjects). Keys that no
--- XML can carry go by DeleteObject, one by one.

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local rounds = require("backup.rounds")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local removal = {}

local BATCH = 1000 -- keys of a DeleteObjects; S3 takes no more
local AT_ONCE = 3 -- batches; S3 counts keys, and slows down above 3,500 a second of a prefix
local ATTEMPTS = 4 -- for a key that S3 says to try again
local WAIT_S = 0.2 -- at most, before the second; doubled for each one after it

---@class backup.Removal what became of one object, version or marker
---@field key string
---@field version_id string? that was to be deleted
---@field result "deleted"|"marked"|"failed" marked: a delete marker hides it, its versions stay
---@field marker string? version id of that marker: deleting it brings the object back
---@field detail string? why it failed: code and message

local transient = {
  InternalError = true,
  OperationAborted = true,
  ServiceUnavailable = true,
  SlowDown = true,
}

--- Whether XML 1.0 has all characters of a key (W3C, production 2: Char).
local function fits_xml(key)
  if key:find("[%z\1-\8\11\12\14-\31]") or not utf8.len(key) then
    return false
  end
  return not key:find("\xef\xbf[\xbe\xbf]")
end

local function id_of(key, version_id)
  return key .. "\0" .. (version_id or "")
end

local function outcome(entry, deleted)
  local is_marked = not entry.version_id and deleted.DeleteMarker
  return {
    key = entry.key,
    version_id = entry.version_id,
    result = is_marked and "marked" or "deleted",
    marker = is_marked and (deleted.DeleteMarkerVersionId or deleted.VersionId) or nil,
  }
end

local function failure(entry, code, message)
  return {
    key = entry.key,
    version_id = entry.version_id,
    result = "failed",
    detail = ("%s: %s"):format(code, message),
    again = transient[code],
  }
end

--- One by DeleteObject. What concerns more than this key (network, credentials) is raised. What was
--- sent is not cancelled, as in delete_many.
local function delete_one(s3, bucket, entry)
  local input = { Bucket = bucket, Key = entry.key, VersionId = entry.version_id }
  task.sleep(0) -- a cancellation is raised here, before the next one is sent
  local done, err = errors.try(task.shield, s3.delete_object, input)
  if done then
    return outcome(entry, done)
  elseif err.kind ~= "service" or err.code == "NoSuchBucket" then
    error(s3_fault.explain(err, bucket), 0)
  end
  return failure(entry, err.code or "error", err.message)
end

--- Entries by one DeleteObjects; fills in results[id]. What was sent is not cancelled: nobody would
--- tell what it deleted.
local function delete_many(s3, bucket, entries, results)
  local objects = {}
  for i, entry in ipairs(entries) do
    objects[i] = { Key = entry.key, VersionId = entry.version_id }
  end
  local done = s3_fault.call(
    bucket,
    task.shield,
    s3.delete_objects,
    { Bucket = bucket, Delete = { Objects = objects }, ChecksumAlgorithm = "CRC32" }
  )
  local said = {}
  for _, deleted in ipairs(done.Deleted or {}) do
    said[id_of(deleted.Key or "", deleted.VersionId)] = { deleted = deleted }
  end
  for _, refused in ipairs(done.Errors or {}) do
    said[id_of(refused.Key or "", refused.VersionId)] = { refused = refused }
  end
  for _, entry in ipairs(entries) do
    local id = id_of(entry.key, entry.version_id)
    local answer = said[id]
    if answer and answer.deleted then
      results[id] = outcome(entry, answer.deleted)
    elseif answer then
      local code = answer.refused.Code or "error"
      results[id] = failure(entry, code, answer.refused.Message or "S3 does not say why")
    else
      results[id] = failure(entry, "no_answer", "S3 does not say what became of it")
    end
  end
end

local function attempt(s3, bucket, entries, results)
  local batch = {}
  for _, entry in ipairs(entries) do
    if fits_xml(entry.key) then
      batch[#batch + 1] = entry
    else
      results[id_of(entry.key, entry.version_id)] = delete_one(s3, bucket, entry)
    end
  end
  if #batch > 0 then
    delete_many(s3, bucket, batch, results)
  end
end

--- What became of a batch, in its order; nothing of entries that it did not come to.
local function told(entries, results)
  local list = {}
  for _, entry in ipairs(entries) do
    local result = results[id_of(entry.key, entry.version_id)]
    if result then
      result.again = nil
      list[#list + 1] = result
    end
  end
  return list
end

--- Delete a batch, what S3 was too busy for again; fills in results[id].
local function delete(s3, bucket, entries, results)
  local left = entries
  for number = 1, ATTEMPTS do
    attempt(s3, bucket, left, results)
    local again = {}
    for _, entry in ipairs(left) do
      if results[id_of(entry.key, entry.version_id)].again then
        again[#again + 1] = entry
      end
    end
    if #again == 0 or number == ATTEMPTS then
      break
    end
    left = again
    outside.sleep(outside.random() * WAIT_S * 2 ^ (number - 1))
  end
end

--- Batches of an iterator's entries.
local function batches(entries)
  return function()
    local batch = {}
    while #batch < BATCH do
      local entry = entries()
      if not entry then
        break
      end
      batch[#batch + 1] = entry
    end
    return #batch > 0 and batch or nil
  end
end

--- Delete entries, some batches at once; nothing is deleted before the first result is asked for.
---@param s3 table a client
---@param bucket string
---@param entries fun(): { key: string, version_id: string? }? iterator; without a version id a
---  bucket that keeps versions puts a delete marker
---@return fun(): backup.Removal? results in the order of the entries. What ends all (no network, no
---  such bucket, a cancellation) is raised once the results of what was done are told.
function removal.run(s3, bucket, entries)
  local stopped
  local following = batches(entries)
  local function unless_stopped()
    return not stopped and following() or nil
  end
  local done = rounds.map(unless_stopped, AT_ONCE, AT_ONCE, function(batch)
    local results = {}
    local _, err = errors.try(delete, s3, bucket, batch, results)
    stopped = stopped or err
    return told(batch, results)
  end)
  local results, at = {}, 0
  return function()
    at = at + 1
    while not results[at] do
      results, at = done(), 1
      if not results and stopped then
        error(stopped, 0)
      elseif not results then
        return nil
      end
    end
    return results[at]
  end
end

return removal
