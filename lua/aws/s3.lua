--- S3: objects in buckets.
---
---     local s3 = require("aws.s3")
---     for object in s3.each.list_objects_v2({ Bucket = "vault" }) do print(object.Key) end
---     local bucket, key = s3.parse_url("s3://vault/ssm/today.age")

local client = require("aws.client")
local errors = require("awsbak.errors")

-- Buckets that are written as an ARN may have slashes in it (S3 user guide, "Access points ARNs").
local ARNS = {
  "^(arn:[^/]*:outpost/[^/]+/accesspoint/[^/]+)/?(.*)$",
  "^(arn:[^/]*:accesspoint/[^/]+)/?(.*)$",
  "^(arn:[^/]+)/?(.*)$",
}

local function split(url)
  local rest = url:match("^s3://(.+)$") or ""
  for _, pattern in ipairs(ARNS) do
    local bucket, key = rest:match(pattern)
    if bucket then
      return bucket, key
    end
  end
  return rest:match("^([^/]+)/?(.*)$")
end

local function refuse(url, what, form)
  local near = url:match("^[sS]3:/*(.+)$") or url:match("^/*(.+)$")
  local is_near = near and not url:find("^s3://") and not near:find("://", 1, true)
  errors.raise({
    kind = "usage",
    code = "s3_url",
    message = ('"%s" does not name %s in S3'):format(url, what),
    hint = is_near and ("did you mean s3://%s?"):format(near) or "write " .. form,
  })
end

--- Take "s3://bucket/key" apart. The bucket may be the ARN of an access point.
---@param url string
---@return string bucket
---@return string key
--- Raises kind usage when there is no bucket or no key.
local function parse_url(url)
  local bucket, key = split(url)
  if not bucket or key == "" then
    refuse(url, "an object", "s3://bucket/key")
  end
  return bucket, key
end

--- Take "s3://bucket" or "s3://bucket/prefix" apart.
---@param url string
---@return string bucket
---@return string prefix "" for the whole bucket
--- Raises kind usage when there is no bucket.
local function parse_prefix(url)
  local bucket, prefix = split(url)
  if not bucket then
    refuse(url, "a bucket or a prefix", "s3://bucket/prefix")
  end
  return bucket, prefix
end

return client.new("s3", {}, function(s3)
  s3.parse_url = parse_url
  s3.parse_prefix = parse_prefix
end)
