--- What S3 says of a bucket that is not there, with what to do about it.

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

--- The same for a HEAD of an object, whose answer 404 has no words: bucket or object?
---@param s3 table the client
---@param err awsbak.Error
---@param bucket string
---@param location string the object
---@return awsbak.Error err the same
function M.explain_head(s3, err, bucket, location)
  local _, e = errors.try(s3.head_bucket, { Bucket = bucket })
  if e and e.status == 404 then
    err.code = "NoSuchBucket"
    return M.explain(err, bucket)
  end
  err.message, err.hint = location .. " does not exist", "check the key"
  return err
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
  elseif err.status == 404 then
    M.explain_head(s3, err, object.bucket, ("s3://%s/%s"):format(object.bucket, object.key))
  end
  error(err, 0)
end

return M
