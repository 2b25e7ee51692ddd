--- An object in S3 as a sink: one PutObject when it fits into a part, else a multipart upload, some
--- parts at a time.
---
--- Each part is sent with its checksum, and the end of the upload with that of the whole, which is
--- made of theirs: S3 compares them and keeps the latter.
---
--- Nothing is there under the key before commit. Without force it is made only if the key is free,
--- which S3 itself checks (If-None-Match: *).

local body = require("aws.body")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local log = require("awsbak.log")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_fault = require("backup.transfer.s3_fault")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_parts = require("backup.transfer.s3_parts")
local s3_send = require("backup.transfer.s3_send")
local task = require("awsbak.task")
local units = require("awsbak.units")

local s3_sink = {}

local PART_STEP = 2000 -- parts after which the size doubles: of 8 MiB 10,000 hold 480 GiB
local AT_ONCE = 4 -- parts on their way, each in memory
local NAMED_MAX = 10 -- unfinished uploads that are told one by one

---@class backup.SinkOptions
---@field force boolean? replaces what exists
---@field s3 table? the client
---@field input table? more members of PutObject
---@field checksum "crc64nvme"|"crc32"|"crc32c"|nil of the object (default crc64nvme)
---@field part_size integer? bytes of the first 2,000 parts (default 8 MiB), of each 2,000 more the
---  double
---@field at_once integer? parts that are sent at a time (default 4)
---@field pace userdata? of awsbak.pace: how many bytes a second may be sent
---@field progress (fun(bytes: integer))? called with the bytes of each part that is there

---@class backup.S3Sink : backup.Sink, backup.Target
---@field metadata table<string, string> with the mark
---@field options backup.SinkOptions
---@field name string of the checksum in awsbak.core.digest
---@field member string of the checksum in requests
---@field part backup.HeldPart the bytes that are not on their way yet
---@field following backup.HeldPart? where the next ones go when that one is full
---@field files userdata[] of all parts
---@field free userdata[] those whose parts were sent
---@field count integer parts that were begun
---@field parts table[] uploaded, as CompleteMultipartUpload wants them
---@field sending awsbak.Task[] parts on their way
---@field sums table<integer, { sum: string, size: integer }> raw checksums of parts
---@field upload_id string? once a multipart upload began
local S3Sink = {}
S3Sink.__index = S3Sink

---@class backup.HeldPart a part in a file in memory, which is hashed and sent where it lies
---@field file userdata of file.memory
---@field size integer bytes in it
---@field room integer bytes that it may have

-- Uploads to the key's own folder: a dated key never comes twice, its neighbours tell of it.
local function leftovers(self)
  local folder = self.key:match("^.*/") or ""
  local input = s3_outcome.upload_input(self, { Prefix = folder, Delimiter = "/" })
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
      "an upload to s3://%s/%s was begun and never finished; if s3 cp of a file began it, the same"
        .. " command goes on with it; unless it is still under way, end it with: %s",
      self.bucket,
      upload.Key,
      s3_outcome.ending(self.bucket, upload.Key, upload.UploadId)
    )
  end
  if more > 0 then
    local folder = s3_outcome.quote(self.location:match("^.*/"))
    local what = "and %s like it; awsbak s3 uploads %s lists them"
    log.warn(what, units.show_count(more, "more upload"), folder)
  end
end

