--- An object in S3 into a file: fetched in ranges, several at once, each to its place as it comes.
---
--- All ranges are of one version of the object: by its version id, or where the bucket keeps no
--- versions by If-Match. An object replaced meanwhile is an error, never a mixture. What S3 keeps
--- of a checksum of the whole is compared with what came: made of those of the ranges where it is a
--- CRC, else of the file; those of parts are each compared with the file (s3_checksums).

local argument = require("awsbak.argument")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local pace = require("awsbak.pace")
local progress = require("awsbak.progress")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_fault = require("backup.transfer.s3_fault")
local s3_options = require("backup.transfer.s3_options")
local s3_parts = require("backup.transfer.s3_parts")
local task = require("awsbak.task")
local units = require("awsbak.units")

local s3_download = {}

local AT_ONCE <const> = 4
local NONE <const> = {}
local ATTEMPTS <const> = 5 -- for a body that is cut
local PAUSE_S <const> = 0.25 -- before the third one; doubles

---@class backup.DownloadOptions
---@field input table? more members of GetObject: SSECustomerKey, RequestPayer, ...
---@field head table? of the object, when it is known: ContentLength, ETag
---@field get_object (fun(input: table): table)? the client's, prepared for many objects
---@field part_size integer? bytes of a range (default 8 MiB)
---@field at_once integer? ranges that are fetched at a time (default 4)
---@field gate awsbak.Gate? that each request passes, shared by several downloads
---@field pace userdata? of awsbak.pace: how many bytes a second may come
---@field journal backup.Journal? what an earlier run did, and where this one writes what it does
---@field progress (fun(bytes: integer))? called with the bytes of each range that is there

---@class backup.Downloaded
---@field bytes integer
---@field etag string?
---@field version_id string?
---@field last_modified number? epoch seconds
---@field checksum string? that was compared: "crc64nvme", "sha256 of 3 parts"; nil: lengths alone

---@class backup.Download
---@field s3 table the client
---@field bucket string
---@field key string
---@field location string for messages
---@field head table of the object
---@field size integer bytes
---@field check backup.Check? that is compared
---@field part_sums backup.PartSums? that are compared where there is no such
---@field handle userdata awsbak.core.file
---@field sums table<integer, string> raw checksums of ranges by number

local function input(self, range)
  local members = { Bucket = self.bucket, Key = self.key, Range = range }
  for name, value in pairs(self.options.input or NONE) do
    members[name] = value
  end
  local head = self.head
  local is_named = head.VersionId and head.VersionId ~= "null"
  members.VersionId = self.version_id or is_named and head.VersionId or nil
  if not members.VersionId or members.VersionId == "null" then -- which may be written again
    members.IfMatch = head.ETag
  end
  return members
end

--- Raise unless a reply is of the range that was asked for.
local function check_range(self, part, answer)
  if part.size == self.size then
    return
  end
  local range = ("bytes %d-%d/%d"):format(part.at, part.at + part.size - 1, self.size)
  if answer.ContentRange ~= range then
    errors.raise({
      kind = "reply",
      code = "range",
      message = ("%s: asked for %s, got %s"):format(
        self.location,
        range,
        answer.ContentRange or "no range"
      ),
    })
  end
end

--- Fetch a range into its place; its checksum.
local function get(self, part, region)
  local range = part.size ~= self.size
      and ("bytes=%d-%d"):format(part.at, part.at + part.size - 1)
    or nil
  local _ <close> = self.options.gate and self.options.gate:enter() or nil
  local get_object = self.options.get_object or self.s3.get_object
  local answer = pace.run(self.options.pace, get_object, input(self, range))
  local body <close> = answer.Body
  check_range(self, part, answer)
  return body:store(region, self.sum_name) or ""
end

local function is_worth_repeating(err)
  local broke = err.kind == "network" or err.kind == "timeout" or err.kind == "integrity"
  return broke and not err.attempts -- the client's own attempts end where a body begins
end

--- As get, tried again when the body is cut or altered on the way.
local function get_again(self, part, region)
  for attempt = 1, ATTEMPTS do
    local sum, err = errors.try(get, self, part, region)
    if sum then
      return sum
    elseif err.status == 412 then
      err.message = self.location .. " was replaced while it was read"
      err.hint = "try again"
    end
    if attempt == ATTEMPTS or not is_worth_repeating(err) then
      error(err, 0)
    end
    progress.retried()
    outside.sleep(attempt == 1 and 0 or PAUSE_S * 2 ^ (attempt - 2))
  end
end

