--- The two sides of a copy between a prefix and a folder, as streams that backup.s3.diff compares:
--- keys relative to both, in one order, and what cannot be on the other side as a problem.

local errors = require("awsbak.errors")
local paths = require("backup.s3.paths")

local sides = {}

local function problem_of(location, wrong)
  return errors.new({
    kind = "io",
    code = wrong.code,
    message = ("%s is left out: %s"):format(location, wrong.message),
  })
end

--- Objects below a prefix, each with the path that it has below a folder (`key`).
---@param entries fun(): backup.S3Entry? iterator over a listing, without a delimiter
---@param bucket string for messages
---@param prefix string "" or with "/" at its end
---@return fun(): backup.DiffEntry? iterator; `object` in it is the listing's entry. Empty objects
---  that stand for folders are passed over; a key that is no path has a problem.
function sides.objects(entries, bucket, prefix)
  local names = paths.new(prefix)
  return function()
    for entry in entries do
      local path, wrong = names:take(entry.key, entry.size)
      if wrong then
        local key = entry.key:sub(1, #prefix) == prefix and entry.key:sub(#prefix + 1) or entry.key
        local location = ("s3://%s/%s"):format(bucket, entry.key)
        return { key = key, object = entry, problem = problem_of(location, wrong) }
      elseif path ~= "" and path:sub(-1) ~= "/" then
        return { key = path, size = entry.size, modified = entry.modified, object = entry }
      end
    end
  end
end

--- Files below a folder, each with the key that it has below a prefix (`object_key`).
---@param files fun(): backup.File? iterator, as walk.files gives it
---@param folder string for messages
---@param prefix string "" or with "/" at its end
---@return fun(): backup.DiffEntry? iterator; a name that is no key has a problem
function sides.files(files, folder, prefix)
  local names = paths.new(prefix)
  return function()
    local entry = files()
    if entry and not entry.problem then
      local key, wrong = names:key(entry.key)
      entry.object_key = key
      entry.problem = wrong and problem_of(("%s/%s"):format(folder, entry.key), wrong)
    end
    return entry
  end
end

return sides
