--- Where a request goes and for whom it is signed: partition, region, S3 bucket style.
---
--- Facts: botocore 1.44.5, data/partitions.json and data/endpoints.json (suffixes, global
--- services), data/s3/*/endpoint-rule-set-1.json and args.py (bucket style).

local errors = require("awsbak.errors")

local endpoint = {}

---@class aws.Endpoint
---@field url string scheme, host and port; no path
---@field path string the path to send, bucket and base path settled
---@field signing_region string
---@field signing_name string
---@field headers string[][] headers the endpoint asks for

-- By the start of a region's name; a region of no other partition is in "aws", known or not.
local partitions = {
  { "cn-", "amazonaws.com.cn" },
  { "eu-isoe-", "cloud.adc-e.uk" },
  { "eusc-", "amazonaws.eu" },
  { "us-iso-", "c2s.ic.gov" },
  { "us-isob-", "sc2s.sgov.gov" },
  { "us-isof-", "csp.hci.ic.gov" },
  { "us-gov-", "amazonaws.com" },
}

-- Services with one endpoint for all of partition "aws", by endpoint prefix: host, signing region.
local global_hosts = {
  cloudfront = { "cloudfront.amazonaws.com", "us-east-1" },
  iam = { "iam.amazonaws.com", "us-east-1" },
  organizations = { "organizations.us-east-1.amazonaws.com", "us-east-1" },
  route53 = { "route53.amazonaws.com", "us-east-1" },
}

--- The DNS suffix of a region's partition.
---@param region string
---@return string suffix such as "amazonaws.com"
---@return boolean commercial whether it is the partition "aws"
function endpoint.suffix(region)
  for _, p in ipairs(partitions) do
    if region:sub(1, #p[1]) == p[1] then
      return p[2], false
    end
  end
  return "amazonaws.com", true
end

--- Whether `region` can be part of a host name.
---@param region string
---@return boolean
function endpoint.is_region(region)
  return #region <= 63 and region:match("^%w[%w%-]*$") ~= nil and not region:match("%-$")
end

--- Raise unless `region` can be part of a host name: our requests go to a host of that name.
---@param region string
---@param source string? where it was set, for the message
function endpoint.check_region(region, source)
  if not endpoint.is_region(region) then
    local where = source and " (" .. source .. ")" or ""
    errors.raise({
      kind = "config",
      code = "region",
      message = ("%q is not the name of a region%s"):format(region, where),
      hint = "a region looks like eu-west-1",
    })
  end
end

--- Take an endpoint URL apart: "http://127.0.0.1:5000/base" gives "http://127.0.0.1:5000", "/base".
---@param url string
---@param source string? where it was set, for the message
---@return string origin scheme, host and port
---@return string base path without a last slash; "" for none
function endpoint.parse_url(url, source)
  local scheme, host, path = url:match("^(%a+)://([^/?#%s]+)([^?#%s]*)$")
  if not scheme or not scheme:lower():match("^https?$") or host:find("@", 1, true) then
    errors.raise({
      kind = "config",
      code = "endpoint_url",
      message = ("%q is not an endpoint URL%s"):format(url, source and " (" .. source .. ")" or ""),
      hint = "give scheme and host, as in http://127.0.0.1:5000",
    })
  end
  return scheme:lower() .. "://" .. host, (path:gsub("/+$", ""))
end

--- Whether a bucket's name can be the first label of a host: without dots, or TLS names would not
--- match.
---@param bucket string
---@return boolean
function endpoint.is_host_label(bucket)
  return #bucket >= 3 and #bucket <= 63 and bucket:match("^[%l%d][%l%d%-]*[%l%d]$") ~= nil
end

local function is_address(host)
  return host:match("^%[") ~= nil or host:match("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

--- The bucket at the start of an S3 path, moved into the host where that is possible and wanted.
local function bucket_style(scheme, host, path, params, custom)
  local bucket = params.bucket
  local style = params.addressing_style or "auto"
  if custom and style == "auto" then
    style = "path"
  end
  local name = host:match("^(.*):%d+$") or host
  if not bucket or style == "path" or is_address(name) or not endpoint.is_host_label(bucket) then
    return scheme .. "://" .. host, path
  end
  local rest = path:sub(#bucket + 2)
  return ("%s://%s.%s"):format(scheme, bucket, host), rest == "" and "/" or rest
end

local function check_bucket(bucket)
  if bucket:match("^arn:") or bucket:match("%-%-x%-s3$") then
    errors.raise({
      kind = "usage",
      code = "bucket",
      message = ("%q: access points and directory buckets are not supported yet"):format(bucket),
      hint = "name a general purpose bucket",
    })
  elseif
    #bucket < 3
    or #bucket > 255
    or not bucket:match("^[%w%.%-_]+$")
    or bucket:match("^%.+$")
  then
    errors.raise({
      kind = "usage",
      code = "bucket",
      message = ("%q is not the name of a bucket"):format(bucket),
    })
  end
end

local function default_host(service, region)
  local suffix, commercial = endpoint.suffix(region)
  local global = commercial and global_hosts[service.endpoint_prefix]
  if global then
    return global[1], global[2]
  end
  return ("%s.%s.%s"):format(service.endpoint_prefix, region, suffix), region
end

local function no_region(service)
  errors.raise({
    kind = "config",
    code = "no_region",
    message = ("no region is set, so the endpoint of %s is not known"):format(
      service.endpoint_prefix
    ),
    hint = "give --region, set AWS_REGION, or put region into the profile",
  })
end

--- Scheme and host, base path, and the region to sign for.
local function find_origin(service, params)
  if params.endpoint_url then
    local origin, base = endpoint.parse_url(params.endpoint_url, params.endpoint_url_source)
    return origin, base, params.region
  end
  local host, signing_region = default_host(service, params.region)
  return "https://" .. (params.host_prefix or "") .. host, "", signing_region
end

--- The endpoint of one request.
---@param service table `meta` of aws.model: endpoint_prefix, signing_name
---@param params table region; endpoint_url and its source when one is configured; path (or "/");
---  bucket and addressing_style ("auto", "path", "virtual") for S3, whose path begins with it;
---  host_prefix of operations that have one (not used with a configured endpoint)
---@return aws.Endpoint
function endpoint.resolve(service, params)
  endpoint.check_region(params.region or no_region(service), params.region_source)
  if params.bucket then
    check_bucket(params.bucket)
  end
  local origin, base, signing_region = find_origin(service, params)
  local scheme, host = origin:match("^(%a+)://(.+)$")
  local custom = params.endpoint_url ~= nil
  local url, path = bucket_style(scheme, host, params.path or "/", params, custom)
  return {
    url = url,
    path = base .. path,
    signing_region = signing_region,
    signing_name = service.signing_name or service.endpoint_prefix,
    headers = {},
  }
end

return endpoint
