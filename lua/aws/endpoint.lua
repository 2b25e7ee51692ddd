--- Where a request goes and for whom it is signed, by AWS's endpoint rules.
---
---     endpoint.at(endpoint.find(model, set, parameters), "/vault/key", true)
---
--- The rules come with the service's model (aws.endpoint.rules), what they are given from
--- aws.endpoint.parameters; aws.endpoint.place keeps what was found.

local errors = require("awsbak.errors")
local rules = require("aws.endpoint.rules")
local sorted = require("awsbak.sorted")
local urls = require("aws.endpoint.url")

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

--- Whether `region` can be part of a host name (botocore/utils.py, validate_region_name).
---@param region string
---@return boolean
function endpoint.is_region(region)
  return #region <= 63
    and region:find("^%w[%w%-]*$") ~= nil
    and region:find("%D") ~= nil
    and not region:find("%-$")
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
      message = ('"%s" is not the name of a region%s'):format(region, where),
      hint = "a region looks like eu-west-1",
    })
  end
end

local PORT_MAX = 65535

local function is_port(text)
  local port = text:find("^%d+$") and tonumber(text)
  return port and port >= 1 and port <= PORT_MAX
end

--- Why this is no endpoint URL, if it is none. Repeats no part of it, which may be a password.
local function url_fault(url, scheme, authority, rest)
  local host, port = authority:match("^(.-):([^:%]]*)$")
  host = host or authority
  if url:find("[%c%s]") then
    return "it has a blank or a control character in it"
  elseif not scheme:lower():find("^https?$") then
    return "it does not begin with http:// or https://"
  elseif authority:find("@", 1, true) then
    return "user and password cannot be part of it"
  elseif host == "" then
    return "it names no host"
  elseif port and not is_port(port) then
    return ("its port is not a number from 1 to %d"):format(PORT_MAX)
  elseif rest:find("[?#]") then
    return "a query or fragment cannot be part of it"
  end
end

--- Take an endpoint URL apart: "http://127.0.0.1:5000/base" gives "http://127.0.0.1:5000" and
--- "/base".
---@param url string
---@param source string? where it was set, for the message
---@return string origin scheme, host and port
---@return string base path as written; "" for none
--- Raises kind config, code endpoint_url; a password in the URL is not shown.
function endpoint.parse_url(url, source)
  local scheme, authority, rest = url:match("^(%a+)://([^/?#]*)(.*)$")
  local fault = url_fault(url, scheme or "", authority or "", rest)
  if fault then
    local shown = url:gsub("//.*@", "//<hidden>@")
    errors.raise({
      kind = "config",
      code = "endpoint_url",
      message = ('"%s"%s is not an endpoint URL: %s'):format(
        shown,
        source and " (" .. source .. ")" or "",
        fault
      ),
      hint = "give scheme and host, as in http://127.0.0.1:5000",
    })
  end
  return scheme:lower() .. "://" .. authority, rest
end

-- The ARNs that may stand for a bucket: service, region, what is between account and name.
-- Source: botocore/handlers.py, VALID_S3_ARN.
local POINT <const> = "^arn:aws.*:%s:[a-z0-9%%-]*:%%d+:accesspoint[/:][%%w%%-.]+$"
local BUCKET_ARNS = {
  POINT:format("s3"),
  POINT:format("s3%-object%-lambda"),
  "^arn:aws.*:s3%-outposts:[a-z0-9%-]+:%d+:outpost[/:][%w%-]+[/:]accesspoint[/:][%w%-]+$",
}

local function is_bucket_arn(text)
  for _, form in ipairs(BUCKET_ARNS) do
    if text:find(form) then
      local account, name = text:match(":(%d+):%l+[/:]"), text:match("[^/:]+$")
      return #account == 12 and #name <= 63
    end
  end
  return false
end

--- Raise unless a text is the name of a bucket, or the ARN of what stands for one.
---@param bucket string
function endpoint.check_bucket(bucket)
  local is_name = #bucket <= 255 and bucket:find("^[%w%.%-_]+$") and not bucket:find("^%.+$")
  if is_name or is_bucket_arn(bucket) then
    return
  end
  errors.raise({
    kind = "usage",
    code = "bucket",
    message = ('"%s" is not the name of a bucket'):format(bucket),
    hint = bucket:find("^arn:") and "of ARNs, give that of an access point" or nil,
  })
end

local function is_set(name)
  return { fn = "isSet", argv = { { ref = name } } }
end

local function is_true(name)
  return { fn = "booleanEquals", argv = { { ref = name }, true } }
