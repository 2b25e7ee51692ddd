--- The text of an archive, record by record (docs/formats/archive.md).

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")

local M = {}

M.NAME = "awsbak archive"
M.VERSION = 1

--- Longest line a reader takes, in bytes.
M.LINE_MAX = 16 * 1024 * 1024

-- Strings that are not UTF-8 cannot be JSON: they become an object with this one member.
local BYTES = "$base64"

local SIGNED = "awsbak archive v1\n"

--- The bytes a signature is made over.
---@param sha256 string raw digest of all before the closing record
---@param count integer number of items
---@return string
function M.signed_text(sha256, count)
  return SIGNED .. sha256 .. ("%d"):format(count)
end

local function copy(value)
  local other = setmetatable({}, getmetatable(value)) -- lists keep their metatable
  for k, v in pairs(value) do
    other[k] = v
  end
  return other
end

--- `value` with every string in it as JSON can hold it; the value itself where nothing changes.
local function pack(value)
  if type(value) == "string" then
    return utf8.len(value) and value or { [BYTES] = codec.base64(value) }
  elseif type(value) ~= "table" then
    return value
  end
  if next(value) == BYTES and next(value, BYTES) == nil then
    errors.raise({
      kind = "usage",
      code = "record",
      message = ('a record cannot hold an object with the single member "%s"'):format(BYTES),
    })
  end
  local packed
  for k, v in pairs(value) do
    local p = pack(v)
    if p ~= v then
      packed = packed or copy(value)
      packed[k] = p
    end
  end
  return packed or value
end

--- Undo pack(), in place.
local function unpack(value)
  if type(value) ~= "table" then
    return value
  end
  local text = value[BYTES]
  if type(text) == "string" and next(value) == BYTES and next(value, BYTES) == nil then
    return errors.check(codec.unbase64(text))
  end
  for k, v in pairs(value) do
    local u = unpack(v)
    if u ~= v then
      value[k] = u
    end
  end
  return value
end

--- One record as a line, without its line feed.
---@param record table
---@return string line raises kind usage for what JSON cannot hold, and for lines that are too long
function M.encode(record)
  local line = json.encode(record)
  if not line or line:find(BYTES, 1, true) then -- rare: bytes that are not text, or look packed
    line = errors.check(json.encode(pack(record)))
  end
  if #line >= M.LINE_MAX then
    errors.raise({
      kind = "usage",
      code = "too_large",
      message = ('the record "%s" is larger than 16 MiB'):format(record.name or record.record),
    })
  end
  return line
end

--- The record of a line.
---@param line string
---@return table? record
---@return string? problem
function M.decode(line)
  local record, err = json.decode(line)
  if type(record) ~= "table" or type(record.record) ~= "string" then
    return nil, err and "is not JSON" or "is not a record"
  end
  local ok, unpacked = pcall(unpack, record)
  if not ok then
    return nil, "holds bytes that are not base64"
  end
  return unpacked
end

--- What is wrong with the first line of an archive, or nil.
---@param line string?
---@return table? header
---@return string? problem
function M.header(line)
  local header = line and M.decode(line)
  if not header or header.record ~= "header" or header.format ~= M.NAME then
    return nil, "is not an awsbak archive"
  elseif math.type(header.version) ~= "integer" or header.version < 1 then
    return nil, "is an awsbak archive without a version"
  elseif header.version > M.VERSION then
    return nil, ("is of format version %d, which this awsbak is too old for"):format(header.version)
  end
  return header
end

--- What is wrong with a closing record's own members, or nil.
---@param record table
---@return string? problem
function M.closing_problem(record)
  if math.type(record.count) ~= "integer" or type(record.sha256) ~= "string" then
    return "its closing record is malformed"
  elseif type(record.signed) ~= "boolean" then
    return "its closing record does not say whether it is signed"
  elseif
    record.signed and (type(record.signer) ~= "string" or type(record.signature) ~= "string")
  then
    return "its closing record lacks the signature"
  elseif not record.signed and (record.signer or record.signature) then
    return "its closing record contradicts itself"
  end
end

return M
