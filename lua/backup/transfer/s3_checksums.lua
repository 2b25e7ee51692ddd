--- What S3 keeps of an object's bytes (S3 User Guide, "Checking object integrity").
---
--- A checksum of the whole is compared with the bytes. A composite one, which most other programs
--- leave of what they upload in parts, is the checksum of the parts' checksums in a row: it says
--- nothing of the bytes before the parts are known, their sizes and their own checksums.
--- GetObjectAttributes tells them (API reference), to those who have s3:GetObjectAttributes.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_parts = require("backup.transfer.s3_parts")
local task = require("awsbak.task")

local s3_checksums = {}

local AT_ONCE <const> = 4 -- parts of a file that are read at a time

-- Checksums of an object as HeadObject gives them, and whether those of ranges combine.
local CHECKSUMS = {
  { member = "ChecksumCRC64NVME", name = "crc64nvme", combines = true },
  { member = "ChecksumCRC32C", name = "crc32c", combines = true },
  { member = "ChecksumCRC32", name = "crc32", combines = true },
  { member = "ChecksumSHA256", name = "sha256" },
  { member = "ChecksumSHA1", name = "sha1" },
}

---@class backup.Check a checksum that S3 has
---@field member string of HeadObject and of parts
---@field name string in awsbak.core.digest
---@field combines boolean? whether those of ranges make that of the whole

---@class backup.PartSum : backup.Part
---@field sum string raw

---@class backup.PartSums
---@field name string in awsbak.core.digest
---@field [integer] backup.PartSum in the order of the parts

--- The first checksum that is wanted, by whether it counts parts.
local function find(head, is_wanted)
  for _, row in ipairs(CHECKSUMS) do
    local told = head[row.member]
    local value, count = nil, nil
    if told then
      value, count = told:match("^([^-]+)(%-?%d*)$")
    end
    if value and is_wanted(count ~= "") then
      return row, codec.unbase64(value)
    end
  end
  return nil
end

--- What S3's members and headers call a checksum: "CRC64NVME".
---@param name string in awsbak.core.digest
---@return string
function s3_checksums.algorithm(name)
  return name:upper()
end

--- A checksum as people read it: "CRC64NVME:...".
---@param name string in awsbak.core.digest
---@param sum string raw
---@return string
function s3_checksums.shown(name, sum)
  return ("%s:%s"):format(s3_checksums.algorithm(name), codec.base64(sum))
end

--- Whether an ETag is that of an object that came in parts.
---@param etag string?
---@return boolean
function s3_checksums.has_parts(etag)
  local is_maybe = etag and etag:find("-", 1, true) -- which most have not: no pattern is tried
  return is_maybe ~= nil and etag:find('-%d+"?$') ~= nil
end

--- The checksum of the whole object. There is none where S3 says that it is one of parts, or the
--- object is of parts and nothing says that it is of the whole.
---@param head table of the object, asked for with its checksums
---@return backup.Check? check nil when there is none
---@return string? sum raw
function s3_checksums.whole(head)
  local is_told = head.ChecksumType == "FULL_OBJECT"
  if not is_told and (head.ChecksumType or s3_checksums.has_parts(head.ETag)) then
    return nil
  end
  return find(head, function(counts)
    return not counts
  end)
end

--- The composite checksum of an object; some servers leave the count of the parts out.
---@param head table of the object, asked for with its checksums
---@return backup.Check? check nil when there is none
---@return string? sum raw
function s3_checksums.composite(head)
  if head.ChecksumType == "FULL_OBJECT" then
    return nil
  end
  local is_told = head.ChecksumType == "COMPOSITE" or s3_checksums.has_parts(head.ETag)
  return find(head, function(counts)
    return counts or is_told
  end)
end

--- The checksum of a whole, of those of its ranges.
---@param name string one that combines
---@param sums string[] raw, of ranges of one size
---@param total integer bytes of the whole
---@param size integer bytes of a range but the last
---@return string sum raw
function s3_checksums.combine(name, sums, total, size)
  local sum = sums[1]
  for number = 2, #sums do
    sum = digest.combine(name, sum, sums[number], math.min(size, total - (number - 1) * size))
  end
  return sum
end

