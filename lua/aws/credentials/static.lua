--- Keys written into the credentials file or the config file (botocore, SharedCredentialProvider
--- and ConfigProvider).

local credentials = require("aws.credentials")

local log = require("awsbak.log")
local outside = require("awsbak.outside")

local static = {}

local OTHERS = 63 -- 0077: the permissions of everybody but the owner

--- Say once that others than its owner may read a file that holds keys.
local function warn_of_others(path)
  local st = outside.stat(path)
  if st and st.type == "file" and st.mode & OTHERS ~= 0 then
    log.warn_once(
      "%s holds keys and is open to others (mode %04o); run chmod 600 on it",
      path,
      st.mode
    )
  end
end

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
  warn_of_others(cfg.expand(cfg[file .. "_file"]))
  return credentials.keys({
    access_key_id = id,
    secret_access_key = key("aws_secret_access_key"),
    session_token = key("aws_session_token") or key("aws_security_token"),
    account_id = key("aws_account_id"),
  }, source)
end

return static
