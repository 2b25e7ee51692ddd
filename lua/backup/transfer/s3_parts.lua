--- How an object is cut into parts: of one size, at most 10,000 of them (Amazon S3 User Guide,
--- "Amazon S3 multipart upload limits").

local errors = require("awsbak.errors")

local s3_parts = {}

local MIB <const> = 1024 * 1024

s3_parts.DEFAULT = 8 * MIB -- bytes of a part, when that gives no more than allowed
s3_parts.MIN = 5 * MIB -- of all but the last
s3_parts.MAX = 5 * 1024 * MIB
s3_parts.COUNT_MAX = 10000

local function up(a, b)
  return -(-a // b)
end

--- The size of parts for an object: as wanted, or larger where there would be too many.
---@param total integer bytes of the object
---@param wanted integer? bytes of a part (default 8 MiB)
---@return integer bytes whole MiB, unless it is as wanted
--- Raises kind usage, code part_size, for parts that S3 does not take; kind io, code EFBIG, for
--- more than 10,000 of the largest.
function s3_parts.size(total, wanted)
  wanted = wanted or s3_parts.DEFAULT
  if wanted < s3_parts.MIN or wanted > s3_parts.MAX then
    errors.raise({
      kind = "usage",
      code = "part_size",
      message = ("S3 takes parts of 5 MiB to 5 GiB, and none of %d bytes"):format(wanted),
    })
  end
  if total <= wanted then
    return wanted -- one part; 10,000 of a MiB are more
  end
  local least = up(up(total, s3_parts.COUNT_MAX), MIB) * MIB
  if least > s3_parts.MAX then
    errors.raise({
      kind = "io",
      code = "EFBIG",
      message = ("%d bytes are more than an object can have"):format(total),
    })
  end
  return math.max(wanted, least)
end

---@class backup.Part
---@field number integer from 1
---@field at integer where it begins, bytes
---@field size integer bytes

--- Iterate over the parts of an object.
---@param total integer bytes
---@param size integer bytes of a part
---@return fun(): backup.Part?
function s3_parts.each(total, size)
  local number, at = 0, -size
  return function()
    number, at = number + 1, at + size
    return at < total and { number = number, at = at, size = math.min(size, total - at) } or nil
  end
end

return s3_parts
