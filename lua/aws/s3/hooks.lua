--- Buckets that are in another region than the client, and servers that want Content-MD5.
---
--- When S3 says so, and how: botocore 1.44.5, utils.py (S3RegionRedirectorv2). A request is signed
--- once more for the region told, always for a host that follows from our own settings: keys never
--- go to a host that an answer names.

local arn = require("aws.endpoint.arn")
local body = require("aws.body")
local codec = require("awsbak.core.codec")
local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")
local forms = require("aws.s3.forms")
local headers = require("awsbak.headers")
local http = require("awsbak.http")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local route = require("aws.route")

local hooks = { input = forms.input, output = forms.output }

local redirects = { [301] = true, [302] = true, [307] = true }

--- Sign at once for the region that the bucket was found in before.
---@param call aws.Call
function hooks.build(call)
  local known = call.service.bucket_regions
  call.region = call.region or known and known[call.input.Bucket]
end

--- Where S3 says the bucket is, or nil.
local function told_region(response)
  return headers.find(response.headers, "x-amz-bucket-region")
end

--- Whether the answer says that the bucket is elsewhere. HEAD has no body to say so: 400 it is.
local function is_elsewhere(call, err, response)
  local told = told_region(response) ~= nil
  local operation = call.operation.name
  return redirects[response.status]
    or err.code == "PermanentRedirect"
    or (err.code == "AuthorizationHeaderMalformed" and (err.fields or {}).Region ~= nil)
    or (err.code == "IllegalLocationConstraintException" and operation ~= "CreateBucket")
    or (response.status == 400 and operation == "HeadObject")
    or (response.status == 400 and operation == "HeadBucket" and told)
end

--- Ask without keys: S3 tells a bucket's region to everyone.
local function ask(call)
  local found = call.service:endpoint({
    service = call.service,
    operation = call.service.model:operation("HeadBucket"),
    input = { Bucket = call.input.Bucket },
    request = { path = "/" .. call.input.Bucket },
    region = call.region,
  })
  local request = { method = "HEAD", url = found.url .. found.path, headers = {} }
  local response = errors.try(outside.send, route.add(call.service.config, request))
  return response and told_region(response)
end

--- The region the bucket is in, from the answer or else asked for; nil when it cannot be known.
local function region_of(call, err, response)
  local told = (err.fields or {}).Region
  local region = told_region(response) or told or ask(call)
  return type(region) == "string" and endpoint.is_region(region) and region or nil
end

-- Access points are where their ARN says, directory buckets in the zone of their name.
local function can_be_elsewhere(bucket)
  return bucket ~= nil and not arn.parse(bucket) and not bucket:find("%-%-xa?%-s3$")
end

--- Go to the region where the bucket is, once, and remember it.
local function correct_region(call, err, response)
  local bucket = call.input.Bucket
  if not can_be_elsewhere(bucket) or not is_elsewhere(call, err, response) then
    return false
  end
  local region = region_of(call, err, response)
  if not region or region == (call.region or call.service.config:find_region()) then
    return false
  end
  log.info("bucket %s is in %s", bucket, region)
  call.service.bucket_regions = call.service.bucket_regions or {}
  call.service.bucket_regions[bucket] = region
  call.region = region
  return true
end

--- Give servers that are older than S3's own checksums the one they insist on.
local function correct_md5(call, err)
  local asks = err.code == "MissingContentMD5"
    or (err.code == "InvalidRequest" and err.message:find("Content-MD5", 1, true))
  if not asks or headers.find(call.request.headers, "content-md5") then
    return false
  end
  local md5 = codec.base64(body.digest("md5", call.request.body))
  table.insert(call.request.headers, { "Content-MD5", md5 })
  return true
end

--- Keep a customer's key from a network that anybody can read; S3 refuses it there, too, but then
--- it has been sent (S3 user guide, "Using server-side encryption with customer-provided keys").
---@param call aws.Call
---@param request table of one attempt
--- Raises kind usage, code insecure_key.
function hooks.sign(call, request)
  local scheme, host = http.host(request.url)
  if scheme == "https" or http.is_loopback(host) then
    return
  end
  for _, name in ipairs({ "SSECustomerKey", "CopySourceSSECustomerKey" }) do
    if call.input[name] then
      errors.raise({
        kind = "usage",
        code = "insecure_key",
        message = ("%s would be sent to %s without TLS"):format(name, host),
        hint = "use an https endpoint",
      })
    end
  end
end

--- Put right what S3 or a server like it complains of.
---@param call aws.Call
---@param err awsbak.Error
---@param response table
---@return boolean whether it is worth sending again
function hooks.correct(call, err, response)
  return correct_md5(call, err) or correct_region(call, err, response)
end

return hooks
