--- A prefix as it was at a time: what a reader got then, to be copied elsewhere, or the steps that
--- bring it back where it was.

local past = {}

--- Versions of a time, to be compared with what is elsewhere.
---@param versions fun(): backup.S3Entry? listing.at of a listing of versions
---@param prefix string that is cut off their keys
---@return fun(): backup.DiffEntry?
function past.entries(versions, prefix)
  return function()
    for entry in versions do
      local key = entry.key:sub(#prefix + 1)
      if key ~= "" then -- that stands for the folder itself
        return { key = key, size = entry.size, modified = entry.modified, object = entry }
      end
    end
  end
end

--- Each key's versions: what is current, and what was at the time.
local function keys(versions, at)
  local following = versions()
  return function()
    local current, found = following, nil
    while following and following.key == current.key do
      if not found and following.modified <= at then
        found = following
      end
      following = versions()
    end
    return current, found
  end
end

local function entry_of(object, key)
  return { key = key, size = object.size or 0, modified = object.modified, object = object }
end

--- Why what was is to be copied over what is; nil when there is no need.
local function reason_of(was, is)
  if is.version_id == was.version_id then
    return nil
  elseif is.kind == "marker" then
    return "deleted"
  elseif is.size ~= was.size then
    return "size"
  end
  local is_like = is.size == 0 or is.etag ~= nil and is.etag == was.etag
  return is_like and "metadata" or "unknown"
end

local function step_of(current, was, key)
  local target = entry_of(current, key)
  if not was or was.kind == "marker" then
    if current.kind == "marker" then
      return nil
    end
    return { action = "delete", key = key, reason = "extra", target = target }
  end
  local reason = reason_of(was, current)
  return {
    action = reason and "copy" or "same",
    key = key,
    reason = reason or "equal",
    source = entry_of(was, key),
    target = target,
  }
end

--- What is to be done so that a reader gets what was there at a time: old versions are copied over
--- current ones, what came later is hidden by a delete marker. No version is lost.
---@param versions fun(): backup.S3Entry? as listing.versions gives them
---@param at number epoch seconds
---@param prefix string that is cut off their keys
---@return fun(): backup.DiffStep? iterator in the order of keys. Reason `deleted`: a delete marker
---  hides it now; `unknown`: of one size, and the ETags do not tell whether it is the same;
---  `metadata`: of the same bytes, and what is said of them may be other. Both are looked into by
---  backup.s3.likeness
function past.steps(versions, at, prefix)
  local following = keys(versions, at)
  return function()
    for current, was in following do
      local step = step_of(current, was, current.key:sub(#prefix + 1))
      if step then
        return step
      end
    end
  end
end

return past