--- A part to fill: that many parts are before it.
local function new_part(self, before)
  local size = self.part_size << ((before or 0) // PART_STEP)
  local handle = table.remove(self.free)
  if not handle then
    handle = errors.check(file.memory())
    table.insert(self.files, handle)
  end
  return { file = handle, size = 0, room = math.min(size, s3_parts.MAX) }
end

--- Give the memory of all parts back.
local function release(self)
  for _, handle in ipairs(self.files) do
    handle:close()
  end
end

--- Start to write an object.
---@param url string s3://bucket/key
---@param options backup.SinkOptions
---@return backup.S3Sink
--- Raises kind io, code EEXIST, when the object exists and `force` does not replace it; kind usage,
--- code part_size; as S3's client does.
function s3_sink.open(url, options)
  local s3 = options.s3 or require("aws.s3")
  local bucket, key = require("aws.s3").parse_url(url)
  local self = setmetatable({
    s3 = s3,
    bucket = bucket,
    key = key,
    location = url,
    options = options,
    name = options.checksum or "crc64nvme",
    part_size = s3_parts.size(0, options.part_size),
    sums = {},
    files = {},
    free = {},
    parts = {},
    count = 0,
    sending = {},
    input = options.input or {},
    shared = s3_outcome.shared(options.input),
    bytes = 0,
    progress = options.progress or function() end,
  }, S3Sink)
  self.part = new_part(self)
  self.member = "Checksum" .. s3_checksums.algorithm(self.name)
  local mark = s3_outcome.mark(self.input.Metadata)
  self.mark, self.metadata = mark.text, mark.metadata
  if not options.force and s3_outcome.head(self) then
    s3_outcome.exists(self) -- said now rather than after all the work; commit checks it for good
  end
  warn_of_leftovers(self)
  return self
end

--- Members of the object that both ways of making it take.
local function object_members(self, more)
  local members = { ContentType = "application/octet-stream" }
  for _, list in ipairs({ self.input, more or {} }) do
    for name, value in pairs(list) do
      members[name] = value
    end
  end
  members.Metadata = self.metadata
  return s3_outcome.input(self, members)
end

local function begin(self)
  local members = {
    ChecksumAlgorithm = s3_checksums.algorithm(self.name),
    ChecksumType = "FULL_OBJECT",
  }
  self.upload_id = s3_outcome.begin(self, object_members(self, members))
end

--- The bytes of a part as a body, and their checksum.
local function body_of(self, part)
  local region = errors.check(part.file:region(0, part.size))
  return region, body.digest(self.name, region)
end

local function upload(self, number, part)
  local region, sum = body_of(self, part)
  local input = s3_outcome.input(self, {
    UploadId = self.upload_id,
    PartNumber = number,
    Body = region,
    [self.member] = codec.base64(sum),
  })
  local done = s3_outcome.part(self, s3_send.body, self.options, self.s3.upload_part, input)
  self.parts[number] = {
    PartNumber = number,
    ETag = done.ETag,
    [self.member] = codec.base64(sum),
  }
  self.sums[number] = { sum = sum, size = part.size }
  self.progress(part.size)
  table.insert(self.free, part.file)
end

--- Wait until at most `most` parts are on their way; raises what one of them raised.
local function settle(self, most)
  while #self.sending > most do
    task.await(self.sending[1]) -- should this be cancelled, close() still knows of it
    table.remove(self.sending, 1)
  end
end

--- Send what is held as the next part, beside others.
local function send(self)
  if not self.upload_id then
    begin(self)
  end
  self.count = self.count + 1
  if self.count > s3_parts.COUNT_MAX then
    errors.raise({
      kind = "io",
      code = "EFBIG",
      message = ("%s would have more than %d parts"):format(self.location, s3_parts.COUNT_MAX),
      hint = "make them larger (--part-size 64M), or split what is written",
    })
  end
  if not task.running() then
    upload(self, self.count, self.part) -- nothing runs beside this
    return
  end
  settle(self, (self.options.at_once or AT_ONCE) - 1)
  table.insert(self.sending, task.spawn(upload, self, self.count, self.part))
end

--- Where the next bytes go (awsbak.stream.Writer).
function S3Sink:room()
  local part = self.part
  if part.size == part.room then
    self.following = self.following or new_part(self, self.count + 1)
    part = self.following
  end
  return part.file, part.size, part.room - part.size
end

--- The next bytes are there. A part leaves only when more follows: what fits into one is sent by
--- one PutObject.
function S3Sink:took(count)
  if self.following then
    send(self)
    self.part, self.following = self.following, nil
  end
  self.part.size = self.part.size + count
  self.bytes = self.bytes + count
end

function S3Sink:write(bytes)
  local at = 1
  while at <= #bytes do
    local handle, offset, most = self:room()
    local count = math.min(most, #bytes - at + 1)
    errors.check(handle:put(bytes, at, count, offset))
    self:took(count)
    at = at + count
  end
end

local function put(self)
  local region, sum = body_of(self, self.part)
  local input = object_members(self, {
    Body = region,
    [self.member] = codec.base64(sum),
    ChecksumAlgorithm = s3_checksums.algorithm(self.name), -- an object lock asks for its header
    IfNoneMatch = not self.options.force and "*" or nil,
  })
  local done = s3_send.body(self.options, self.s3.put_object, input)
  self.progress(self.part.size)
  return done, sum
end

--- The checksum of all that was written.
local function whole_sum(self)
  local sum = self.sums[1].sum
  for number = 2, #self.sums do
    local part = self.sums[number]
    sum = digest.combine(self.name, sum, part.sum, part.size)
  end
  return sum
end

local function complete(self)
  send(self)
  settle(self, 0)
  local sum = whole_sum(self)
  local input = s3_outcome.input(self, {
    UploadId = self.upload_id,
    MultipartUpload = { Parts = self.parts },
    ChecksumType = "FULL_OBJECT",
    MpuObjectSize = self.bytes,
    [self.member] = codec.base64(sum),
    IfNoneMatch = not self.options.force and "*" or nil,
  })
  return self.s3.complete_multipart_upload(input), sum
end

function S3Sink:commit()
  local done, sum = errors.try(self.upload_id and complete or put, self)
  if not done then
    done, sum = s3_outcome.after(self, sum), nil
  end
  self.committed = true
  release(self)
  return {
    location = self.location,
    bytes = self.bytes,
    version_id = done.VersionId,
    etag = done.ETag,
    checksum = sum and s3_checksums.shown(self.name, sum),
  }
end

function S3Sink:close()
  if self.committed or not self.upload_id then
    return release(self)
  end
  for _, part in ipairs(self.sending) do
    task.cancel(part)
    pcall(task.await, part)
  end
  release(self)
  local id = self.upload_id
  self.upload_id = nil
  s3_outcome.abort(self, id)
end

S3Sink.__close = S3Sink.close

return s3_sink
