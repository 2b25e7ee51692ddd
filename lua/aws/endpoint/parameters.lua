--- What endpoint rules are given: parameters of a rule set, from the call, the settings and AWS's
--- own names for both ("built-ins").
---
--- A parameter is taken from the first of: what the model fixes for the operation, a member of the
--- input, a path into the input, a built-in (botocore 1.44.5, regions.py,
--- EndpointRulesetResolver). Built-ins: botocore/args.py,
--- compute_endpoint_resolver_builtin_defaults.

local arn = require("aws.endpoint.arn")
local json = require("awsbak.core.json")

local parameters = {}

-- Regions whose STS requests went to the one global endpoint once (botocore/args.py).
local LEGACY_STS_NAMES = "ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 aws-global"
  .. " ca-central-1 eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1"
  .. " us-east-2 us-west-1 us-west-2"
local LEGACY_STS = {}
for region in LEGACY_STS_NAMES:gmatch("%S+") do
  LEGACY_STS[region] = true
end

--- Whether S3's buckets stay in the path: asked for, or what configured endpoints are used to.
local function force_path_style(place)
  local style = place.config:get("s3_addressing_style")
  if place.config:get("s3_use_accelerate_endpoint") then
    return false
  elseif place.endpoint_url then
    return style ~= "virtual"
  end
  return style == "path"
end

local function account_id(place)
  if place.config:get("account_id_endpoint_mode") == "disabled" then
    return nil
  end
  return place.credentials and place.credentials:get().account_id
end

---@class aws.Place where a client's requests may go
---@field config aws.Config
---@field region string?
---@field endpoint_url string? configured, its scheme in small letters, no slash at the end
---@field credentials table? of the client

-- A variant of AWS's own endpoints means nothing at a configured one.
local function variant(name)
  return function(place)
    return place.endpoint_url == nil and place.config:get(name)
  end
end

local function setting(name)
  return function(place)
    return place.config:get(name)
  end
end

local BUILT_INS = {
  ["AWS::Region"] = function(place)
    return place.region
  end,
  ["SDK::Endpoint"] = function(place)
    return place.endpoint_url
  end,
  ["AWS::UseFIPS"] = function(place)
    return place.endpoint_url == nil and (place.fips or place.config:get("use_fips_endpoint"))
  end,
  ["AWS::UseDualStack"] = variant("use_dualstack_endpoint"),
  ["AWS::Auth::AccountId"] = account_id,
  ["AWS::Auth::AccountIdEndpointMode"] = setting("account_id_endpoint_mode"),
  ["AWS::STS::UseGlobalEndpoint"] = function(place)
    return LEGACY_STS[place.region] == true
      and place.config:get("sts_regional_endpoints") == "legacy"
  end,
  ["AWS::S3::UseGlobalEndpoint"] = function(place)
    return place.config:get("s3_us_east_1_regional_endpoint") == "legacy"
      and place.region == "us-east-1"
  end,
  ["AWS::S3::Accelerate"] = setting("s3_use_accelerate_endpoint"),
  ["AWS::S3::ForcePathStyle"] = force_path_style,
  ["AWS::S3::UseArnRegion"] = setting("s3_use_arn_region"),
  ["AWS::S3::DisableMultiRegionAccessPoints"] = setting("s3_disable_multiregion_access_points"),
  ["AWS::S3::DisableS3ExpressSessionAuth"] = setting("s3_disable_express_session_auth"),
}

--- The values of built-ins that S3 has of its own.
local S3_BUILT_INS = {
  ["AWS::UseDualStack"] = function(place)
    local own = place.config:get("s3_use_dualstack_endpoint")
    if place.endpoint_url or own == nil then
      return BUILT_INS["AWS::UseDualStack"](place)
    end
    return own
  end,
  -- Everybody may ask where a bucket is, and does so before knowing its region; an ARN has no path.
  ["AWS::S3::ForcePathStyle"] = function(place, call)
    local bucket = call.input.Bucket
    if call.operation.name == "GetBucketLocation" then
      return true
    elseif type(bucket) == "string" and arn.parse(bucket) then
      return false
    end
    return force_path_style(place)
  end,
}

local function built_in(name, place, call)
  local find = call.service.s3 and S3_BUILT_INS[name] or BUILT_INS[name]
  return find and find(place, call)
end

--- Members of the input that are endpoint parameters: { parameter = member's name }.
local function context_members(call)
  local found = {}
  local shape = call.operation.input and call.service.model:shape(call.operation.input)
  for _, member in ipairs(shape and shape.members or {}) do
    if member.context then
      found[member.context] = member.name
    end
  end
  return found
end

--- What an operation says of endpoint parameters, found once.
local function context_of(call)
  local operation = call.operation
  if not operation.endpoint_context then
    local paths = {}
    for name, path in pairs(operation.context or {}) do
      paths[name] = require("awsbak.jmespath").compile(path)
    end
    operation.endpoint_context = {
      static = operation.static or {},
      members = context_members(call),
      paths = paths,
    }
  end
  return operation.endpoint_context
end

local function from_context(context, name, input)
  local value = context.static[name]
  if value == nil and context.members[name] then
    value = input[context.members[name]]
  end
  if value == nil and context.paths[name] then
    value = context.paths[name](input)
  end
  if value == json.null then
    return nil
  end
  return value
end

--- Whether an operation's own input or nature bears on its endpoint.
---@param call aws.Call
---@return boolean
function parameters.has_context(call)
  local context = context_of(call)
  return next(context.static) ~= nil
    or next(context.members) ~= nil
    or next(context.paths) ~= nil
    or call.service.s3
end

--- The parameters of a rule set for one call.
---@param set aws.RuleSet
---@param place aws.Place
---@param call aws.Call
---@return table<string, any>
function parameters.of(set, place, call)
  local context, values = context_of(call), {}
  for name, parameter in pairs(set.parameters) do
    local value = from_context(context, name, call.input)
    if value == nil and parameter.builtIn then
      value = built_in(parameter.builtIn, place, call)
    end
    values[name] = value
  end
  return values
end

return parameters
