--- The metadata service of an EC2 instance: the keys of its role, and its region (botocore,
--- InstanceMetadataFetcher and InstanceMetadataRegionFetcher).
---
--- A session token comes first (version 2). Where it cannot be had but the service answers, version
--- 1 is used, unless AWS_EC2_METADATA_V1_DISABLED says no.

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local metadata = require("aws.credentials.metadata")
local outside = require("awsbak.outside")

local imds = {}

local IPV4 = "http://169.254.169.254"
local IPV6 = "http://[fd00:ec2::254]"
local TOKEN_SECONDS = "21600"
local ROLES = "/latest/meta-data/iam/security-credentials/"
local REGION = "/latest/meta-data/placement/region"

local function fail(what, hint)
  errors.raise({
    kind = "credentials",
    code = "imds",
    message = "EC2 metadata: " .. what,
    hint = hint,
  })
end

local function base_url(cfg)
  local custom, source = cfg:get("ec2_metadata_service_endpoint")
  if custom then
    local origin, base = require("aws.endpoint").parse_url(custom, source)
    return origin .. base:gsub("/+$", "")
  end
  local mode = cfg:get("ec2_metadata_service_endpoint_mode")
    or (cfg:get("imds_use_ipv6") and "ipv6")
  return mode == "ipv6" and IPV6 or IPV4
end

--- Whether nobody is there, as on every machine outside EC2.
local function is_absent(err)
  return err.kind == "network" or err.code == "timeout_connect" or err.code == "sandbox_host"
end

--- A session token; nil where the service knows version 1 only (or its answer does not reach a
--- container, whose packets may not hop that far). Raises when nobody answers.
local function session(cfg, base)
  local headers = { { "x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS } }
  local response, err = metadata.attempts(cfg:get("metadata_service_num_attempts"), 0, function()
    return metadata.send(
      "PUT",
      base .. "/latest/api/token",
      headers,
      cfg:get("metadata_service_timeout")
    )
  end)
  if err and is_absent(err) then
    error(err, 0)
  elseif response and response.status == 400 then
    fail("the service refused to make a session token", "check AWS_EC2_METADATA_SERVICE_ENDPOINT")
  end
  return response and response.status == 200 and response.body or nil
end

local function open(cfg)
  local base = base_url(cfg)
  local token = session(cfg, base)
  if not token and cfg:get("ec2_metadata_v1_disabled") then
    fail(
      "no session token could be had, and version 1 is disabled",
      "unset AWS_EC2_METADATA_V1_DISABLED, or raise the hop limit"
    )
  elseif token and token:find("%c") then
    fail("the session token holds a control character")
  end
  return { base = base, headers = token and { { "x-aws-ec2-metadata-token", token } } or {} }
end

--- The text at `path`, or nil when there is none. `check` may refuse a text, which is then asked
--- for again.
local function read(cfg, service, path, check)
  local text = metadata.attempts(cfg:get("metadata_service_num_attempts"), 0, function()
    local response = metadata.send(
      "GET",
      service.base .. path,
      service.headers,
      cfg:get("metadata_service_timeout")
    )
    if response.status == 200 and response.body ~= "" then
      return (check or tostring)(response.body)
    end
  end)
  return text
end

--- Near their end, and past it, keys of an instance go on being used: the service that replaces
--- them may be down, and AWS then prolongs them ("static stability").
local function prolong(parts)
  local now = outside.now()
  if parts.expires - now < 15 * 60 then
    parts.expires = now + 15 * 60 + 120 + outside.random() * 480
    log.info("EC2 metadata gave keys near their end; asking again later")
  end
  return parts
end

local function role_name(cfg, service)
  local name = cfg:get("ec2_instance_profile_name") or read(cfg, service, ROLES)
  name = name and name:match("^[%w+=,.@_-]+")
  return name
end

--- Keys of this instance's role, if it is an instance and has one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the service answers but gives none.
function imds.load(cfg, context)
  if not context.environment and context.profile ~= cfg.profile then
    return nil, "a profile is named"
  elseif cfg:get("ec2_metadata_disabled") then
    return nil, "AWS_EC2_METADATA_DISABLED is true"
  end
  local service, err = errors.try(open, cfg)
  if not service and is_absent(err) then
    return nil, "no metadata service answers"
  elseif not service then
    error(err, 0)
  end
  local role = role_name(cfg, service)
  if not role then
    return nil, "this instance has no role"
  end
  local parts = read(cfg, service, ROLES .. role, metadata.parse)
  if not parts then
    fail(("no keys for role %s"):format(role), "check the role's trust policy")
  end
  return credentials.keys(prolong(parts), "EC2 instance role " .. role)
end

--- The region this instance is in, or nil when it is none or the service does not say.
---@param cfg aws.Config
---@return string?
function imds.region(cfg)
  if cfg:get("ec2_metadata_disabled") then
    return nil
  end
  local service = errors.try(open, cfg)
  local text = service and read(cfg, service, REGION)
  return text and text:match("^[%l%d%-]+$")
end

return imds
