--- Keys written into the credentials file or the config file (botocore, SharedCredentialProvider
--- and ConfigProvider).

local credentials = require("aws.credentials")
local store = require("aws.credentials.store")

local static = {}

--- Keys written under the profile in one of the files.
---@param cfg aws.Config
---@param context table see aws.credentials
---@param file string "credentials" or "config": keys of one file are not mixed with the other's
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the secret key is missing.
function static.load(cfg, context, file)
  local function key(name)
    local value, source, from = cfg:key(context.profile, name)
    if from == file then
      return value, source
    end
  end
  local id, source = key("aws_access_key_id")
  if not id then
    return nil, ("no aws_access_key_id for profile %s"):format(context.profile)
  end
  store.warn_of_others(cfg.expand(cfg[file .. "_file"]))
  return credentials.keys({
    access_key_id = id,
    secret_access_key = key("aws_secret_access_key"),
    session_token = key("aws_session_token") or key("aws_security_token"),
    account_id = key("aws_account_id"),
  }, source)
end

return static
