--- Tokens of `aws sso login` in `~/.aws/sso/cache`: read there, renewed before they end, and kept
--- there for AWS's own tools (botocore 1.44.5, tokens.py, SSOTokenProvider, and utils.py,
--- SSOTokenLoader; "Token provider configuration with automatic authentication refresh for AWS IAM
--- Identity Center" in the AWS CLI user guide).

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local nested = require("aws.credentials.nested")
local outside = require("awsbak.outside")
local store = require("aws.credentials.store")
local time = require("awsbak.time")

local sso_token = {}

local FOLDER = "~/.aws/sso/cache"
local WINDOW = 15 * 60 -- seconds before its end from when a token is renewed

-- What a token is renewed with.
local NEEDED = { "refreshToken", "clientId", "clientSecret", "registrationExpiresAt" }

--- Raise that somebody has to sign in.
---@param set aws.credentials.Sso
---@param what string is wrong
function sso_token.fail(set, what)
  errors.raise({
    kind = "credentials",
    code = "sso_login",
    message = ("profile %s: %s"):format(set.profile, what),
    hint = ("run `aws sso login --profile %s`"):format(set.profile),
  })
end

local function read(set, path)
  local token, err = store.read(path)
  if not token and err.code == "ENOENT" then
    sso_token.fail(set, "nobody has signed in to SSO")
  elseif not token then
    sso_token.fail(set, "the SSO token cannot be read: " .. err.message)
  end
  local expires = store.time(token.expiresAt)
  if type(token.accessToken) ~= "string" or not expires then
    sso_token.fail(set, ("the SSO token cannot be used: %s holds none"):format(path))
  end
  return token, expires
end

--- Why a token cannot be renewed, if that can be seen in it.
local function obstacle(set, token)
  if not set.session then
    return "the profile has no sso_session"
  end
  for _, name in ipairs(NEEDED) do
    if type(token[name]) ~= "string" then
      return ("the token has no %s"):format(name)
    end
  end
  local registered = store.time(token.registrationExpiresAt)
  if not registered or registered <= outside.now() then
    return "the registration of its client has ended, too"
  end
end

--- Get a new token for one that has all that it takes.
---@return table token in the form of the file
local function create(cfg, set, token)
  local answer = nested.client("sso-oidc", cfg, set.sso_region).create_token({
    grantType = "refresh_token",
    clientId = token.clientId,
    clientSecret = token.clientSecret,
    refreshToken = token.refreshToken,
  })
  if not answer.accessToken or not answer.expiresIn then
    errors.raise({ kind = "reply", code = "sso_token", message = "the answer holds no token" })
  end
  return {
    startUrl = set.sso_start_url,
    region = set.sso_region,
    accessToken = answer.accessToken,
    expiresAt = time.rfc3339(outside.now() + answer.expiresIn),
    clientId = token.clientId,
    clientSecret = token.clientSecret,
    registrationExpiresAt = token.registrationExpiresAt,
    refreshToken = answer.refreshToken,
  }
end

--- Renew a token and keep the new one.
---@return table? token
---@return string? reason why not
local function renew(cfg, set, path, token, is_over)
  local reason = obstacle(set, token)
  if reason then
    return nil, reason
  end
  local new, err = errors.try(create, cfg, set, token)
  if new then
    local kept, failure = store.write(path, new)
    if not kept then
      log.warn("profile %s: the new SSO token is not kept: %s", set.profile, failure.message)
    end
    return new
  elseif err.kind == "cancelled" or (is_over and err.kind ~= "service") then
    error(err, 0) -- signing in would not help
  end
  return nil, err.message
end

local function usable(cfg, set, path)
  local token, expires = read(set, path)
  local left = expires - outside.now()
  if left >= WINDOW then
    return token.accessToken
  end
  local new, reason = renew(cfg, set, path, token, left <= 0)
  if new then
    return new.accessToken
  elseif left <= 0 then
    sso_token.fail(set, "the SSO session has expired, and cannot be renewed: " .. reason)
  end
  log.info("the SSO token of profile %s is not renewed: %s", set.profile, reason)
  return token.accessToken
end

--- An access token that has not expired.
---@param cfg aws.Config
---@param set aws.credentials.Sso
---@return string
--- Raises kind credentials, code "sso_login", when somebody has to sign in; what CreateToken raises
--- when it cannot be reached.
function sso_token.get(cfg, set)
  local name = codec.hex(errors.check(digest.digest("sha1", set.session or set.sso_start_url)))
  local path = store.path(cfg, FOLDER, name)
  if not path then
    sso_token.fail(set, "there is no SSO token: HOME is not set")
  end
  return store.once(path, function()
    return usable(cfg, set, path)
  end)
end

return sso_token
