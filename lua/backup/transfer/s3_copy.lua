--- An object to another place in S3 without its bytes coming here: one CopyObject up to 5 GiB, else
--- UploadPartCopy, some parts at a time (S3 User Guide, "Copying, moving, and renaming objects").
---
--- All is copied of one version of the source: by its version id and, in both ways, by its ETag.

local errors = require("awsbak.errors")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_fault = require("backup.transfer.s3_fault")
local s3_options = require("backup.transfer.s3_options")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_parts = require("backup.transfer.s3_parts")
local s3_tags = require("backup.transfer.s3_tags")
local task = require("awsbak.task")

local s3_copy = {}

local GIB <const> = 1024 * 1024 * 1024
local ONE_MAX <const> = 5 * GIB -- bytes that CopyObject copies
local PART <const> = GIB -- no bytes come here: large parts are few requests
local AT_ONCE <const> = 4

---@class backup.CopyOptions
---@field input table? more members of CopyObject: StorageClass, ServerSideEncryption, ...
---@field force boolean? replaces what exists
---@field is_absent boolean? a listing has just said that nothing exists: it is not asked again
---@field checksum "crc64nvme"|"crc32"|"crc32c"|nil that S3 shall make of the object (default: what
---  the source has)
---@field part_size integer? bytes of a part, for objects of more than 5 GiB (default 1 GiB)
---@field one_max integer? bytes from which on there are parts (default and most 5 GiB)
---@field at_once integer? parts that are copied at a time (default 4)
---@field gate awsbak.Gate? that each request passes, shared by several copies
---@field progress (fun(bytes: integer))?

--- What CopyObject takes over from the source beside metadata and tags: all of it, or nothing.
---@type string[] members of HeadObject and CopyObject
s3_copy.KEPT = {
  "CacheControl",
  "ContentDisposition",
  "ContentEncoding",
  "ContentLanguage",
  "ContentType",
  "Expires",
  "WebsiteRedirectLocation",
}

local function through(self, f, input)
  local _ <close> = self.options.gate and self.options.gate:enter() or nil
  return f(input)
end

--- Whether members are such that S3 takes only in place of all that the source has of them, for
--- which its whole head must be known.
---@param input table? members of CopyObject
---@return boolean
function s3_copy.replaces(input)
  for _, name in ipairs(s3_copy.KEPT) do
    if (input or {})[name] ~= nil then
      return true
    end
  end
  return (input or {}).Metadata ~= nil
end

--- What is said of the new object: the source's, and in place of it what was asked for.
local function described(self)
  local members = {}
  for _, name in ipairs(s3_copy.KEPT) do
    members[name] = self.head[name]
  end
  for name, value in pairs(self.options.input or {}) do
    members[name] = value
  end
  members.Metadata = self.metadata
  return members
end

--- A request that reads the source, which may be encrypted with a customer's key.
local function reading(self, members)
  local input = s3_outcome.input(self, members)
  local key = self.from.members or {}
  input.CopySource, input.CopySourceIfMatch = self.source_text, self.head.ETag
  input.CopySourceSSECustomerAlgorithm = key.SSECustomerAlgorithm
  input.CopySourceSSECustomerKey = key.SSECustomerKey
  return input
end

local function copy_one(self)
  local replaces = s3_copy.replaces(self.options.input)
  local input = reading(self, replaces and described(self) or self.options.input)
  input.MetadataDirective = replaces and "REPLACE" or nil
  input.ChecksumAlgorithm = self.algorithm
  -- S3 copies it with no directive, only where it is said (API reference, CopyObject).
  input.WebsiteRedirectLocation = input.WebsiteRedirectLocation or self.head.WebsiteRedirectLocation
  input.TaggingDirective = input.Tagging and "REPLACE" or nil
  input.IfNoneMatch = not self.options.force and "*" or nil
  local done = through(self, self.s3.copy_object, input)
  self.progress(self.size)
  return { VersionId = done.VersionId, ETag = (done.CopyObjectResult or {}).ETag }
end

--- What CopyObject would take over from the source, for CreateMultipartUpload.
local function taken_over(self)
  local members = described(self)
  if (self.head.TagCount or 0) > 0 and not members.Tagging then
    local from = self.from
    local input = { Bucket = from.bucket, Key = from.key, VersionId = self.head.VersionId }
    members.Tagging = s3_tags.header(from.s3.get_object_tagging(input).TagSet)
  end
  return members
