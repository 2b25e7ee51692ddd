--- The functions that endpoint rules call.
---
--- Source: Smithy, "Endpoint rules standard library" and "AWS endpoint functions"; where they leave
--- something open, botocore 1.44.5, endpoint_provider.py. nil stands for a value that is not set.

local arn = require("aws.endpoint.arn")
local codec = require("awsbak.core.codec")
local partitions = require("aws.endpoint.partitions")
local url = require("aws.endpoint.url")

local functions = {}

functions["aws.partition"] = partitions.of
functions["parseURL"] = url.parse

--- Whether a value is there.
function functions.isSet(value)
  return value ~= nil
end

functions["not"] = function(value)
  return not value
end

--- Whether two values are the same.
function functions.booleanEquals(a, b)
  return a == b
end

functions.stringEquals = functions.booleanEquals

--- The attribute at a path: "resourceId[2]", "name"; indexes count from 0.
function functions.getAttr(value, path)
  for part in path:gmatch("[^.]+") do
    local name, index = part:match("^(.-)%[(%d+)%]$")
    if name ~= "" then
      value = value and value[name or part]
    end
    if index then
      value = value and value[math.tointeger(index) + 1]
    end
  end
  return value
end

--- Characters `start` to before `stop`, counted from 0, from the end with `reverse`; nil when the
--- text is shorter or not ASCII.
function functions.substring(text, start, stop, reverse)
  if type(text) ~= "string" or start >= stop or #text < stop or text:find("[\128-\255]") then
    return nil
  elseif reverse then
    return text:sub(#text - stop + 1, #text - start)
  end
  return text:sub(start + 1, stop)
end

--- A text percent-encoded (RFC 3986).
function functions.uriEncode(text)
  return text and codec.uri(text)
end

local function is_label(text)
  return #text <= 63 and text:find("^[%w][%w%-]*$") ~= nil and not text:find("%-$")
end

--- Whether a text is a label of a host name (RFC 1123), or with `subdomains` labels with dots.
function functions.isValidHostLabel(text, subdomains)
  if text == nil then
    return false
  elseif not subdomains then
    return is_label(text)
  end
  for label in (text .. "."):gmatch("([^.]*)%.") do
    if not is_label(label) then
      return false
    end
  end
  return true
end

functions["aws.isVirtualHostableS3Bucket"] = function(bucket, subdomains)
  return bucket ~= nil
    and #bucket >= 3
    and bucket == bucket:lower()
    and not bucket:find("^%d+%.%d+%.%d+%.%d+$")
    and functions.isValidHostLabel(bucket, subdomains)
end

functions["aws.parseArn"] = arn.parse

return functions
