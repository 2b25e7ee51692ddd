--- S3: objects in buckets.
---
---     local s3 = require("aws.s3")
---     for object in s3.each.list_objects_v2({ Bucket = "vault" }) do print(object.Key) end
---     local bucket, key = s3.parse_url("s3://vault/ssm/today.age")

local client = require("aws.client")
local errors = require("awsbak.errors")

--- Take "s3://bucket/key" apart.
---@param url string
---@return string bucket
---@return string key
--- Raises kind usage when there is no bucket or no key.
local function parse_url(url)
  local bucket, key = url:match("^s3://([^/]+)/(.+)$")
  if not bucket then
    errors.raise({
      kind = "usage",
      code = "s3_url",
      message = ('"%s" does not name an object in S3'):format(url),
      hint = "write s3://bucket/key",
    })
  end
  return bucket, key
end

return client.new("s3", {}, function(s3)
  s3.parse_url = parse_url
end)