--- Whether an earlier run has brought a range, and it is still what it was.
local function is_there(self, part, region)
  local known = self.options.journal and self.options.journal:part(part.number)
  if not known then
    return false
  end
  local sum = task.await(region:digest(self.sum_name))
  if codec.hex(sum) == known.sum then
    self.sums[part.number] = sum
    return true
  end
  return false
end

local function fetch(self, part)
  local region = errors.check(self.handle:region(part.at, part.size, true))
  if not is_there(self, part, region) then
    local sum = get_again(self, part, region)
    self.sums[part.number] = sum
    if self.options.journal then
      self.options.journal:add(part.number, { sum = codec.hex(sum) })
    end
  end
  self.progress(part.size)
end

--- The digest of all that came.
local function whole_sum(self, part_size)
  if not self.check.combines then
    return task.await(errors.check(self.handle:region(0, self.size)):digest(self.check.name))
  end
  return s3_checksums.combine(self.check.name, self.sums, self.size, part_size)
end

local function altered(self, what, name)
  errors.raise({
    kind = "integrity",
    code = "checksum",
    message = ("%s: %s has another %s than S3 keeps of it"):format(self.location, what, name),
    hint = "it was altered on the way or in S3; try again",
  })
end

--- Compare all that came with what S3 keeps; what was compared.
local function verify(self, part_size)
  local sums = self.part_sums
  local part = sums and s3_checksums.differing(self.handle, sums)
  if part then
    altered(self, ("part %d"):format(part.number), sums.name)
  elseif self.check and self.size > 0 and whole_sum(self, part_size) ~= self.expected then
    altered(self, "what came", self.check.name)
  end
  local in_parts = sums and ("%s of %s"):format(sums.name, units.show_count(#sums, "part"))
  return self.check and self.check.name or in_parts
end

--- Make the file as long as the object. One that grows as its only part comes needs it not.
local function make_room(self, part_size)
  if self.size > part_size or errors.check(self.handle:size()) > 0 then
    task.await(self.handle:resize(self.size))
  end
end

--- As get, of many objects, whose options are alike and made where they are known: nothing is
--- checked for each of them.
---@param source { s3: table, bucket: string, key: string, version_id: string?, location: string? }
---@param handle userdata awsbak.core.file, open to write
---@param options backup.DownloadOptions
---@return backup.Downloaded
--- Raises as get does, but for what is none of these.
function s3_download.get_checked(source, handle, options)
  local self = {
    s3 = source.s3,
    bucket = source.bucket,
    key = source.key,
    version_id = source.version_id,
    location = source.location or ("s3://%s/%s"):format(source.bucket, source.key),
    handle = handle,
    options = options,
    sums = {},
    progress = options.progress or function() end,
  }
  local head = options.head or s3_fault.head(self.s3, self, options.input)
  self.head, self.size = head, head.ContentLength
  self.check, self.expected = s3_checksums.whole(head)
  self.part_sums = s3_checksums.parts(self, head, options.input)
  -- Ranges of a journal are known again by a checksum of their own.
  self.sum_name = self.check and self.check.combines and self.check.name
    or options.journal and "crc64nvme"
    or nil
  local part_size = s3_parts.size(self.size, options.part_size)
  make_room(self, part_size)
  if options.journal and not options.journal:fact("begun") then
    options.journal:begin({ begun = true })
  end
  if self.size > part_size then
    task.each(s3_parts.each(self.size, part_size), options.at_once or AT_ONCE, function(part)
      fetch(self, part)
    end)
  elseif self.size > 0 then
    fetch(self, { number = 1, at = 0, size = self.size })
  end
  local compared = verify(self, part_size)
  return {
    bytes = self.size,
    etag = head.ETag,
    version_id = head.VersionId,
    last_modified = head.LastModified,
    checksum = compared or nil,
  }
end

--- Fetch an object into a file, which is as long afterwards. What is in it when this fails is of no
--- use without the journal.
---@param source { s3: table, bucket: string, key: string, version_id: string?, location: string? }
---@param handle userdata awsbak.core.file, open to write
---@param options backup.DownloadOptions?
---@return backup.Downloaded
--- Raises kind usage for what is none of these; kind integrity, code checksum; kind service, status
--- 412, when the object was replaced meanwhile; kind io when the file cannot be written; as S3's
--- client does.
function s3_download.get(source, handle, options)
  argument.check(handle, "any", "the file of a download")
  options = s3_options.check(options, { ["the source"] = source or false }, "a download")
  return s3_download.get_checked(source, handle, options)
end

return s3_download