end

-- For models that bring no rules: the hosts' usual forms, which botocore guesses as well
-- (regions.py, EndpointResolver, with the defaults of endpoints.json).
local function usual_rules(prefix)
  local fips, dual = is_true("UseFIPS"), is_true("UseDualStack")
  local function host(name, suffix, ...)
    local url = ("https://%s.{Region}.{Partition#%s}"):format(name, suffix)
    return { conditions = { ... }, endpoint = { url = url } }
  end
  local partition = { fn = "aws.partition", argv = { { ref = "Region" } }, assign = "Partition" }
  return {
    parameters = {
      Endpoint = { builtIn = "SDK::Endpoint", type = "string" },
      Region = { builtIn = "AWS::Region", type = "string", required = true },
      UseDualStack = { builtIn = "AWS::UseDualStack", type = "boolean", default = false },
      UseFIPS = { builtIn = "AWS::UseFIPS", type = "boolean", default = false },
    },
    rules = {
      { conditions = { is_set("Endpoint") }, endpoint = { url = { ref = "Endpoint" } } },
      {
        conditions = { partition },
        rules = {
          host(prefix .. "-fips", "dualStackDnsSuffix", fips, dual),
          host(prefix .. "-fips", "dnsSuffix", fips),
          host(prefix, "dualStackDnsSuffix", dual),
          host(prefix, "dnsSuffix"),
        },
      },
    },
  }
end

--- The rules of a service.
---@param model aws.Model
---@return aws.RuleSet
function endpoint.rule_set(model)
  return model:rule_set() or usual_rules(model.meta.endpoint_prefix)
end

---@class aws.FoundEndpoint what the rules give, before a call's own path
---@field scheme string
---@field authority string host, and port where there is one
---@field base string path as the rules or the configured URL have it
---@field is_address boolean whether the host is an IP address
---@field endpoint aws.Endpoint for the path "/"

local function first_values(headers)
  local list = {}
  for _, name in ipairs(sorted.keys(headers)) do
    list[#list + 1] = { name, headers[name][1] }
  end
  return list
end

--- The endpoint that a rule set gives for some parameters.
---@param model aws.Model
---@param set aws.RuleSet
---@param parameters table<string, any>
---@return aws.FoundEndpoint? found
---@return string? refusal of the rules
--- Raises kind config when the rules, of a model from outside, are none.
function endpoint.find(model, set, parameters)
  local is_done, found, refusal = pcall(rules.resolve, set, parameters)
  if not is_done then
    errors.raise({
      kind = "config",
      code = "endpoint_rules",
      message = ("the endpoint rules of %s are wrong: %s"):format(model.meta.id, found),
    })
  elseif not found then
    return nil, refusal
  end
  local scheme, authority, base = found.url:match("^(https?)://([^/?#%s]+)([^?#%s]*)$")
  if not scheme then
    return nil, ('"%s" is not a URL'):format(found.url)
  end
  local schemes = found.properties.authSchemes
  local first = schemes and schemes[1] or {}
  return {
    scheme = scheme,
    authority = authority,
    base = base,
    is_address = urls.is_ip(authority),
    endpoint = {
      url = scheme .. "://" .. authority,
      path = base == "" and "/" or base,
      signing_name = first.signingName or model.meta.signing_name,
      signing_region = first.signingRegion or parameters.Region,
      headers = first_values(found.headers),
      auth_schemes = schemes,
      properties = found.properties,
    },
  }
end

--- The endpoint of one request.
---@param found aws.FoundEndpoint
---@param path string of the operation
---@param has_bucket boolean whether the path begins with a bucket, which the rules put where it
---  belongs
---@param host_prefix string? of the operation; an IP address cannot have one
---@return aws.Endpoint shared, not to be changed
--- Source of how paths are joined: botocore/awsrequest.py, _urljoin.
function endpoint.at(found, path, has_bucket, host_prefix)
  if has_bucket then
    path = path:match("^/[^/]*(.*)$")
  end
  if path == "" then
    path = "/"
  end
  local prefix = not found.is_address and host_prefix or ""
  local common = found.endpoint
  if path == "/" and prefix == "" then
    return common
  end
  return {
    url = prefix == "" and common.url or found.scheme .. "://" .. prefix .. found.authority,
    path = path == "/" and common.path or found.base:gsub("/$", "") .. path,
    signing_name = common.signing_name,
    signing_region = common.signing_region,
    headers = common.headers,
    auth_schemes = common.auth_schemes,
    properties = common.properties,
  }
end

return endpoint
