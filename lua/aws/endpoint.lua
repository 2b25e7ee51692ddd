--- Where a request goes and for whom it is signed, by AWS's endpoint rules.
---
---     endpoint.resolve(model, parameters, { path = "/vault/key", bucket = "vault" })
---
--- The rules come with the service's model (aws.endpoint.rules), what they are given from
--- aws.endpoint.parameters.

local arn = require("aws.endpoint.arn")
local errors = require("awsbak.errors")
local rules = require("aws.endpoint.rules")

local endpoint = {}

---@class aws.Endpoint
---@field url string scheme, host and port; no path
---@field path string the path to send, bucket and base path settled
---@field signing_region string
---@field signing_name string
---@field headers string[][] headers the endpoint asks for
---@field auth_schemes table[]? what the rules say of signing, in the order of their preference:
---  { name, signingName?, signingRegion?, signingRegionSet?, disableDoubleEncoding? }
---@field properties table what else they say: `backend` is "S3Express" for directory buckets

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

local function is_address(host)
  return host:match("^%[") ~= nil or host:match("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

--- Raise unless a bucket is the name of one, or an ARN, whose form the rules check.
---@param bucket string
--- Source: botocore/handlers.py, validate_bucket_name.
function endpoint.check_bucket(bucket)
  if arn.parse(bucket) then
    return
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

-- For models that bring no rules: the host's usual form, which botocore guesses as well
-- (regions.py, EndpointResolver, the defaults of endpoints.json).
local function usual_rules(prefix)
  local url = "https://" .. prefix .. ".{Region}.{Partition#dnsSuffix}"
  local region = { ref = "Region" }
  local configured = { fn = "isSet", argv = { { ref = "Endpoint" } } }
  local partition = { fn = "aws.partition", argv = { region }, assign = "Partition" }
  return {
    parameters = {
      Endpoint = { builtIn = "SDK::Endpoint", type = "string" },
      Region = { builtIn = "AWS::Region", type = "string" },
    },
    rules = {
      { conditions = { configured }, endpoint = { url = { ref = "Endpoint" } } },
      { conditions = { partition }, endpoint = { url = url } },
    },
  }
end

--- The rules of a service.
---@param model aws.Model
---@return aws.RuleSet
function endpoint.rule_set(model)
  return model:rule_set() or usual_rules(model.meta.endpoint_prefix)
end

-- What a refusal of the rules is about, and what to do about it.
local ADVICE = {
  { "FIPS", "set AWS_USE_FIPS_ENDPOINT=false, or use another region" },
  { "[Dd]ual[Ss]tack", "set AWS_USE_DUALSTACK_ENDPOINT=false, or use another region" },
  { "Accelerate", "remove use_accelerate_endpoint from the s3 settings" },
  { "Missing Region", "give --region, set AWS_REGION, or put region into the profile" },
  { "AccountId", "set AWS_ACCOUNT_ID_ENDPOINT_MODE=preferred, or give the keys their account" },
}

local function refuse(refusal)
  local hint
  for _, row in ipairs(ADVICE) do
    hint = hint or (refusal:find(row[1]) and row[2])
  end
  errors.raise({
    kind = "config",
    code = refusal:find("Missing Region", 1, true) and "no_region" or "endpoint",
    message = "there is no endpoint for this call: " .. refusal,
    hint = hint,
  })
end

--- Scheme, host and base path of a URL, with the host prefix of an operation put before a host that
--- can have one.
local function split(url, host_prefix)
  local scheme, authority, base = url:match("^(%a+)://([^/]+)(.*)$")
  local host = authority:match("^(.-):?%d*$")
  if host_prefix and not is_address(host) then
    authority = host_prefix .. authority
  end
  return scheme .. "://" .. authority, (base:gsub("/+$", ""))
end

--- The path of an operation of S3 after the rules put its bucket where it belongs.
local function without_bucket(path)
  return path:match("^/[^/?]*(.*)$")
end

--- The signing name and region that hold where no auth scheme says otherwise.
local function signing(model, parameters, schemes)
  local first = schemes and schemes[1] or {}
  return first.signingName or model.meta.signing_name, first.signingRegion or parameters.Region
end

--- The endpoint of one request.
---@param model aws.Model
---@param parameters table<string, any> of its rule set
---@param request { path: string, bucket: string?, host_prefix: string? } with `bucket`, the path
---  begins with it
---@return aws.Endpoint
--- Raises kind config when the rules refuse.
function endpoint.resolve(model, parameters, request)
  local found, refusal = rules.resolve(endpoint.rule_set(model), parameters)
  if not found then
    refuse(refusal)
  end
  local url, base = split(found.url, request.host_prefix)
  local path = request.bucket and without_bucket(request.path) or request.path
  if base ~= "" and path == "/" and request.bucket then
    path = ""
  end
  local headers = {}
  for name, values in pairs(found.headers) do
    headers[#headers + 1] = { name, values[1] }
  end
  local schemes = found.properties.authSchemes
  local name, region = signing(model, parameters, schemes)
  path = base .. path
  return {
    url = url,
    path = path == "" and "/" or path,
    signing_name = name,
    signing_region = region,
    headers = headers,
    auth_schemes = schemes,
    properties = found.properties,
  }
end

return endpoint
