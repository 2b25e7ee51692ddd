--- Keys in the environment (botocore, EnvProvider).

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local time = require("awsbak.time")

local environment = {}

local function expiry()
  local text = outside.getenv("AWS_CREDENTIAL_EXPIRATION")
  local expires = text and time.parse(text)
  if text and not expires then
    errors.raise({
      kind = "config",
      code = "bad_setting",
      message = ('AWS_CREDENTIAL_EXPIRATION is "%s"'):format(text),
      hint = "it is a time like 2026-11-21T03:51:00Z",
    })
  end
  return expires
end

--- Keys from variables, if AWS_ACCESS_KEY_ID is set.
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the secret key is missing, kind config for a bad expiry.
function environment.load(_, context)
  if not context.environment then
    return nil, "a profile is named"
  end
  local id = outside.getenv("AWS_ACCESS_KEY_ID")
  if not id then
    return nil, "AWS_ACCESS_KEY_ID is not set"
  end
  return credentials.keys({
    access_key_id = id,
    secret_access_key = outside.getenv("AWS_SECRET_ACCESS_KEY"),
    session_token = outside.getenv("AWS_SESSION_TOKEN") or outside.getenv("AWS_SECURITY_TOKEN"),
    account_id = outside.getenv("AWS_ACCOUNT_ID"),
    expires = expiry(),
  }, "environment")
end

return environment
