--- What commands say of objects that they write: options of a policy, and what they are in the
--- members of PutObject, CreateMultipartUpload and CopyObject.

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local s3_tags = require("backup.transfer.s3_tags")
local sorted = require("awsbak.sorted")
local time = require("awsbak.time")
local units = require("awsbak.units")
local usage = require("backup.s3.usage")

local M = {}

local KEY_BYTES <const> = 32 -- of a customer's key: AES-256

--- Options of a policy.
M.options = {
  { "storage_class", help = "STANDARD_IA, GLACIER_IR, DEEP_ARCHIVE ..." },
  {
    "sse",
    kind = "choice",
    choices = { "AES256", "aws:kms", "aws:kms:dsse" },
    help = "how S3 encrypts the object (default: as the bucket says)",
  },
  { "sse_kms_key_id", help = "the KMS key, with --sse aws:kms" },
  { "sse_c_key", help = "encrypt in S3 with the key in this file, 32 bytes (SSE-C)" },
  { "tag", many = true, help = "a tag of the object: NAME=VALUE" },
  { "metadata", many = true, help = "metadata of the object: NAME=VALUE" },
  { "content_type", help = "text/plain, for example" },
  { "cache_control", help = "max-age=3600, for example" },
  {
    "lock_mode",
    kind = "choice",
    choices = { "GOVERNANCE", "COMPLIANCE" },
    help = "nobody may delete the version before --lock-until",
  },
  { "lock_until", help = "a time in RFC 3339 or a date, with --lock-mode" },
  { "legal_hold", kind = "flag", help = "nobody may delete the version until that is taken back" },
}

local function pairs_of(list, flag)
  local found = {}
  for _, word in ipairs(list or {}) do
    local name, value = word:match("^([^=]+)=(.*)$")
    usage.refuse(not name, flag, "is NAME=VALUE, not " .. word)
    usage.refuse(found[name], flag, ("has %s twice"):format(name))
    found[name] = value
  end
  return next(found) and found
end

local function tagging(tags)
  local list = {}
  for _, name in ipairs(sorted.keys(tags)) do
    list[#list + 1] = { Key = name, Value = tags[name] }
  end
  return s3_tags.header(list)
end

--- Refuse the options where no object is written; a customer's key is for reading, too.
---@param o table values of the options above
--- Raises kind usage, code bad_option.
function M.check_read(o)
  for _, option in ipairs(M.options) do
    local name = option[1]
    local value = name ~= "sse_c_key" and o[name]
    local is_given = value and (type(value) ~= "table" or #value > 0)
    local flag = "--" .. name:gsub("_", "-")
    usage.refuse(is_given, flag, "is for objects that are written: this copy only reads")
  end
end

--- The members of a customer's key that each request for such an object takes.
---@param path string? of the file with the key
---@return table members SSECustomerAlgorithm and SSECustomerKey, or nothing
--- Raises kind io when it cannot be read; kind usage when it is no key.
function M.customer_key(path)
  if not path then
    return {}
  end
  local key = errors.check(outside.read_file(path))
  local has = units.show_count(#key, "byte")
  local why = ("names a file of %s: a key has %d"):format(has, KEY_BYTES)
  usage.refuse(#key ~= KEY_BYTES, "--sse-c-key", why)
  return { SSECustomerAlgorithm = "AES256", SSECustomerKey = key }
end

--- The members that the options stand for.
---@param o table values of the options above
---@return table input
--- Raises kind usage for options that do not go together; as customer_key does.
function M.input(o)
  local is_kms = (o.sse or ""):find("^aws:kms")
  usage.refuse(o.sse_kms_key_id and not is_kms, "--sse-kms-key-id", "wants --sse aws:kms")
  usage.refuse(o.sse_c_key and o.sse, "--sse-c-key", "does not go with --sse")
  local is_half = (o.lock_mode == nil) ~= (o.lock_until == nil)
  usage.refuse(is_half, "--lock-mode", "and --lock-until go together")
  local lock_until = o.lock_until and time.calendar(o.lock_until)
  usage.refuse(o.lock_until and not lock_until, "--lock-until", "is a time in RFC 3339 or a date")
  local tags = pairs_of(o.tag, "--tag")
  local input = M.customer_key(o.sse_c_key)
  input.StorageClass = o.storage_class
  input.ServerSideEncryption = o.sse
  input.SSEKMSKeyId = o.sse_kms_key_id
  input.Tagging = tags and tagging(tags) or nil
  input.Metadata = pairs_of(o.metadata, "--metadata") or nil
  input.ContentType = o.content_type
  input.CacheControl = o.cache_control
  input.ObjectLockMode = o.lock_mode
  input.ObjectLockRetainUntilDate = lock_until or nil
  input.ObjectLockLegalHoldStatus = o.legal_hold and "ON" or nil
  return input
end

return M
