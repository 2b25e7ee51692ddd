--- A file as an object in S3: one PutObject when it fits into a part, else a multipart upload, some
--- parts at a time.
---
--- Each part is read where it lies in the file, once for its checksum and once as it is sent; S3
--- compares the checksum of each part, and that of the whole, which is made of theirs (S3 User
--- Guide, "Checking object integrity", full object checksums). Nothing is there under the key
--- before all of it is.

local argument = require("awsbak.argument")
local body = require("aws.body")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_options = require("backup.transfer.s3_options")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_parts = require("backup.transfer.s3_parts")
local s3_send = require("backup.transfer.s3_send")
local task = require("awsbak.task")

local s3_upload = {}

local AT_ONCE <const> = 4

---@class backup.UploadOptions
---@field input table? more members of PutObject: StorageClass, Metadata, Tagging, SSECustomerKey,
---  ...
---@field facts table? of the file as it was opened (its stat), when they are known
---@field force boolean? replaces what exists
---@field mark backup.Mark? made before, of the same metadata (default: one of its own)
---@field put_object (fun(input: table): table)? the client's, prepared for many objects
---@field part_size integer? bytes (default 8 MiB, more where there would be too many parts)
---@field at_once integer? parts that are sent at a time (default 4)
---@field gate awsbak.Gate? that each request passes, shared by several uploads
---@field pace userdata? of awsbak.pace: how many bytes a second may be sent
---@field checksum "crc64nvme"|"crc32"|"crc32c"|nil of the object (default crc64nvme)
---@field journal backup.Journal? what an earlier run did, and where this one writes what it does
---@field progress (fun(bytes: integer))? called with the bytes of each part that is there

---@class backup.Uploaded
---@field location string
---@field bytes integer
---@field etag string
---@field version_id string?
---@field checksum string? of the whole, as S3 shows it: "CRC64NVME:..."
---@field parts integer? of a multipart upload

---@class backup.Upload : backup.Target
---@field name string of the checksum in awsbak.core.digest
---@field algorithm string the same in S3's members
---@field handle userdata awsbak.core.file
---@field size integer
---@field facts table of the file when it began
---@field parts table[]? of more than one: by number, as CompleteMultipartUpload wants them
---@field sums table<integer, string>? raw checksums by number
---@field upload_id string?

--- Members of the object that both ways of making it take.
local function object_members(self)
  local members = s3_outcome.input(self, self.options.input)
  members.Metadata = self.metadata
  return members
end

local function checked(self, sum)
  return { ["Checksum" .. self.algorithm] = codec.base64(sum) }
end

local function nothing() end

--- Raise unless the file is what it was: what was sent may be of two minds.
local function check_unchanged(self)
  local now = errors.check(self.handle:stat())
  if now.size ~= self.facts.size or now.mtime ~= self.facts.mtime then
    errors.raise({
      kind = "io",
      code = "changed",
      message = self.handle:path() .. " changed while it was uploaded",
      hint = "upload it again when nobody writes it",
    })
  end
end

--- Raise for a file that has bytes and says that it has none, as those of /proc do: nothing of it
--- would be uploaded. One that grows meanwhile was empty.
local function check_empty(self)
  local bytes = task.await(self.handle:read(1, 0))
  if #bytes > 0 and errors.check(self.handle:stat()).size == 0 then
    errors.raise({
      kind = "io",
      code = "no_size",
      message = self.handle:path() .. " has bytes, and says that it has none",
      hint = "give it to `awsbak s3 cp - URL` through a pipe",
    })
  end
end

local function put(self)
  if self.size == 0 then
    check_empty(self)
  end
  local region <close> = errors.check(self.handle:region(0, self.size))
  local sum = errors.check(region:sum(self.name)) -- of a file that is held, and cannot change
  if not sum then
    sum = body.digest(self.name, region)
    check_unchanged(self) -- what is sent must have this checksum
  end
  local input = object_members(self)
  input["Checksum" .. self.algorithm] = codec.base64(sum)
  input.ChecksumAlgorithm = self.algorithm -- an object lock asks for its header
  input.Body = region
  input.IfNoneMatch = not self.options.force and "*" or nil
  local done = s3_send.body(self.options, self.options.put_object or self.s3.put_object, input)
  self.progress(self.size)
  return done, sum
end

--- The upload that an earlier run began of the same file, if it is still there.
local function resumed(self, journal)
  if journal.stale and journal.stale.upload_id then
    s3_outcome.abort(self, journal.stale.upload_id) -- of a file that has changed since
  end
  local upload_id = journal:fact("upload_id")
  if not upload_id then
    return nil
  end
  local input = s3_outcome.input(self, { UploadId = upload_id, MaxParts = 1 })
  local _, err = errors.try(self.s3.list_parts, input)
  if not err or err.status == 403 then -- who may not look is told when parts are sent
    self.mark = journal:fact("mark")
    return upload_id
  elseif err.code ~= "NoSuchUpload" then
    error(err, 0)
  end
end

local function begin(self)
  local journal = self.options.journal
  local upload_id = journal and resumed(self, journal)
  if upload_id then
    return upload_id
  end
  local members = object_members(self)
  members.ChecksumAlgorithm, members.ChecksumType = self.algorithm, "FULL_OBJECT"
  upload_id = s3_outcome.begin(self, members)
  if journal then
    local facts = { upload_id = upload_id, mark = self.mark }
    local _, err = errors.try(journal.begin, journal, facts)
    if err then
      s3_outcome.abort(self, upload_id) -- no later run would know of it
      error(err, 0)
    end
  end
  return upload_id
