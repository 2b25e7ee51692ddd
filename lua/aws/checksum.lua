--- Checksums of bodies where the model knows of them: S3 checks what arrived before it keeps it,
--- and what it sends is checked here.
---
--- Which operations, which header: botocore/httpchecksum.py. A body is one piece in memory, so its
--- checksum travels as a header also where botocore sends a trailer.

local body = require("aws.body")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local reply = require("aws.protocol.reply")
local sorted = require("awsbak.sorted")

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

local function is_present(list)
  for _, pair in ipairs(list) do
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
      message = ('%s = "%s" is not a checksum algorithm'):format(traits.member, algorithm),
      hint = table.concat(sorted.keys(NAMES), ", "),
    })
  end
  local value = codec.base64(body.digest(name, request.body))
  table.insert(request.headers, { "x-amz-checksum-" .. name, value })
  if traits.member and not is_named then
    local member = model:shape(operation.input).by_name[traits.member]
    table.insert(request.headers, { member.location_name, algorithm })
  end
  return true
end

-- The order in which one of several is chosen (botocore/httpchecksum.py,
-- _ALGORITHMS_PRIORITY_LIST), of those that there are here.
local PRIORITY = { "CRC64NVME", "CRC32C", "CRC32", "SHA1", "SHA256", "SHA512" }

--- The input of a call that asks for a checksum with its reply, unless it says otherwise itself.
---@param operation aws.Operation
---@param input table
---@param mode string? "when_required" asks for none
---@return table input the same, or a copy
function checksum.asking(operation, input, mode)
  local member = operation.checksum.mode
  if not member or input[member] ~= nil or mode == "when_required" then
    return input
  end
  local asking = {}
  for name, value in pairs(input) do
    asking[name] = value
  end
  asking[member] = "ENABLED"
  return asking
end

local CRC_NUMBER <const> = "x-amz-crc32" -- DynamoDB's

-- By traits of an operation: the checksums that its replies may carry, as they are preferred.
local carried_by = setmetatable({}, { __mode = "k" })

---@return { name: string, header: string }[]
local function carried(traits)
  local list = carried_by[traits]
  if not list then
    local known = {}
    for _, algorithm in ipairs(traits.response or {}) do
      known[algorithm] = true
    end
    list = {}
    for _, algorithm in ipairs(PRIORITY) do
      if known[algorithm] then
        local name = NAMES[algorithm]
        list[#list + 1] = { name = name, header = "x-amz-checksum-" .. name }
      end
    end
    carried_by[traits] = list
  end
  return list
end

--- The headers of replies that may hold a checksum of the body.
---@param operation aws.Operation
---@return string[] names in lower case
function checksum.headers(operation)
  local names = { CRC_NUMBER }
  for _, one in ipairs(carried(operation.checksum)) do
    names[#names + 1] = one.header
  end
  return names
end

--- The checksum that a reply carries: its algorithm's name here, and the value; nil for none that
--- covers the body as it came. One of parts ("...-3") is of their checksums.
local function told(call, response)
  local traits = call.operation.checksum
  if not traits.mode or call.input[traits.mode] ~= "ENABLED" then
    return nil
  end
  local came = reply.headers(response)
  for _, one in ipairs(carried(traits)) do
    local value = came[one.header]
    if value and not value:find("-", 1, true) then
      return one.name, value
    end
  end
  return nil
end

local function compare(call, name, expected, found, written)
  if (written or codec.base64(found)) == expected then
    return
  end
  errors.raise({
    kind = "integrity",
    code = "checksum",
    message = ("the reply's body has another %s than the service says"):format(name),
    hint = "it was altered on the way; try again",
    service = call.subject.service,
    operation = call.subject.operation,
    retryable = true,
  })
end

--- The header that DynamoDB sends: a CRC32 as a number (botocore/retryhandler.py, CRC32Checker).
local function check_number(call, response)
  local expected = headers.find(response.headers, CRC_NUMBER)
  if expected then
    local found = errors.check(digest.digest("crc32", response.body))
    compare(call, "crc32", expected, found, ("%d"):format((">I4"):unpack(found)))
  end
end

--- Check the body of a reply, where it carries a checksum.
---@param call aws.Call
---@param response table with its body as text
--- Raises kind integrity, code checksum.
function checksum.check(call, response)
  check_number(call, response)
  local name, expected = told(call, response)
  if name then
    compare(call, name, expected, errors.check(digest.digest(name, response.body)))
  end
end

---@class aws.Promise what a reply says its body's digest is
---@field name string of awsbak.core.digest
---@field check fun(found: string) raises kind integrity, code checksum, for another raw digest

--- The checksum of a body that comes piece by piece.
---@param call aws.Call
---@param response table
---@return aws.Promise? promise nil when the reply carries no checksum
function checksum.promise(call, response)
  local name, expected = told(call, response)
  return name
    and {
      name = name,
      check = function(found)
        compare(call, name, expected, found)
      end,
    }
end

return checksum
