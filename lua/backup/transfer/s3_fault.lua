--- What S3 says of a bucket, an object or a version that is not there, with what to do about it.

local errors = require("awsbak.errors")

local M = {}

--- Makes such an error one that people can act on; any other stays as it is.
---@param err awsbak.Error
---@param bucket string
---@return awsbak.Error err the same
function M.explain(err, bucket)
  if err.code == "NoSuchBucket" then
    err.message = ("there is no bucket %s"):format(bucket)
    err.hint = "check its name, the profile and the endpoint; awsbak s3 mb makes one"
  end
  return err
end

--- Call a client so that its failure says which bucket is not there.
---@param bucket string
---@param f function an operation, or an iterator over pages
---@param ... any its arguments
---@return any ... what f returns; raises what it raises
function M.call(bucket, f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    error(M.explain(errors.from(results[2]), bucket), 0)
  end
  return table.unpack(results, 2, results.n)
end

-- Codes of what is not there; a HEAD has none but its status.
local missing = { ["404"] = true, NoSuchKey = true, NoSuchVersion = true }

--- Say which version cannot be read. S3 answers 405 for a delete marker's id, and 400 for what is
--- no id (API reference, HeadObject), but also for other things.
local function explain_version(err, version, location)
  local versions = ("awsbak s3 versions %s lists those that there are"):format(location)
  if missing[err.code] then
    err.message, err.hint = ("there is no version %s of %s"):format(version, location), versions
  elseif err.status == 405 then
    local what = "version %s of %s is a delete marker, which has no bytes"
    err.message, err.hint = what:format(version, location), versions
  elseif err.status == 400 then
    err.message = ("version %s of %s: %s"):format(version, location, err.message)
    err.hint = versions
  end
end

--- The same for an object that cannot be read, or a version of one.
---@param err awsbak.Error
---@param object { bucket: string, key: string, version_id: string? }
---@return awsbak.Error err the same
function M.explain_object(err, object)
  local location = ("s3://%s/%s"):format(object.bucket, object.key)
  if err.code == "403" then -- of a HEAD, which has no words of the service
    err.message = location .. " may not be looked at"
    err.hint = "the keys are not known (`awsbak doctor` shows whose they are) or lack the right"
      .. " s3:GetObject; without s3:ListBucket a key that is not there is refused as well"
  elseif object.version_id then
    explain_version(err, object.version_id, location)
  elseif missing[err.code] then
    err.message = location .. " does not exist"
    err.hint = "check the key; awsbak s3 versions tells whether it was deleted"
  end
  return M.explain(err, object.bucket)
end

--- The same for a HEAD of an object, whose answer 404 has no words: bucket or object?
---@param s3 table the client
---@param err awsbak.Error
---@param object { bucket: string, key: string, version_id: string? }
---@return awsbak.Error err the same
function M.explain_head(s3, err, object)
  if err.status == 404 then
    local _, e = errors.try(s3.head_bucket, { Bucket = object.bucket })
    if e and e.status == 404 then
      err.code = "NoSuchBucket"
    end
  end
  return M.explain_object(err, object)
end

--- The head of an object, with its checksums.
---@param s3 table a client
---@param object { bucket: string, key: string, version_id: string? }
---@param members table? more of HeadObject
---@return table head
--- Raises as HeadObject does; what is not there, bucket or object, in words.
function M.head(s3, object, members)
  local input = { Bucket = object.bucket, Key = object.key, VersionId = object.version_id }
  input.ChecksumMode = "ENABLED"
  for name, value in pairs(members or {}) do
    input[name] = value
  end
  local head, err = errors.try(s3.head_object, input)
  if head then
    return head
  end
  error(M.explain_head(s3, err, object), 0)
end

return M
