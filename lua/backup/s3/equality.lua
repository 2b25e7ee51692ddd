--- Whether a file and an object, or two objects, of one size have the same bytes, by checksums that
--- S3 keeps: no object is read.
---
--- One of the whole object tells for sure, and so do those of all its parts (s3_checksums). Without
--- them, the ETag of an object that was sent at once is its MD5, unless KMS or a customer's key
--- encrypt it (API reference, Object: ETag).

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local equality = {}

--- The head of one side of a step.
---@param copy backup.Copying
---@param place backup.End
---@param entry backup.DiffEntry with its object
---@return table head
---@return table asked what of: client, bucket, key, version, and location for messages
--- Raises as HeadObject does.
function equality.head(copy, place, entry)
  local _ <close> = copy.gate and copy.gate:enter() or nil
  local object = entry.object
  local asked = {
    s3 = copy.s3,
    bucket = place.bucket,
    key = object.key,
    version_id = object.version_id,
    location = ("s3://%s/%s"):format(place.bucket, object.key),
  }
  return s3_fault.head(copy.s3, asked, copy.read_input), asked
end

local function etag_md5(head)
  local is_plain = head.ServerSideEncryption == nil or head.ServerSideEncryption == "AES256"
  local hex = (head.ETag or ""):match('^"?(%x+)"?$')
  if hex and #hex == 32 and is_plain and not head.SSECustomerAlgorithm then
    return hex:lower()
  end
end

local function file_and_object(copy, folder, file, place, object)
  local head, asked = equality.head(copy, place, object)
  local check, sum = s3_checksums.whole(head)
  local parts = s3_checksums.parts(asked, head, copy.read_input)
  local md5 = not check and etag_md5(head)
  if not check and not parts and not md5 then
    return nil
  end
  local handle <close> = errors.check(folder:open(file.key))
  if parts then
    return s3_checksums.differing(handle, parts) == nil
  end
  local region = errors.check(handle:region(0, file.size))
  local digest = task.await(region:digest(check and check.name or "md5"))
  return check and digest == sum or codec.hex(digest) == md5
end

--- Whether both objects have the same composite checksum: the same bytes, cut into parts alike.
--- Others may have them as well, cut differently.
local function has_same_parts(a, b)
  local check, sum = s3_checksums.composite(a)
  local other, other_sum = s3_checksums.composite(b)
  return check ~= nil and check == other and sum == other_sum
end

local function two_objects(copy, from, source, to, target)
  if source.object.etag and source.object.etag == target.object.etag then
    return true
  end
  return equality.of_heads(
    equality.head(copy, from, source),
    (equality.head(copy, to, target))
  )
end

--- Whether two objects of one size have the same bytes, by their heads.
---@param a table
---@param b table
---@return boolean? equal nil when nothing tells
function equality.of_heads(a, b)
  local check, sum = s3_checksums.whole(a)
  local other, other_sum = s3_checksums.whole(b)
  if check and other and check.member == other.member then
    return sum == other_sum
  elseif has_same_parts(a, b) then
    return true
  end
  local md5, other_md5 = etag_md5(a), etag_md5(b)
  if md5 and other_md5 then
    return md5 == other_md5
  end
end

--- Whether the two sides of a step have the same bytes; their sizes are the same.
---@param copy backup.Copying
---@param from backup.End
---@param to backup.End
---@param step backup.DiffStep
---@return boolean? equal nil when nothing tells
--- Raises as HeadObject does; kind io when the file cannot be read.
function equality.of(copy, from, to, step)
  local source, target = step.source, step.target
  if source.size == 0 then
    return true
  elseif from.kind == "folder" then
    return file_and_object(copy, from.folder, source, to, target)
  elseif to.kind == "folder" then
    return file_and_object(copy, to.folder, target, from, source)
  end
  return two_objects(copy, from, source, to, target)
end

return equality
