--- Whether a file and an object, or two objects, of one size have the same bytes, by checksums that
--- S3 keeps: no object is read.
---
--- One of the whole object tells for sure (S3 User Guide, "Checking object integrity"). Without
--- one, the ETag of an object that was sent at once is its MD5, unless KMS or a customer's key
--- encrypt it (API reference, Object: ETag).

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local s3_download = require("backup.transfer.s3_download")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local equality = {}

local function head_of(copy, place, entry)
  local _ <close> = copy.gate and copy.gate:enter() or nil
  local object = entry.object
  return s3_fault.head(copy.s3, {
    bucket = place.bucket,
    key = object.key,
    version_id = object.version_id,
  }, copy.read_input)
end

local function etag_md5(head)
  local is_plain = head.ServerSideEncryption == nil or head.ServerSideEncryption == "AES256"
  local hex = (head.ETag or ""):match('^"?(%x+)"?$')
  if hex and #hex == 32 and is_plain and not head.SSECustomerAlgorithm then
    return hex:lower()
  end
end

local function file_and_object(copy, folder, file, place, object)
  local head = head_of(copy, place, object)
  local check, sum = s3_download.check(head)
  local md5 = not check and etag_md5(head)
  if not check and not md5 then
    return nil
  end
  local handle <close> = errors.check(folder:open(file.key))
  local region = errors.check(handle:region(0, file.size))
  local digest = task.await(region:digest(check and check.name or "md5"))
  return check and digest == sum or codec.hex(digest) == md5
end

local function two_objects(copy, from, source, to, target)
  if source.object.etag and source.object.etag == target.object.etag then
    return true
  end
  local a, b = head_of(copy, from, source), head_of(copy, to, target)
  local check, sum = s3_download.check(a)
  local other, other_sum = s3_download.check(b)
  if check and other and check.member == other.member then
    return sum == other_sum
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