--- The answers of GetObjectAttributes, each with some parts.
local function pages(object, head, members)
  local input = s3_outcome.shared(members)
  input.Bucket, input.Key = object.bucket, object.key
  input.VersionId = object.version_id or head.VersionId ~= "null" and head.VersionId or nil
  input.ObjectAttributes = { "ETag", "ObjectParts" }
  local is_last = false
  return function()
    if is_last then
      return nil
    end
    local answer = object.s3.get_object_attributes(input)
    local parts = answer.ObjectParts or {}
    local marker = parts.NextPartNumberMarker
    is_last = not parts.IsTruncated or not marker or marker == input.PartNumberMarker
    input.PartNumberMarker = marker
    return answer, parts.Parts or {}
  end
end

--- Take in a part; whether it can be one.
local function add(sums, part, check)
  local sum = part[check.member] and codec.unbase64(part[check.member])
  if not sum or not part.Size or part.Size < 0 or #sums >= s3_parts.COUNT_MAX then
    return false
  end
  local last = sums[#sums]
  local at = last and last.at + last.size or 0
  sums[#sums + 1] = { number = #sums + 1, at = at, size = part.Size, sum = sum }
  return true
end

local function bare(etag)
  return etag and etag:gsub('"', "")
end

--- The parts as S3 tells them; nil and why they are of no use.
local function told(object, head, members, check)
  local sums = { name = check.name }
  for answer, parts in pages(object, head, members) do
    if bare(answer.ETag) ~= bare(head.ETag) then
      return nil, "they are of another object than was there before"
    end
    for _, part in ipairs(parts) do
      if not add(sums, part, check) then
        return nil, "the server tells of a part without size or checksum"
      end
    end
  end
  local last = sums[#sums]
  if not last then
    return nil, "the server does not tell them"
  elseif last.at + last.size ~= head.ContentLength then
    return nil, "the server tells of other parts than make up the object"
  end
  return sums
end

local function check_composite(object, sums, composite)
  local raw = {}
  for i, part in ipairs(sums) do
    raw[i] = part.sum
  end
  if errors.check(digest.digest(sums.name, table.concat(raw))) ~= composite then
    errors.raise({
      kind = "integrity",
      code = "checksum",
      message = ("%s: the %s of its parts do not make the one that S3 keeps of it"):format(
        object.location,
        sums.name
      ),
      hint = "what S3 tells of it contradicts itself; try again",
    })
  end
end

--- The checksums of an object's parts, where S3 has no checksum of the whole. Where they cannot be
--- had, that is a warning, once for each bucket and reason.
---@param object { s3: table, bucket: string, key: string, version_id: string?, location: string }
---@param head table of the object, asked for with its checksums
---@param members table? of GetObject: SSECustomerKey, RequestPayer, ...
---@return backup.PartSums? sums nil when there are none
--- Raises kind integrity when they are not those of the composite checksum; as GetObjectAttributes
--- does where no answer came, or the object is gone.
function s3_checksums.parts(object, head, members)
  local check, composite = s3_checksums.composite(head)
  if not check or head.ContentLength == 0 then
    return nil
  end
  local ok, sums, why = pcall(told, object, head, members, check)
  if not ok then
    local err = errors.from(sums)
    local is_answer = err.kind == "reply" or err.kind == "service" and err.status ~= 404
    if not is_answer then
      error(err, 0)
    end
    local is_denied = err.code == "AccessDenied"
    sums, why = nil, is_denied and "s3:GetObjectAttributes is denied" or err.message
  end
  if not sums then
    local what = "checksums of parts of objects in %s cannot be had (%s): lengths are compared"
    log.warn_once(what, object.bucket, why)
    return nil
  end
  check_composite(object, sums, composite)
  return sums
end

--- Look for a part of a file that is not what S3 keeps.
---@param handle userdata awsbak.core.file of the object's size
---@param sums backup.PartSums
---@return backup.PartSum? part one that differs, nil when all are the same
--- Raises kind io when the file cannot be read.
function s3_checksums.differing(handle, sums)
  local found, at = nil, 0
  local function following()
    at = at + 1
    return not found and sums[at] or nil
  end
  task.each(following, AT_ONCE, function(part)
    local region = errors.check(handle:region(part.at, part.size))
    if task.await(region:digest(sums.name)) ~= part.sum then
      found = found or part
    end
  end)
  return found
end

return s3_checksums
