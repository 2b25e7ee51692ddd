--- A role that a profile assumes, with the keys of another profile or of this machine
--- (botocore 1.44.5, AssumeRoleProvider). The other profile may assume a role itself, and so on.
---
--- All settings on the way are looked at before anything is asked for.

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local mfa = require("aws.credentials.mfa")
local session = require("aws.credentials.session")

local role = {}

-- What credential_source may say, and whose keys it means.
local sources = {
  Environment = "aws.credentials.environment",
  Ec2InstanceMetadata = "aws.credentials.imds",
  EcsContainer = "aws.credentials.container",
}

local function fail(message, hint)
  errors.raise({ kind = "config", code = "role", message = message, hint = hint })
end

local function is_role(cfg, profile)
  return cfg:key(profile, "role_arn") ~= nil and cfg:key(profile, "web_identity_token_file") == nil
end

local function is_static(cfg, profile)
  return cfg:key(profile, "aws_access_key_id") ~= nil
    or cfg:key(profile, "aws_secret_access_key") ~= nil
end

local function duration(cfg, profile)
  local text, source = cfg:key(profile, "duration_seconds")
  local seconds = text and math.tointeger(tonumber(text:match("^%s*(%d+)%s*$")))
  if text and not seconds then
    fail(('duration_seconds is "%s" (%s)'):format(text, source), "it is a whole number of seconds")
  end
  return seconds
end

---@class aws.credentials.Link how one profile's role is assumed
---@field profile string
---@field source string where role_arn is set
---@field input table of AssumeRole

local function link(cfg, profile)
  local arn, source = cfg:key(profile, "role_arn")
  return {
    profile = profile,
    source = ("role %s, %s"):format(arn, source),
    input = {
      RoleArn = arn,
      RoleSessionName = cfg:key(profile, "role_session_name"),
      ExternalId = cfg:key(profile, "external_id"),
      DurationSeconds = duration(cfg, profile),
      SerialNumber = cfg:key(profile, "mfa_serial"),
    },
  }
end

local function check_machine(profile, machine)
  if not sources[machine] then
    local near = errors.nearest(machine, { "Environment", "Ec2InstanceMetadata", "EcsContainer" })
    fail(
      ("credential_source of profile %s is %s"):format(profile, machine),
      near and ("did you mean %s?"):format(near)
        or "it is Environment, Ec2InstanceMetadata or EcsContainer"
    )
  end
end

--- What the role of a profile is assumed with: a profile, or else a credential_source.
local function source_of(cfg, profile)
  local source, machine = cfg:key(profile, "source_profile"), cfg:key(profile, "credential_source")
  if source and machine then
    fail(
      ("profile %s has both source_profile and credential_source"):format(profile),
      "remove one"
    )
  elseif not source and not machine then
    fail(
      ("profile %s has role_arn, but neither source_profile nor credential_source"):format(profile),
      "add one"
    )
  elseif machine then
    check_machine(profile, machine)
  elseif not cfg.profiles[source] then
    fail(
      ("source_profile of profile %s is %s, which does not exist"):format(profile, source),
      "correct the name"
    )
  end
  return source, machine
end

--- Raise if `source` was on the way before.
local function check_loop(names, source)
  for i, name in ipairs(names) do
    if name == source then
      local loop = table.concat(names, " -> ", i) .. " -> " .. source
      fail("source_profile goes in a circle: " .. loop, "one of them must have keys of its own")
    end
  end
end

--- The roles from a profile on, each assumed with the next, and what the last one is assumed with.
---@return aws.credentials.Link[] links
---@return string? base a profile that is no role
---@return string? machine or else a credential_source
local function plan(cfg, profile)
  local links, names = {}, { profile }
  repeat
    links[#links + 1] = link(cfg, profile)
    local source, machine = source_of(cfg, profile)
    if machine then
      return links, nil, machine
    end
    -- A profile may name itself, to have role and keys in one place.
    if not (source == profile and is_static(cfg, source)) then
      check_loop(names, source)
    end
    names[#names + 1] = source
    profile = source
  until is_static(cfg, profile) or not is_role(cfg, profile)
  return links, profile
end

local function of_profile(cfg, context, profile, user)
  local inner = {
    profile = profile,
    environment = false,
    renewal = context.renewal,
    refused = context.refused,
  }
  return credentials.of_profile(cfg, inner)
    or fail(("profile %s, source_profile of %s, has no keys"):format(profile, user), "add them")
end

local function of_machine(cfg, machine, user)
  local keys, reason = require(sources[machine]).load(cfg, { profile = user, environment = true })
  if not keys then
    errors.raise({
      kind = "credentials",
      code = "no_source",
      message = ("credential_source %s of profile %s has no keys: %s"):format(
        machine,
        user,
        reason
      ),
    })
  end
  return keys
end

local function assume(cfg, context, this, with)
  local input = this.input
  if input.SerialNumber then
    input.TokenCode = mfa.code(input.SerialNumber, context, this.profile)
  end
  return require("aws.credentials.assume").role(cfg, input, with, this.source)
end

--- Keys of the profile's role, if it has one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind config for settings that do not fit together; what STS raises.
function role.load(cfg, context)
  if not is_role(cfg, context.profile) then
    local has_arn = cfg:key(context.profile, "role_arn") ~= nil
    return nil,
      has_arn and "web_identity_token_file is set"
        or ("no role_arn for profile %s"):format(context.profile)
  end
  local links, base, machine = plan(cfg, context.profile)

  local function source_keys(user)
    return base and of_profile(cfg, context, base, user) or of_machine(cfg, machine, user)
  end

  local function keys_from(i)
    local this = links[i]
    local which = { name = session.role_name(this.input), source = this.source }
    return session.get(cfg, context, which, function()
      local with = i < #links and keys_from(i + 1) or source_keys(this.profile)
      return assume(cfg, context, this, with)
    end)
  end

  return keys_from(1)
end

return role
