--- Input and output that S3 wants, or gives, in another form than its model says.
---
--- What and how: botocore 1.44.5, handlers.py (sse_md5, handle_copy_source_param,
--- set_list_objects_encoding_type_url, decode_list_object, validate_ascii_metadata).

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")

local forms = {}

local function copy(input)
  local changed = {}
  for name, value in pairs(input) do
    changed[name] = value
  end
  return changed
end

--- Keys of customers travel in base64, with their MD5, which who gives it is trusted to have made.
local function add_key(shape, input, prefix)
  local key, md5 = prefix .. "Key", prefix .. "KeyMD5"
  if not shape.by_name[md5] or input[key] == nil or input[md5] ~= nil then
    return input
  end
  local changed = copy(input)
  changed[key] = codec.base64(input[key])
  changed[md5] = codec.base64(errors.check(digest.digest("md5", input[key])))
  return changed
end

--- "bucket/key?versionId=x" with the key percent-encoded, which is how a header carries it. The
--- last such suffix tells the version, an empty one that there is none: keys may end so.
local function quote_source(source)
  local object, version = source:match("^(.*)%?versionId=(%S*)$")
  local suffix = (version or "") ~= "" and "?versionId=" .. version or ""
  return codec.uri(object or source, true) .. suffix
end

local function check_metadata(metadata)
  for key, value in pairs(metadata) do
    if (key .. value):find("[\128-\255]") then
      errors.raise({
        kind = "usage",
        code = "metadata",
        message = ('the metadata "%s" is not ASCII: a header carries it'):format(key),
        hint = "encode it, for example in base64",
      })
    end
  end
end

-- Where listings have keys: members of the output, and of the elements of its lists.
local LISTINGS = {
  ListObjects = {
    members = { "Delimiter", "Marker", "NextMarker" },
    lists = { Contents = "Key", CommonPrefixes = "Prefix" },
  },
  ListObjectsV2 = {
    members = { "Delimiter", "Prefix", "StartAfter" },
    lists = { Contents = "Key", CommonPrefixes = "Prefix" },
  },
  ListObjectVersions = {
    members = { "KeyMarker", "NextKeyMarker", "Prefix", "Delimiter" },
    lists = { Versions = "Key", DeleteMarkers = "Key", CommonPrefixes = "Prefix" },
  },
  -- Here botocore leaves keys as they are, and a listing with one that no XML can carry unreadable.
  ListMultipartUploads = {
    members = { "KeyMarker", "NextKeyMarker", "Prefix", "Delimiter" },
    lists = { Uploads = "Key", CommonPrefixes = "Prefix" },
  },
}

--- The input as S3 wants it.
---@param call aws.Call without its request
---@return table input the same, or a copy
--- Raises kind usage, code metadata, for metadata that no header can carry.
function forms.input(call)
  local operation, input = call.operation, call.input
  local shape = operation.input and call.service.model:shape(operation.input)
  if not shape then
    return input
  end
  input = add_key(shape, add_key(shape, input, "SSECustomer"), "CopySourceSSECustomer")
  if shape.by_name.CopySource and input.CopySource then
    input = copy(input)
    input.CopySource = quote_source(input.CopySource)
  end
  if input.Metadata then
    check_metadata(input.Metadata)
  end
  -- Keys may have characters that no XML can carry: they are asked for percent-encoded.
  call.decodes_keys = LISTINGS[operation.name] ~= nil and input.EncodingType == nil
  if call.decodes_keys then
    input = copy(input)
    input.EncodingType = "url"
  end
  return input
end

--- A key as it was before S3 encoded it; its spaces are "+".
local function decoded(text)
  return text and (text:gsub("+", " "):gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

--- Change the output to what people want.
---@param call aws.Call
---@param output table changed
function forms.output(call, output)
  local listing = LISTINGS[call.operation.name]
  if not listing or not call.decodes_keys or output.EncodingType ~= "url" then
    return
  end
  for _, name in ipairs(listing.members) do
    output[name] = decoded(output[name])
  end
  for list, member in pairs(listing.lists) do
    for _, item in ipairs(output[list] or {}) do
      item[member] = decoded(item[member])
    end
  end
end

return forms
