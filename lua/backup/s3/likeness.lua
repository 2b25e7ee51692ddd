--- Whether what is there now is like an older version of it, bytes and what is said of them: then a
--- restore where it was need not copy that version.
---
--- Listings tell neither headers nor tags, so the heads of both are asked for, and their tags only
--- where both heads tell as many (API reference, HeadObject: x-amz-tagging-count, for who may read
--- tags). Storage class, encryption and locks are not looked at: they are the new version's own.

local equality = require("backup.s3.equality")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local s3_copy = require("backup.transfer.s3_copy")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_tags = require("backup.transfer.s3_tags")
local task = require("awsbak.task")

local likeness = {}

local ROUND <const> = 2048 -- steps that are held while those among them that want it are compared

---@class backup.Likeness
---@field copy backup.Copying
---@field place backup.End where both versions are
---@field at_once integer
---@field told table<string, boolean> what was said of lacking rights
---@field tags_asked boolean? whether tags may be read was found out
local Likeness = {}
Likeness.__index = Likeness

--- Comparisons of a run.
---@param copy backup.Copying what its options say of copies is not compared
---@param place backup.End where both versions are
---@param at_once integer keys that are compared at a time
---@return backup.Likeness
function likeness.new(copy, place, at_once)
  return setmetatable({ copy = copy, place = place, at_once = at_once, told = {} }, Likeness)
end

--- Warn of what cannot be compared, once for all keys.
local function tell(self, what, object, right)
  if not self.told[what] then
    self.told[what] = true
    local text = "%s cannot be compared for lack of a right (%s), first of s3://%s/%s; what has the"
      .. " same bytes is left as it is"
    log.warn(text, what, right, self.place.bucket, object.key)
  end
end

--- Metadata but for the mark of the upload that brought it, which is nobody's.
local function is_same_metadata(a, b)
  a, b = a or {}, b or {}
  for _, pair in ipairs({ { a, b }, { b, a } }) do
    for name, value in pairs(pair[1]) do
      if name ~= s3_outcome.MARK and pair[2][name] ~= value then
        return false
      end
    end
  end
  return true
end

local function is_same_head(self, was, is)
  local said = self.copy.input or {}
  for _, name in ipairs(s3_copy.KEPT) do
    if said[name] == nil and was[name] ~= is[name] then
      return false
    end
  end
  return said.Metadata ~= nil or is_same_metadata(was.Metadata, is.Metadata)
end

--- An object's tags as text, in one order.
local function tags_of(self, entry)
  local _ <close> = self.copy.gate and self.copy.gate:enter() or nil
  local object = entry.object
  local input = { Bucket = self.place.bucket, Key = object.key, VersionId = object.version_id }
  local tags = self.copy.s3.get_object_tagging(input).TagSet or {}
  table.sort(tags, function(a, b)
    return a.Key < b.Key
  end)
  return s3_tags.header(tags)
end

--- Heads tell no tags also to who may not read them: whether that is so is asked once.
local function check_tags(self, step)
  if not self.tags_asked then
    self.tags_asked = true
    local _, err = errors.try(tags_of, self, step.source)
    if err and err.kind ~= "service" then
      error(err, 0)
    elseif err and err.status == 403 then
      tell(self, "tags", step.source.object, "s3:GetObjectVersionTagging")
    end
  end
end

local function has_same_tags(self, step, was, is)
  if (self.copy.input or {}).Tagging then
    return true
  elseif (was.TagCount or 0) ~= (is.TagCount or 0) then
    return false
  elseif (was.TagCount or 0) == 0 then
    check_tags(self, step)
    return true
  end
  return tags_of(self, step.source) == tags_of(self, step.target)
end

local IN_DOUBT <const> = { metadata = true, unknown = true }

--- Whether a step that is not in doubt copies what may stand for a redirect of a website: these are
--- empty, and S3 copies a redirect only where it is said (API reference, CopyObject).
local function may_redirect(step)
  return step.action == "copy" and step.source.size == 0
end

--- Why what was is to be copied over what is; nil when there is no need.
local function reason_of(self, step)
  local was = equality.head(self.copy, self.place, step.source)
  step.source.object.head = was -- for a redirect, which the copy says anew
  if not IN_DOUBT[step.reason] then
    return step.reason
  end
  local is = equality.head(self.copy, self.place, step.target)
  if step.reason == "unknown" then
    local is_equal = equality.of_heads(was, is)
    if not is_equal then
      return is_equal == nil and "unknown" or "content"
    end
  end
  local is_same = is_same_head(self, was, is) and has_same_tags(self, step, was, is)
  return not is_same and "metadata" or nil
end

local function settle(self, step)
  local is_like = step.reason == "metadata"
  local reason, err = errors.try(reason_of, self, step)
  if err and err.kind ~= "service" then
    error(err, 0)
  elseif err and err.status == 403 and is_like then
    tell(self, "metadata", step.source.object, "s3:GetObjectVersion")
  elseif err then
    step.action, step.reason, step.source.problem = "skip", "problem", err
    return
  end
  step.action, step.reason = reason and "copy" or "same", reason or "equal"
end

--- The next steps, settled.
local function round(self, steps)
  local list, doubtful = {}, {}
  for step in steps do
    list[#list + 1] = step
    if IN_DOUBT[step.reason] or may_redirect(step) then
      doubtful[#doubtful + 1] = step
    end
    if #list == ROUND then
      break
    end
  end
  task.each(doubtful, self.at_once, function(step)
    settle(self, step)
  end)
  return list
end

--- Steps of backup.s3.past, those of the reasons `unknown` and `metadata` looked into.
---@param steps fun(): backup.DiffStep?
---@return fun(): backup.DiffStep? iterator in the same order. Reason `content`: other bytes;
---  `unknown`: nothing tells; `metadata`: the same bytes, but other headers, metadata or tags; a
---  step that has nothing to do is `same`, one that cannot be looked into a `skip`. Warns once of
---  what cannot be compared for lack of rights, which is `same` where the ETags are. Raises as
---  HeadObject does where that is no answer of the service.
function Likeness:steps(steps)
  local list, at = {}, 0
  return function()
    at = at + 1
    if not list[at] then
      list, at = round(self, steps), 1
    end
    return list[at]
  end
end

return likeness
