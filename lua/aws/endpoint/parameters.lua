--- What endpoint rules are given: parameters of a rule set, from the call, the settings and AWS's
--- own names for both ("built-ins").
---
--- A parameter is taken from the first of: what the model fixes for the operation, a member of the
--- input, a path into the input, the client, a built-in (botocore 1.44.5, regions.py,
--- EndpointRulesetResolver). Built-ins: botocore/args.py,
--- compute_endpoint_resolver_builtin_defaults.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local sorted = require("awsbak.sorted")

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

--- The account of the keys, which may change with them.
local function account_id(place)
  if place.fixed.AccountIdEndpointMode == "disabled" then
    return nil
  end
  return place.credentials and place.credentials:get().account_id
end

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

-- S3's own use_dualstack_endpoint can only switch it on (botocore/client.py,
-- _is_s3_dualstack_mode).
local S3_BUILT_INS = {
  ["AWS::UseDualStack"] = function(place)
    return place.endpoint_url == nil
      and (
        place.config:get("s3_use_dualstack_endpoint")
        or place.config:get("use_dualstack_endpoint")
      )
  end,
}

-- Parameters that the model leaves to the client, and that a setting gives all the same
-- (botocore/args.py, _build_endpoint_resolver).
local CLIENT_VALUES = {
  DisableS3ExpressSessionAuth = BUILT_INS["AWS::S3::DisableS3ExpressSessionAuth"],
}

local ACCOUNT_ID <const> = "AWS::Auth::AccountId"

--- Raise kind usage for what is no parameter of the client, or of another type.
local function check_given(meta, given)
  for name, value in pairs(given) do
    local wanted = meta.client_params[name]
    if not wanted then
      local near = errors.nearest(name, sorted.keys(meta.client_params))
      errors.raise({
        kind = "usage",
        code = "unknown_option",
        message = ('%s has no context parameter "%s"'):format(meta.id, name),
        hint = near and ("did you mean %s?"):format(near),
      })
    elseif wanted ~= (type(value) == "table" and "stringArray" or type(value)) then
      errors.raise({
        kind = "usage",
        code = "bad_option",
        message = ("the context parameter %s of %s is a %s"):format(name, meta.id, type(value)),
        hint = "it is a " .. wanted,
      })
    end
  end
end

local function fixed_value(place, name, given)
  local meta, built_in = place.model.meta, place.rule_set.parameters[name].builtIn
  if meta.client_params[name] and given[name] ~= nil then
    return given[name]
  end
  local own = meta.id == "s3" and S3_BUILT_INS[built_in]
  local find = own or BUILT_INS[built_in] or (meta.client_params[name] and CLIENT_VALUES[name])
  return find and find(place)
end

--- The parameters that are the same for all calls.
---@param place aws.Place
---@param given table<string, any> what the maker of the client set of `meta.client_params`
---@return table<string, any>
--- Raises kind usage for what is wrong in `given`.
function parameters.fixed(place, given)
  check_given(place.model.meta, given)
  local values = {}
  for name in pairs(place.rule_set.parameters) do
    values[name] = fixed_value(place, name, given)
  end
  return values
end

--- Members of the input that are endpoint parameters: { parameter = member's name }.
local function context_members(model, operation)
  local found = {}
  local shape = operation.input and model:shape(operation.input)
  for _, member in ipairs(shape and shape.members or {}) do
    if member.context then
      found[member.context] = member.name
    end
  end
  return found
end

---@class aws.EndpointSource where an operation's own value of a parameter comes from
---@field name string of the parameter
---@field static any
---@field member string? of the input
---@field path (fun(input: table): any)? into the input
---@field is_account boolean whether it is the account of the keys

--- Where an operation has parameters of its own; found once.
---@return aws.EndpointSource[]
local function sources_of(place, operation)
  if operation.endpoint_sources then
    return operation.endpoint_sources
  end
  local sources, members = {}, context_members(place.model, operation)
  for _, name in ipairs(sorted.keys(place.rule_set.parameters)) do
    local path = (operation.context or {})[name]
    local source = {
      name = name,
      static = (operation.static or {})[name],
      member = members[name],
      path = path and require("awsbak.jmespath").compile(path),
      is_account = place.rule_set.parameters[name].builtIn == ACCOUNT_ID,
    }
    if source.static ~= nil or source.member or source.path or source.is_account then
      sources[#sources + 1] = source
    end
  end
  operation.endpoint_sources = sources
  return sources
end

local function value_of(source, place, input)
  local value = source.static
  if value == nil and source.member then
    value = input[source.member]
  end
  if value == nil and source.path then
    value = source.path(input)
  end
  if value == nil and source.is_account then
    value = account_id(place)
  end
  if value == json.null then
    return nil
  end
  return value
end

--- What S3 wants in the path or not, whatever the settings: everybody may ask where a bucket is,
--- and does so before knowing its region; an ARN has no path (botocore/handlers.py,
--- customize_endpoint_resolver_builtins).
local function adjust_s3(own, call)
  if call.operation.name == "GetBucketLocation" then
    own.ForcePathStyle = true
  elseif type(own.Bucket) == "string" and own.Bucket:find("^arn:") then
    own.ForcePathStyle = false
  end
end

local function text_of(value)
  return type(value) == "table" and table.concat(value, "\1") or tostring(value)
end

--- The parameters that a call brings, and a text that is the same for the same of them.
---@param place aws.Place
---@param call aws.Call
---@return table<string, any> own
---@return string key
function parameters.own(place, call)
  local own, key = {}, ""
  for _, source in ipairs(sources_of(place, call.operation)) do
    local value = value_of(source, place, call.input)
    if value ~= nil then
      own[source.name] = value
      key = key .. source.name .. "=" .. text_of(value) .. "\0"
    end
  end
  if call.service.s3 then
    adjust_s3(own, call)
    key = key .. tostring(own.ForcePathStyle)
  end
  return own, key
end

return parameters
