--- Unfinished multipart uploads: their parts are paid for until they are completed or aborted.

local errors = require("awsbak.errors")
local rounds = require("backup.rounds")
local s3_fault = require("backup.transfer.s3_fault")

local uploads = {}

---@class backup.S3Upload an unfinished multipart upload
---@field key string
---@field upload_id string
---@field begun number epoch seconds
---@field storage_class string?
---@field parts integer? that were uploaded
---@field bytes integer? in them

local AT_ONCE = 8 -- requests
local ROUND = 64 -- uploads in memory

--- Add up the parts of an upload; false when it was completed or aborted meanwhile.
local function measure(s3, bucket, upload)
  local _, err = errors.try(function()
    upload.parts, upload.bytes = 0, 0
    local input = { Bucket = bucket, Key = upload.key, UploadId = upload.upload_id }
    for part in s3.each.list_parts(input) do
      upload.parts, upload.bytes = upload.parts + 1, upload.bytes + (part.Size or 0)
    end
  end)
  if err and err.code == "NoSuchUpload" then
    return false
  elseif err then
    error(err, 0)
  end
  return upload
end

--- Unfinished uploads below a prefix.
---@param s3 table a client
---@param bucket string
---@param prefix string "" for all
---@param options { before: number?, sizes: boolean? }? only those begun before a time (epoch
---  seconds); with sizes their parts are added up, by a request for each upload
---@return fun(): backup.S3Upload? sorted by key; raises as the client does
function uploads.list(s3, bucket, prefix, options)
  options = options or {}
  local each = s3.each.list_multipart_uploads({ Bucket = bucket, Prefix = prefix })
  local function following()
    for upload in
      function()
        return s3_fault.call(bucket, each)
      end
    do
      if not options.before or upload.Initiated < options.before then
        return {
          key = upload.Key,
          upload_id = upload.UploadId,
          begun = upload.Initiated,
          storage_class = upload.StorageClass,
        }
      end
    end
  end
  if not options.sizes then
    return following
  end
  return rounds.map(following, ROUND, AT_ONCE, function(upload)
    return measure(s3, bucket, upload)
  end)
end

--- Abort uploads, some at once; their parts are gone for good. One that is still under way fails.
---@param s3 table a client
---@param bucket string
---@param list fun(): backup.S3Upload? iterator
---@return fun(): table? results in order: the upload, and `result` "aborted", "gone" (it was
---  completed or aborted meanwhile) or "failed" with a `detail`; raises what concerns all (no
---  network)
function uploads.abort(s3, bucket, list)
  return rounds.map(list, ROUND, AT_ONCE, function(upload)
    local input = { Bucket = bucket, Key = upload.key, UploadId = upload.upload_id }
    local _, err = errors.try(s3.abort_multipart_upload, input)
    upload.result = "aborted"
    if err and err.code == "NoSuchUpload" then
      upload.result = "gone"
    elseif err and err.kind == "service" then
      upload.result, upload.detail = "failed", ("%s: %s"):format(err.code, err.message)
    elseif err then
      error(err, 0)
    end
    return upload
  end)
end

return uploads