end

local function copy_part(self, part)
  local input = reading(self, {
    UploadId = self.upload_id,
    PartNumber = part.number,
    CopySourceRange = ("bytes=%d-%d"):format(part.at, part.at + part.size - 1),
  })
  local done = s3_outcome.part(self, through, self, self.s3.upload_part_copy, input)
  self.parts[part.number] = { PartNumber = part.number, ETag = done.CopyPartResult.ETag }
  self.progress(part.size)
end

local function copy_parts(self)
  local size = s3_parts.size(self.size, self.options.part_size or PART)
  local members = taken_over(self)
  members.ChecksumAlgorithm = self.algorithm
  members.ChecksumType = self.algorithm and "FULL_OBJECT"
  self.upload_id = s3_outcome.begin(self, s3_outcome.input(self, members))
  task.each(s3_parts.each(self.size, size), self.options.at_once or AT_ONCE, function(part)
    copy_part(self, part)
  end)
  return self.s3.complete_multipart_upload(s3_outcome.input(self, {
    UploadId = self.upload_id,
    MultipartUpload = { Parts = self.parts },
    IfNoneMatch = not self.options.force and "*" or nil,
  }))
end

--- What is there after a request failed. S3 has one word for a source that was replaced and a
--- target that exists.
local function after(self, err)
  if err.status == 412 and (self.options.force or not s3_outcome.head(self)) then
    local source = ("s3://%s/%s"):format(self.from.bucket, self.from.key)
    err.message, err.hint = source .. " was replaced while it was copied", "try again"
    error(err, 0)
  end
  return s3_outcome.after(self, err)
end

--- As put, of many objects, whose options are alike and made where they are known: nothing is
--- checked for each of them.
---@param from table as put takes it
---@param to { s3: table, bucket: string, key: string }
---@param options backup.CopyOptions
---@return backup.Uploaded
--- Raises as put does, but for what is none of these.
function s3_copy.put_checked(from, to, options)
  local head = from.head or s3_fault.head(from.s3, from, from.members)
  local version_id = from.version_id or (head.VersionId ~= "null" and head.VersionId)
  local self = {
    s3 = to.s3,
    bucket = to.bucket,
    key = to.key,
    location = ("s3://%s/%s"):format(to.bucket, to.key),
    from = from,
    head = head,
    size = head.ContentLength,
    shared = s3_outcome.shared(options.input),
    source_text = ("%s/%s?versionId=%s"):format(from.bucket, from.key, version_id or ""),
    options = options,
    algorithm = options.checksum and s3_checksums.algorithm(options.checksum),
    parts = {},
    progress = options.progress or function() end,
  }
  local mark = s3_outcome.mark((options.input or {}).Metadata or head.Metadata)
  self.mark, self.metadata = mark.text, mark.metadata
  if not options.force and not options.is_absent and s3_outcome.head(self) then
    s3_outcome.exists(self) -- servers like S3 do not all know If-None-Match of a copy
  end
  local is_one = self.size <= math.min(options.one_max or ONE_MAX, ONE_MAX)
  local done, err = errors.try(is_one and copy_one or copy_parts, self)
  if not done then
    if self.upload_id then
      s3_outcome.abort(self, self.upload_id)
    end
    done = after(self, err)
  end
  return {
    location = self.location,
    bytes = self.size,
    etag = done.ETag,
    version_id = done.VersionId,
    parts = not is_one and #self.parts or nil,
  }
end

--- Copy an object.
---@param from { s3: table, bucket: string, key: string, version_id: string?, head: table?,
---  members: table? } the head is asked for when it is not known; members are a customer's key
---@param to { s3: table, bucket: string, key: string }
---@param options backup.CopyOptions?
---@return backup.Uploaded
--- Raises kind usage for what is none of these; kind io, code EEXIST, when the object exists and
--- `force` does not replace it; kind service, status 412, when the source was replaced meanwhile;
--- as S3's client does. Nothing is left of a copy that failed.
function s3_copy.put(from, to, options)
  local places = { ["the source"] = from or false, ["the target"] = to or false }
  return s3_copy.put_checked(from, to, s3_options.check(options, places, "a copy"))
end

return s3_copy
