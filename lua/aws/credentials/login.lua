--- Keys of a session that began with `aws login`: short-lived ones that its file holds, and that
--- are renewed with a refresh token and the key beside it (botocore 1.44.5, LoginProvider,
--- LoginCredentialFetcher; utils.py, LoginTokenLoader).

local codec = require("awsbak.core.codec")
local credentials = require("aws.credentials")
local digest = require("awsbak.core.digest")
local dpop = require("aws.credentials.dpop")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local nested = require("aws.credentials.nested")
local outside = require("awsbak.outside")
local p256 = require("awsbak.core.p256")
local store = require("aws.credentials.store")
local time = require("awsbak.time")

local login = {}

-- The keys live for fifteen minutes at most.
local TIMES = { advisory = 5 * 60, mandatory = 60 }

-- What the file must hold, with the names of its members.
local NEEDED = { "refreshToken", "dpopKey", "clientId" }
local NEEDED_KEYS = { "accessKeyId", "secretAccessKey", "sessionToken", "accountId", "expiresAt" }

local REFUSALS = {
  TOKEN_EXPIRED = "the login session has expired",
  USER_CREDENTIALS_CHANGED = "the password was changed since the login",
}

---@class aws.credentials.Login a session as this module handles it
---@field profile string
---@field path string of its file
---@field source string

local function fail(session, what, hint)
  errors.raise({
    kind = "credentials",
    code = "login",
    message = ("profile %s: %s"):format(session.profile, what),
    hint = hint or ("run `aws login --profile %s`"):format(session.profile),
  })
end

local function missing(token)
  local keys = type(token.accessToken) == "table" and token.accessToken or {}
  for _, name in ipairs(NEEDED) do
    if type(token[name]) ~= "string" then
      return name
    end
  end
  for _, name in ipairs(NEEDED_KEYS) do
    if type(keys[name]) ~= "string" then
      return "accessToken." .. name
    end
  end
  return not store.time(keys.expiresAt) and "time in accessToken.expiresAt" or nil
end

local function read(session)
  local token, err = store.read(session.path)
  if not token and err.code == "ENOENT" then
    fail(session, "there is no login session")
  elseif not token then
    fail(session, "the login session cannot be read: " .. err.message)
  end
  local name = missing(token)
  if name then
    fail(session, ("the login session cannot be used: %s has no %s"):format(session.path, name))
  end
  return token
end

--- Ask for new keys.
---@return table output of CreateOAuth2Token
local function create(cfg, session, token)
  local key, err = p256.from_pem(token.dpopKey)
  if not key then
    fail(session, ("the key in %s cannot be used: %s"):format(session.path, err.message))
  end
  local region = type(token.signInRegion) == "string" and token.signInRegion or cfg:find_region()
  local client = nested.client("signin", cfg, region, dpop.credentials(key))
  local answer, refusal = errors.try(client.create_oauth2_token, {
    tokenInput = {
      clientId = token.clientId,
      refreshToken = token.refreshToken,
      grantType = "refresh_token",
    },
  })
  local reason = refusal and refusal.code == "AccessDeniedException" and refusal.fields.error
  if REFUSALS[reason] then
    fail(session, REFUSALS[reason])
  elseif reason == "INSUFFICIENT_PERMISSIONS" then
    fail(session, "the login session may not be renewed", "allow signin:CreateOAuth2Token")
  end
  return errors.check(answer, refusal).tokenOutput
end

--- Renew a session, and keep it.
---@return table token in the form of the file
local function renew(cfg, session, token)
  local output = create(cfg, session, token)
  local given = output and output.accessToken
  if not (given and output.refreshToken and output.expiresIn) then
    errors.raise({ kind = "reply", code = "login", message = "the answer holds no session" })
  end
  token.accessToken = {
    accessKeyId = given.accessKeyId,
    secretAccessKey = given.secretAccessKey,
    sessionToken = given.sessionToken,
    accountId = token.accessToken.accountId,
    expiresAt = time.rfc3339(outside.now() + output.expiresIn),
  }
  token.refreshToken = output.refreshToken
  local kept, err = store.write(session.path, token)
  if not kept then
    log.warn("profile %s: the new login session is not kept: %s", session.profile, err.message)
  end
  return token
end

local function keys_of(token, source)
  local given = token.accessToken
  return credentials.keys({
    access_key_id = given.accessKeyId,
    secret_access_key = given.secretAccessKey,
    session_token = given.sessionToken,
    account_id = given.accountId,
    expires = store.time(given.expiresAt),
    times = TIMES,
  }, source)
end

--- Keys of the profile's login session, if it has one.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials, code "login", when somebody has to sign in; what the service raises.
function login.load(cfg, context)
  local name, source = cfg:key(context.profile, "login_session")
  if not name then
    return nil, "no login_session"
  end
  local session = { profile = context.profile, source = "login session, " .. source }
  local hash = codec.hex(errors.check(digest.digest("sha256", name)))
  session.path = store.path(cfg, cfg:get("login_cache_directory"), hash)
  if not session.path then
    fail(session, "there is no login session: HOME is not set", "set it")
  end
  return store.once(session.path, function()
    local token = read(session)
    local given = token.accessToken
    local left = store.time(given.expiresAt) - outside.now()
    if left <= TIMES.advisory or given.accessKeyId == context.refused then
      token = renew(cfg, session, token)
    end
    return keys_of(token, session.source)
  end)
end

return login
