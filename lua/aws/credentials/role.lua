--- A role that a profile assumes, with the keys of another profile or of this machine
--- (botocore, AssumeRoleProvider).

local errors = require("awsbak.errors")

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

local function check_source(cfg, context, source)
  if not cfg.profiles[source] then
    fail(
      ("source_profile of profile %s is %s, which does not exist"):format(context.profile, source),
      "correct the name"
    )
  end
  for _, name in ipairs(context.visited) do
    -- A profile may name itself, to have role and keys in one place.
    if name == source and not (source == context.profile and is_static(cfg, source)) then
      fail(
        ("the profiles %s and %s name each other as source_profile"):format(
          table.concat(context.visited, ", "),
          source
        ),
        "one of them must have keys of its own"
      )
    end
  end
end

local function from_profile(cfg, context, source)
  check_source(cfg, context, source)
  local visited = table.move(context.visited, 1, #context.visited, 1, {})
  visited[#visited + 1] = source
  local inner = { profile = source, environment = false, visited = visited }
  if is_role(cfg, source) and not is_static(cfg, source) then
    return role.load(cfg, inner)
  end
  return require("aws.credentials").of_profile(cfg, inner)
    or fail(
      ("profile %s, source_profile of %s, has no keys"):format(source, context.profile),
      "add them"
    )
end

local function from_machine(cfg, context, source)
  if not sources[source] then
    local near = errors.nearest(source, { "Environment", "Ec2InstanceMetadata", "EcsContainer" })
    fail(
      ("credential_source of profile %s is %s"):format(context.profile, source),
      near and ("did you mean %s?"):format(near)
        or "it is Environment, Ec2InstanceMetadata or EcsContainer"
    )
  end
  local inner = { profile = context.profile, environment = true, visited = context.visited }
  local keys, reason = require(sources[source]).load(cfg, inner)
  if not keys then
    errors.raise({
      kind = "credentials",
      code = "no_source",
      message = ("credential_source %s of profile %s has no keys: %s"):format(
        source,
        context.profile,
        reason
      ),
    })
  end
  return keys
end

--- The keys the role is assumed with.
local function source_keys(cfg, context)
  local profile, machine =
    cfg:key(context.profile, "source_profile"), cfg:key(context.profile, "credential_source")
  if profile and machine then
    fail(
      ("profile %s has both source_profile and credential_source"):format(context.profile),
      "remove one"
    )
  elseif profile then
    return from_profile(cfg, context, profile)
  elseif machine then
    return from_machine(cfg, context, machine)
  end
  fail(
    ("profile %s has role_arn, but neither source_profile nor credential_source"):format(
      context.profile
    ),
    "add one"
  )
end

local function duration(cfg, profile)
  local text, source = cfg:key(profile, "duration_seconds")
  local seconds = text and math.tointeger(tonumber(text))
  if text and not seconds then
    fail(("duration_seconds is %q (%s)"):format(text, source), "it is a whole number of seconds")
  end
  return seconds
end

--- Keys of the profile's role, if it has one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind config for settings that do not fit together; what STS raises.
function role.load(cfg, context)
  local profile = context.profile
  local arn, source = cfg:key(profile, "role_arn")
  if not is_role(cfg, profile) then
    return nil,
      arn and "web_identity_token_file is set" or ("no role_arn for profile %s"):format(profile)
  elseif cfg:key(profile, "mfa_serial") then
    fail(
      ("mfa_serial is set (%s), but awsbak cannot ask for MFA codes yet"):format(source),
      "run `aws configure export-credentials --format env` and use what it prints"
    )
  end
  local input = {
    RoleArn = arn,
    RoleSessionName = cfg:key(profile, "role_session_name"),
    ExternalId = cfg:key(profile, "external_id"),
    DurationSeconds = duration(cfg, profile),
  }
  local keys = source_keys(cfg, context)
  return require("aws.credentials.assume").role(cfg, input, keys, source)
end

return role
