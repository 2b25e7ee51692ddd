--- Checksums of request bodies where the model knows of them: S3 checks what arrived before it
--- keeps it.
---
--- Which operations, which header: botocore/httpchecksum.py. A body is one piece in memory, so its
--- checksum travels as a header also where botocore sends a trailer.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")

local checksum = {}

local DEFAULT = "CRC32"

-- Algorithms as the models write them, and what they are called here.
local NAMES = {
  CRC32 = "crc32",
  CRC32C = "crc32c",
  CRC64NVME = "crc64nvme",
  MD5 = "md5",
  SHA1 = "sha1",
  SHA256 = "sha256",
  SHA512 = "sha512",
}

local function names()
  local list = {}
  for name in pairs(NAMES) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

local function is_present(headers)
  for _, pair in ipairs(headers) do
    if pair[1]:lower():match("^x%-amz%-checksum%-%l+%d") then
      return true
    end
  end
  return false
end

--- The algorithm to use, or nil for none; and whether the caller named it.
local function choose(traits, input, mode)
  local named = traits.member and input[traits.member]
  if named then
    return named, true
  elseif traits.required or (traits.member and mode ~= "when_required") then
    return DEFAULT, false
  end
  return nil
end

--- Add the checksum of a request's body to its headers.
---@param model aws.Model
---@param operation aws.Operation
---@param input table
---@param request aws.Request changed
---@param mode string? "when_required" leaves it out where the service can do without
---@return boolean whether the request has a checksum now
--- Raises kind usage, code bad_checksum, for an algorithm there is not.
function checksum.add(model, operation, input, request, mode)
  if is_present(request.headers) then
    return true
  end
  local traits = operation.checksum
  local algorithm, is_named = choose(traits, input, mode)
  if not algorithm then
    return false
  end
  local name = NAMES[algorithm]
  if not name then
    errors.raise({
      kind = "usage",
      code = "bad_checksum",
      message = ("%s = %q is not a checksum algorithm"):format(traits.member, algorithm),
      hint = table.concat(names(), ", "),
    })
  end
  local value = codec.base64(digest.digest(name, request.body or ""))
  table.insert(request.headers, { "x-amz-checksum-" .. name, value })
  if traits.member and not is_named then
    local member = model:shape(operation.input).by_name[traits.member]
    table.insert(request.headers, { member.location_name, algorithm })
  end
  return true
end

return checksum
