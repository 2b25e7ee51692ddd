--- An object in S3 as a sink: one PutObject when it fits into a part, else a multipart upload, some
--- parts at a time.
---
--- Nothing is there under the key before commit. Without force it is made only if the key is free,
--- which S3 itself checks (If-None-Match: *).

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local s3_fault = require("backup.transfer.s3_fault")
local s3_outcome = require("backup.transfer.s3_outcome")
local task = require("awsbak.task")

local s3_sink = {}

local MIB = 1024 * 1024
local PART = 8 * MIB -- the first parts; later ones are larger, so that 10,000 hold 480 GiB
local PART_STEP = 2000 -- parts after which the size doubles
local AT_ONCE = 4 -- parts on their way, 8 MiB of memory each
local PARTS_MAX = 10000 -- S3 allows no more
local NAMED_MAX = 10 -- unfinished uploads that are told one by one

---@class backup.S3Sink : backup.Sink, backup.Target
---@field metadata table<string, string> with the mark
---@field held string[] bytes that are not uploaded yet
---@field held_size integer
---@field count integer parts that were begun
---@field parts table[] uploaded, as CompleteMultipartUpload wants them
---@field sending awsbak.Task[] parts on their way
---@field upload_id string? once a multipart upload began
local S3Sink = {}
S3Sink.__index = S3Sink

-- Uploads to the key's own folder: a dated key never comes twice, its neighbours tell of it.
local function leftovers(self)
  local folder = self.key:match("^.*/") or ""
  local input = { Bucket = self.bucket, Prefix = folder, Delimiter = "/" }
  local list, more = {}, 0
  for upload in self.s3.each.list_multipart_uploads(input) do
    if #list < NAMED_MAX then
      list[#list + 1] = upload
    else
      more = more + 1
    end
  end
  return list, more
end

-- A word as a shell takes it; without a backslash, which a line of the log shows doubled.
local function quote(word)
  return word:find("[^%w_./=+@:-]") and "'" .. word:gsub("'", [['"'"']]) .. "'" or word
end

--- Name uploads that killed runs left behind: their parts are stored, and paid for. Raises what the
--- listing says of the bucket: better now than after all the work.
local function warn_of_leftovers(self)
  local list, more = errors.try(leftovers, self)
  if not list then
    local err = more
    if err.kind == "cancelled" or err.code == "NoSuchBucket" then
      error(s3_fault.explain(err, self.bucket), 0)
    end
    return log.debug("unfinished uploads cannot be listed: %s", tostring(err))
  end
  for _, upload in ipairs(list) do
    log.warn(
      "an upload to s3://%s/%s was begun and never finished; unless it is still under way, end it"
        .. " with: awsbak api s3 AbortMultipartUpload %s %s %s",
      self.bucket,
      upload.Key,
      quote("Bucket=" .. self.bucket),
      quote("Key=" .. upload.Key),
      quote("UploadId=" .. upload.UploadId)
    )
  end
  if more > 0 then
    log.warn("and %d more uploads like it; awsbak api s3 ListMultipartUploads lists them", more)
  end
end

--- Start to write an object.
---@param url string s3://bucket/key
---@param options { force: boolean?, s3: table?, input: table? } input: more members of PutObject
---@return backup.S3Sink
function s3_sink.open(url, options)
  local s3 = options.s3 or require("aws.s3")
  local bucket, key = require("aws.s3").parse_url(url)
  local self = setmetatable({
    s3 = s3,
    bucket = bucket,
    key = key,
    location = url,
    force = options.force or false,
    held = {},
    held_size = 0,
    parts = {},
    count = 0,
    sending = {},
    input = options.input or {},
    shared = s3_outcome.shared(options.input),
    bytes = 0,
  }, S3Sink)
  self.mark, self.metadata = s3_outcome.mark(self.input.Metadata)
  if not self.force and s3_outcome.head(self) then
    s3_outcome.exists(self) -- said now rather than after all the work; commit checks it for good
  end
  warn_of_leftovers(self)
  return self
end

--- Members of the object that both ways of making it take.
local function object_members(self, more)
  local members = { ContentType = "application/octet-stream", ChecksumAlgorithm = "CRC32" }
  for _, list in ipairs({ self.input, more or {} }) do
    for name, value in pairs(list) do
      members[name] = value
    end
  end
  members.Metadata = self.metadata
  return s3_outcome.input(self, members)
end

local function begin(self)
  self.upload_id = self.s3.create_multipart_upload(object_members(self)).UploadId
end

local function upload(self, number, bytes)
  local done = self.s3.upload_part(s3_outcome.input(self, {
    UploadId = self.upload_id,
    PartNumber = number,
    Body = bytes,
    ChecksumAlgorithm = "CRC32",
  }))
  self.parts[number] = {
    PartNumber = number,
    ETag = done.ETag,
    ChecksumCRC32 = done.ChecksumCRC32,
  }
end

--- Wait until at most `most` parts are on their way; raises what one of them raised.
local function settle(self, most)
  while #self.sending > most do
    task.await(table.remove(self.sending, 1))
  end
end

--- Send the first `size` of the bytes held, as the next part, beside others.
local function send(self, size)
  if not self.upload_id then
    begin(self)
  end
  self.count = self.count + 1
  if self.count > PARTS_MAX then
    errors.raise({
      kind = "io",
      code = "EFBIG",
      message = ("%s would have more than %d parts"):format(self.location, PARTS_MAX),
      hint = "split the archive",
    })
  end
  local all = table.concat(self.held)
  self.held, self.held_size = { all:sub(size + 1) }, #all - size
  local bytes = all:sub(1, size)
  if not task.running() then
    upload(self, self.count, bytes) -- nothing runs beside this
    return
  end
  settle(self, AT_ONCE - 1)
  table.insert(self.sending, task.spawn(upload, self, self.count, bytes))
end

local function part_size(self)
  return PART << (self.count // PART_STEP)
end

function S3Sink:write(bytes)
  self.held[#self.held + 1] = bytes
  self.held_size = self.held_size + #bytes
  self.bytes = self.bytes + #bytes
  -- A part leaves only when more follows: what fits into one is sent by one PutObject.
  while self.held_size > part_size(self) do
    send(self, part_size(self))
  end
end

local function put(self)
  return self.s3.put_object(object_members(self, {
    Body = table.concat(self.held),
    IfNoneMatch = not self.force and "*" or nil,
  }))
end

local function complete(self)
  send(self, self.held_size)
  settle(self, 0)
  return self.s3.complete_multipart_upload(s3_outcome.input(self, {
    UploadId = self.upload_id,
    MultipartUpload = { Parts = self.parts },
    IfNoneMatch = not self.force and "*" or nil,
  }))
end

function S3Sink:commit()
  local done, err = errors.try(self.upload_id and complete or put, self)
  done = done or s3_outcome.after(self, err)
  self.committed = true
  self.held = {}
  return {
    location = self.location,
    bytes = self.bytes,
    version_id = done.VersionId,
    etag = done.ETag,
  }
end

function S3Sink:close()
  self.held, self.held_size = {}, 0
  if self.committed or not self.upload_id then
    return
  end
  for _, part in ipairs(self.sending) do
    task.cancel(part)
    pcall(task.await, part)
  end
  local id = self.upload_id
  self.upload_id = nil
  s3_outcome.abort(self, id)
end

S3Sink.__close = S3Sink.close

return s3_sink
