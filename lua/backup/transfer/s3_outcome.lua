--- What became of an object whose last request failed: an answer that got lost may have said that
--- all went well.
---
--- A random mark in the metadata tells our object from another's, when the repetition is told that
--- the key is taken or the upload is not there any more.

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local s3_outcome = {}

local ABORTS_MAX <const> = 3 -- of one upload
local PAUSE_S <const> = 0.25 -- before it is looked at again; doubles
local CLOCK_S <const> = 2 -- S3 tells whole seconds
local MARK <const> = "awsbak-upload"

--- The name of the mark among an object's metadata.
s3_outcome.MARK = MARK

local taken = { PreconditionFailed = true, ConditionalRequestConflict = true, ["412"] = true }

---@class backup.Mark
---@field text string
---@field metadata table<string, string> of the object, the mark among them

--- A mark for an object, or for those of a run that writes each key once.
---@param metadata table<string, string>? others
---@return backup.Mark
function s3_outcome.mark(metadata)
  local mark = codec.hex(outside.random_bytes(16))
  local all = {}
  for name, value in pairs(metadata or {}) do
    all[name] = value
  end
  all[MARK] = mark -- and not that of the source of a copy
  return { text = mark, metadata = all }
end

---@class backup.Target
---@field s3 table the client
---@field bucket string
---@field key string
---@field location string for messages
---@field mark string
---@field shared table? members that each request for the object takes: a customer's key
---@field on_the_way integer? parts that were sent and are not answered
---@field same_hint string? what to do where the object may be ours

-- Members of PutObject that each request of a multipart upload takes as well.
local SHARED = {
  "ExpectedBucketOwner",
  "RequestPayer",
  "SSECustomerAlgorithm",
  "SSECustomerKey",
  "SSECustomerKeyMD5",
}

--- What of an object's members each request for it takes.
---@param input table? members of PutObject
---@return table
function s3_outcome.shared(input)
  local shared = {}
  if input and next(input) then
    for _, name in ipairs(SHARED) do
      shared[name] = input[name]
    end
  end
  return shared
end

local NONE <const> = {}

-- Of these, what requests for uploads take that send and tell nothing of their bytes.
local OF_UPLOADS <const> = { "ExpectedBucketOwner", "RequestPayer" }

--- A request for uploads, to end or to list them: a customer's key is no member of it.
---@param target backup.Target
---@param members table what is said beside the bucket and what all such requests say
---@return table input
function s3_outcome.upload_input(target, members)
  local input = { Bucket = target.bucket }
  for _, name in ipairs(OF_UPLOADS) do
    input[name] = (target.shared or NONE)[name]
  end
  for name, value in pairs(members) do
    input[name] = value
  end
  return input
end

--- A request for the object.
---@param target backup.Target
---@param members table? what is said beside bucket, key and what all requests say
---@return table input
function s3_outcome.input(target, members)
  local input = { Bucket = target.bucket, Key = target.key }
  for name, value in pairs(target.shared or NONE) do
    input[name] = value
  end
  for name, value in pairs(members or NONE) do
    input[name] = value
  end
  return input
end

local OPEN <const> = { io = true, memory = true, network = true, reply = true, timeout = true }

--- Whether S3 may have done what it did not answer to. Of kind io is a wait that failed.
local function is_open(err)
  return OPEN[err.kind] and not err.unsent
end

