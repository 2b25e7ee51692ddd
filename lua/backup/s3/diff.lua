--- What is to be done so that a target holds what a source holds: two sorted streams, walked at
--- the same time, one entry of each in memory.
---
---     for s in diff.steps(files, objects, { delete = true }) do print(s.action, s.key) end
---
--- What cannot be looked at (a folder without the right to read it, a link) is a problem and not
--- absent: it is skipped, and nothing below it is deleted on the other side, also where a filter
--- leaves it out.
---
--- Nothing is sent, read or written here: entries come from a listing or a walk, and what a step
--- says is done by who asked. Times are compared in whole seconds, which is all that S3 keeps: a
--- change of equal size within the second of the last copy, or one that a clock which is behind
--- dates back, is found by `checksum` alone.

local ancestors = require("backup.s3.ancestors")
local errors = require("awsbak.errors")

local diff = {}

---@class backup.DiffEntry
---@field key string the same on both sides: relative to what is compared
---@field size integer bytes
---@field modified number? epoch seconds
---@field problem awsbak.Error? there is something that cannot be looked at: with "/" at the end of
---  its key, in a folder
---@field left_out boolean? a filter leaves it out: nothing is told of its problem

---@class backup.DiffStep
---@field action "copy"|"delete"|"same"|"skip" skip: for the problem of an entry
---@field key string
---@field reason "new"|"size"|"newer"|"time"|"content"|"unknown"|"asked"|"extra"|"equal"|"problem"
---@field source backup.DiffEntry? not of what is to be deleted
---@field target backup.DiffEntry? not of what is new; where there is none, nothing may be replaced

local function seconds(entry)
  return entry.modified and math.floor(entry.modified)
end

-- Each way to compare two entries of equal size: why to copy, or nil.
local ways = {
  size = function() end,
  none = function()
    return "asked"
  end,
  newer = function(source, target)
    local from, to = seconds(source), seconds(target)
    return (not from or not to) and "unknown" or from > to and "newer" or nil
  end,
  exact = function(source, target)
    local from, to = seconds(source), seconds(target)
    return (not from or not to) and "unknown" or from ~= to and "time" or nil
  end,
  checksum = function(source, target, equal)
    local is_equal = equal(source, target)
    return is_equal == nil and "unknown" or not is_equal and "content" or nil
  end,
}

--- The entries of one side; raises when they are not in order, in which nothing could be compared.
local function sorted(entries, side)
  local last
  return function()
    local entry = entries()
    if entry and last and entry.key <= last then
      errors.raise({
        kind = "reply",
        code = "order",
        message = ("the %s cannot be compared: it has %s after %s"):format(side, entry.key, last),
        hint = "directory buckets are not sorted, so there is no sync with them",
      })
    end
    last = entry and entry.key
    return entry
  end
end

local function step(action, reason, source, target)
  return {
    action = action,
    key = (source or target).key,
    reason = reason,
    source = source,
    target = target,
  }
end

local function compare(source, target, options)
  if source.problem or target.problem then
    return step("skip", "problem", source, target)
  end
  if source.size ~= target.size then
    return step("copy", "size", source, target)
  end
  local reason = ways[options.compare or "newer"](source, target, options.equal)
  return step(reason and "copy" or "same", reason or "equal", source, target)
end

--- The steps, in the order of keys.
---@param source fun(): backup.DiffEntry? iterator, by the bytes of keys
---@param target fun(): backup.DiffEntry? iterator, by the bytes of keys
---@param options { compare: "newer"|"exact"|"size"|"checksum"|"none"|nil, delete: boolean?, equal:
---  (fun(source: backup.DiffEntry, target: backup.DiffEntry): boolean?)? }? `newer` (the default):
---  copy what was changed later than the target; `exact`: what was changed at another second;
---  `checksum` asks `equal` about what has equal sizes, nil: it cannot be told; `none`: copy all.
---  With `delete` what the source has not is deleted, otherwise there is no step for it.
---@return fun(): backup.DiffStep? iterator; raises kind reply, code order, and what the streams
---  raise
function diff.steps(source, target, options)
  options = options or {}
  assert(ways[options.compare or "newer"], "no such way to compare")
  assert(options.compare ~= "checksum" or options.equal, "checksums are compared by `equal`")
  local next_source, next_target = sorted(source, "source"), sorted(target, "target")
  local from, to, began
  local doubtful = ancestors.new() -- what the source may have, if it could be looked at
  local function doubt(entry)
    if entry.problem then
      doubtful:add((entry.key:gsub("/$", "")))
    end
  end
  return function()
    if not began then
      began, from, to = true, next_source(), next_target()
    end
    while from or to do
      local found, at = from, to
      if found and at and found.key == at.key then
        doubt(found)
        from, to = next_source(), next_target()
        return compare(found, at, options)
      elseif found and (not at or found.key < at.key) then
        doubt(found)
        from = next_source()
        if not found.left_out then
          local is_copied = not found.problem
          return step(is_copied and "copy" or "skip", is_copied and "new" or "problem", found)
        end
      else
        to = next_target()
        if at.problem and not at.left_out then
          return step("skip", "problem", nil, at)
        elseif options.delete and not at.problem and not doubtful:of(at.key) then
          return step("delete", "extra", nil, at)
        end
      end
    end
  end
end

return diff