end

local function upload_part(self, part)
  local region <close> = errors.check(self.handle:region(part.at, part.size))
  local sum = body.digest(self.name, region)
  local journal = self.options.journal
  local known = journal and journal:part(part.number)
  local etag = known and known.sum == codec.hex(sum) and known.etag
  if not etag then
    local members = checked(self, sum)
    members.UploadId, members.PartNumber = self.upload_id, part.number
    members.Body, members.ContentLength = region, part.size
    local input = s3_outcome.input(self, members)
    etag = s3_outcome.part(self, s3_send.body, self.options, self.s3.upload_part, input).ETag
    if journal then
      journal:add(part.number, { etag = etag, sum = codec.hex(sum) })
    end
  end
  local done = checked(self, sum)
  done.PartNumber, done.ETag = part.number, etag
  self.parts[part.number], self.sums[part.number] = done, sum
  self.progress(part.size)
end

local function multipart(self, part_size)
  self.parts, self.sums = {}, {}
  local journal = self.options.journal
  local found = not self.options.force and s3_outcome.head(self)
  if found and journal and s3_outcome.is_of(found, journal:fact("mark")) then
    return found -- an earlier run was ended before it heard that all is there
  elseif found then
    s3_outcome.exists(self) -- said now rather than after all the work; the end checks it for good
  end
  self.upload_id = begin(self)
  task.each(s3_parts.each(self.size, part_size), self.options.at_once or AT_ONCE, function(part)
    upload_part(self, part)
  end)
  check_unchanged(self)
  local sum = s3_checksums.combine(self.name, self.sums, self.size, part_size)
  local input = s3_outcome.input(self, checked(self, sum))
  input.UploadId, input.MultipartUpload = self.upload_id, { Parts = self.parts }
  input.ChecksumType, input.MpuObjectSize = "FULL_OBJECT", self.size
  input.IfNoneMatch = not self.options.force and "*" or nil
  return self.s3.complete_multipart_upload(input), sum
end

-- Failures after which there is nothing to go on with.
local FINAL = {
  changed = true,
  ConditionalRequestConflict = true,
  NoSuchBucket = true,
  NoSuchUpload = true,
  PreconditionFailed = true,
}

--- End the upload so that its parts are not paid for, unless a later run shall go on with it.
local function give_up(self, err)
  local journal = self.options.journal
  if not self.upload_id or (journal and not FINAL[err.code]) then
    return
  end
  if journal then
    journal:finish()
  end
  s3_outcome.abort(self, self.upload_id)
end

--- Raise why it failed: a body that S3 says was altered may be of a file that was, and one that
--- ends too early is.
local function fail(self, err)
  if s3_send.is_altered(err) or err.code == "short" then
    check_unchanged(self)
  end
  error(err, 0)
end

--- As put, of many files, whose options are alike and made where they are known: nothing is
--- checked for each of them.
---@param handle userdata awsbak.core.file
---@param target { s3: table, bucket: string, key: string }
---@param options backup.UploadOptions
---@return backup.Uploaded
--- Raises as put does, but for what is none of these.
function s3_upload.put_checked(handle, target, options)
  local facts = options.facts or errors.check(handle:stat())
  local part_size = s3_parts.size(facts.size, options.part_size)
  local self = {
    s3 = target.s3,
    bucket = target.bucket,
    key = target.key,
    location = ("s3://%s/%s"):format(target.bucket, target.key),
    shared = s3_outcome.shared(options.input),
    options = options,
    name = options.checksum or "crc64nvme",
    handle = handle,
    facts = facts,
    size = facts.size,
    progress = options.progress or nothing,
  }
  self.algorithm = s3_checksums.algorithm(self.name)
  local mark = options.mark or s3_outcome.mark((options.input or {}).Metadata)
  self.mark, self.metadata = mark.text, mark.metadata
  local is_one = self.size <= part_size
  local done, sum = errors.try(is_one and put or multipart, self, part_size)
  if not done then
    local _, err = errors.try(fail, self, sum)
    give_up(self, err)
    done, sum = s3_outcome.after(self, err), nil
  elseif options.journal then
    options.journal:finish()
  end
  return {
    location = self.location,
    bytes = self.size,
    etag = done.ETag,
    version_id = done.VersionId,
    checksum = sum and s3_checksums.shown(self.name, sum),
    parts = self.parts and #self.parts > 0 and #self.parts or nil,
  }
end

--- Upload a file.
---@param handle userdata awsbak.core.file
---@param target { s3: table, bucket: string, key: string }
---@param options backup.UploadOptions?
---@return backup.Uploaded
--- Raises kind usage for what is none of these; kind io, code EEXIST, when the object exists and
--- `force` does not replace it; code changed when the file changed meanwhile; code no_size when it
--- has bytes and says that it has none; as S3's client does. Without a journal nothing is left of
--- an upload that failed.
function s3_upload.put(handle, target, options)
  argument.check(handle, "any", "the file of an upload")
  options = s3_options.check(options, { ["the target"] = target or false }, "an upload")
  return s3_upload.put_checked(handle, target, options)
end

return s3_upload