--- A word as a shell takes it; without a backslash, which a line of the log shows doubled.
---@param word string
---@return string
function s3_outcome.quote(word)
  return word:find("[^%w_./=+@:-]") and "'" .. word:gsub("'", [['"'"']]) .. "'" or word
end

--- The command that ends an upload, by its id: a URL would name all uploads to keys that begin
--- alike.
---@param bucket string
---@param key string
---@param upload_id string
---@return string
function s3_outcome.ending(bucket, key, upload_id)
  local words = { "Bucket=" .. bucket, "Key=" .. key, "UploadId=" .. upload_id }
  for i, word in ipairs(words) do
    words[i] = s3_outcome.quote(word)
  end
  return "awsbak api s3 AbortMultipartUpload " .. table.concat(words, " ")
end

--- Uploads to the key that began within so many seconds before ours, by S3's clock.
local function begun_before(target, upload_id, seconds)
  local list, ours = {}, nil
  local input = s3_outcome.upload_input(target, { Prefix = target.key })
  for upload in target.s3.each.list_multipart_uploads(input) do
    if upload.Key ~= target.key then
      break -- longer keys come behind it
    elseif upload.UploadId == upload_id then
      ours = upload
    else
      list[#list + 1] = upload
    end
  end
  local near = {}
  for _, upload in ipairs(list) do
    local is_older = ours and upload.Initiated < ours.Initiated - seconds
    near[#near + 1] = not is_older and upload or nil
  end
  return near
end

--- Warn of an upload that S3 may have begun without our having heard of it. Whether it is ours
--- nobody can tell for sure.
local function warn_of_other(target, upload_id, seconds)
  local others = errors.try(begun_before, target, upload_id, seconds)
  if not others then
    local what = "S3 did not answer as an upload was begun, which may be left: awsbak s3 uploads %s"
      .. " lists it once this one has ended"
    return log.warn(what, target.location)
  end
  for _, upload in ipairs(others) do
    log.warn(
      "S3 did not answer as an upload to %s was begun, and it may be this one; unless somebody else"
        .. " began it, end it with: %s",
      target.location,
      s3_outcome.ending(target.bucket, target.key, upload.UploadId)
    )
  end
end

--- Warn of an upload whose beginning was cancelled. Not by a hint: many share a cancellation.
local function warn_of_unheard(target)
  local what = "S3 had not answered yet whether an upload to %s has begun, which may be left:"
    .. " awsbak s3 uploads %s lists it, and --abort ends it"
  log.warn(what, target.location, s3_outcome.quote(target.location))
end

--- Begin an upload in parts. Warns where an attempt of it may have begun another one, and where it
--- is cancelled before it is known.
---@param target backup.Target
---@param input table of CreateMultipartUpload
---@return string upload_id
--- Raises as that does, with a hint where S3 may have begun one that nobody here knows of.
function s3_outcome.begin(target, input)
  local is_lost, before = false, outside.monotonic()
  local made, err = errors.try(target.s3.create_multipart_upload, input, {
    on_retry = function(e)
      is_lost = is_lost or is_open(e)
    end,
  })
  if made and is_lost then
    warn_of_other(target, made.UploadId, outside.monotonic() - before + CLOCK_S)
  end
  if made then
    return made.UploadId
  elseif err.kind == "cancelled" then
    warn_of_unheard(target)
  elseif is_lost or is_open(err) then
    local what = "it may have begun: awsbak s3 uploads %s lists it, and --abort ends it"
    err.hint = what:format(s3_outcome.quote(target.location))
  end
  error(err, 0)
end

--- Whether an aborted upload still has parts. Raises where nobody can tell.
local function has_parts(target, upload_id)
  local input = s3_outcome.input(target, { UploadId = upload_id, MaxParts = 1 })
  local told, err = errors.try(target.s3.list_parts, input)
  if told then
    return #(told.Parts or {}) > 0
  elseif err.code == "NoSuchUpload" then
    return false
  end
  err.message = "whether it still has parts cannot be told: " .. err.message
  error(err, 0)
end

--- Send a part, of which S3 may hear even when nobody waits for the answer any more.
---@param target backup.Target
---@param send function
---@param ... any its arguments
---@return table output
--- Raises as `send` does.
function s3_outcome.part(target, send, ...)
  target.on_the_way = (target.on_the_way or 0) + 1
  local done, err = errors.try(send, ...)
  if done or err.status or err.unsent then
    target.on_the_way = target.on_the_way - 1
  end
  return errors.check(done, err)
end

--- End it, as often as it takes: a part that is on its way meanwhile may survive (API reference,
--- AbortMultipartUpload), and may even come when the upload is gone.
local function abort(target, upload_id, told)
  local input = s3_outcome.upload_input(target, { Key = target.key, UploadId = upload_id })
  local may_come = (target.on_the_way or 0) > 0
  target.s3.abort_multipart_upload(input)
  told.is_aborted = true
  for attempt = 1, ABORTS_MAX do
    local survives, is_last = has_parts(target, upload_id), attempt == ABORTS_MAX
    if not survives and (is_last or not may_come) then
      return
    elseif is_last then
      errors.raise({ kind = "service", code = "parts", message = "it still has parts" })
    end
    may_come = may_come and survives
    outside.sleep(PAUSE_S * 2 ^ (attempt - 1))
    if survives then
      target.s3.abort_multipart_upload(input)
    end
  end
end

--- End an upload, whose parts would be paid for; a warning when that cannot be, or is not sure.
---@param target backup.Target
---@param upload_id string
function s3_outcome.abort(target, upload_id)
  local told = {}
  local _, err = errors.try(task.shield, abort, target, upload_id, told)
  if err and err.code ~= "NoSuchUpload" then
    local what = told.is_aborted and "was aborted, but" or "could not be aborted:"
    log.warn("the upload %s to %s %s %s", upload_id, target.location, what, tostring(err))
  end
end

--- The object's head.
---@param target backup.Target
---@return table? head nil when there is none
---@return boolean hidden whether we may not look
--- Raises as HeadObject does, but for 404 and 403.
function s3_outcome.head(target)
  local found, err = errors.try(target.s3.head_object, s3_outcome.input(target))
  if not found and err.status ~= 404 and err.status ~= 403 then
    error(err, 0)
  end
  return found, not found and err.status == 403
end

--- Whether an object is of the upload with a mark.
---@param head table of the object
---@param mark string? nil is nobody's
---@return boolean
function s3_outcome.is_of(head, mark)
  return mark ~= nil and (head.Metadata or {})[MARK] == mark
end

--- Raise: the key is taken.
---@param target backup.Target
function s3_outcome.exists(target)
  errors.raise({
    kind = "io",
    code = "EEXIST",
    message = target.location .. " exists already",
    hint = "give --force to replace it",
  })
end

local function unknown(target, err)
  errors.raise({
    kind = "io",
    code = "unknown_outcome",
    message = "the answer to the upload got lost, and what is there now may be its bytes: "
      .. target.location,
    hint = "look with a key that has s3:GetObject; to repeat it here, give --force or another name",
    cause = err,
  })
end

--- What is there after the request that makes the object failed.
---@param target backup.Target
---@param err awsbak.Error
---@return table head of the object, when it is ours
--- Raises kind io, code EEXIST, when it is another's; unknown_outcome when nobody can tell; else
--- `err`.
function s3_outcome.after(target, err)
  -- Also of a first attempt: libcurl repeats a request by itself on a kept connection that broke.
  if taken[err.code] or err.code == "NoSuchUpload" then
    local found, hidden = s3_outcome.head(target)
    if hidden then
      unknown(target, err)
    elseif found and s3_outcome.is_of(found, target.mark) then
      return found
    end
  end
  if taken[err.code] then
    s3_outcome.exists(target)
  end
  error(s3_fault.explain(err, target.bucket), 0)
end

return s3_outcome
