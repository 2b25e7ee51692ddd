--- Keys of a role that IAM Identity Center (SSO) gives to who has signed in with `aws sso login`
--- (botocore 1.44.5, SSOProvider and SSOCredentialFetcher).
---
--- A profile names account and role, and either a section [sso-session NAME] with start URL and
--- region, or these itself (the older form, whose tokens cannot be renewed).

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local nested = require("aws.credentials.nested")
local session = require("aws.credentials.session")
local sso_token = require("aws.credentials.sso_token")

local sso = {}

local KEYS = { "sso_account_id", "sso_role_name", "sso_start_url", "sso_region" }

local function fail(message, hint)
  errors.raise({ kind = "config", code = "sso", message = message, hint = hint })
end

--- The section that a profile names in sso_session; an empty one when it names none.
local function section_of(cfg, profile, name, source)
  if not name then
    return { keys = {} }
  end
  return cfg.sso_sessions[name]
    or fail(
      ("sso_session of profile %s is %s (%s), but there is no [sso-session %s]"):format(
        profile,
        name,
        source,
        name
      ),
      "add the section, with `aws configure sso-session`, or correct the name"
    )
end

--- One setting, from the profile or its section.
local function setting(cfg, profile, section, key)
  local own, source = cfg:key(profile, key)
  local shared = section.keys[key]
  if own and shared and own ~= shared then
    fail(
      ("%s is %s (%s), but %s (%s)"):format(key, own, source, shared, section.source),
      "remove it from the profile"
    )
  end
  return own or shared
end

---@class aws.credentials.Sso what a profile says of SSO
---@field sso_account_id string
---@field sso_role_name string
---@field sso_start_url string
---@field sso_region string
---@field session string? name of the section
---@field profile string
---@field source string where the role is set

---@return aws.credentials.Sso? settings nil when the profile names neither account nor role
local function settings_of(cfg, profile)
  local _, account_source = cfg:key(profile, "sso_account_id")
  local _, role_source = cfg:key(profile, "sso_role_name")
  if not account_source and not role_source then
    return nil
  end
  local name, name_source = cfg:key(profile, "sso_session")
  local section = section_of(cfg, profile, name, name_source)
  local set = { session = name, profile = profile, source = account_source or role_source }
  for _, key in ipairs(KEYS) do
    set[key] = setting(cfg, profile, section, key)
    if not set[key] then
      fail(
        ("profile %s uses SSO, but %s is not set"):format(profile, key),
        ("run `aws configure sso --profile %s`"):format(profile)
      )
    end
  end
  return set
end

local function name_of(set)
  return session.sso_name({
    accountId = set.sso_account_id,
    roleName = set.sso_role_name,
    sessionName = set.session,
    startUrl = not set.session and set.sso_start_url or nil,
  })
end

--- Ask for the role's keys.
local function fetch(cfg, set, source)
  local input = {
    accountId = set.sso_account_id,
    roleName = set.sso_role_name,
    accessToken = sso_token.get(cfg, set),
  }
  local client = nested.client("sso", cfg, set.sso_region)
  local answer, err = errors.try(client.get_role_credentials, input)
  if not answer and err.code == "UnauthorizedException" then
    sso_token.fail(set, "the SSO session was refused: it has expired or was ended")
  end
  local given = errors.check(answer, err).roleCredentials or {}
  return credentials.keys({
    access_key_id = given.accessKeyId,
    secret_access_key = given.secretAccessKey,
    session_token = given.sessionToken,
    expires = given.expiration and given.expiration / 1000,
    account_id = set.sso_account_id,
  }, source)
end

--- Keys of the profile's role in IAM Identity Center, if it has one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind config for settings that do not fit together; kind credentials, code "sso_login",
--- when somebody has to sign in; what the service raises.
function sso.load(cfg, context)
  local set = settings_of(cfg, context.profile)
  if not set then
    return nil, ("no sso_account_id for profile %s"):format(context.profile)
  end
  local role = ("SSO role %s of account %s"):format(set.sso_role_name, set.sso_account_id)
  local which =
    { name = name_of(set), source = ("%s, %s"):format(role, set.source), kind = "sso" }
  return session.get(cfg, context, which, function()
    return fetch(cfg, set, which.source)
  end)
end

return sso
