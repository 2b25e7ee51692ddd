--- IAM Identity Center (SSO): said to be missing where a profile asks for it.

local errors = require("awsbak.errors")

local sso = {}

--- Never keys; raises kind config when the profile has SSO settings.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return nil
---@return string reason
function sso.load(cfg, context)
  for _, key in ipairs({ "sso_session", "sso_start_url", "sso_account_id", "sso_role_name" }) do
    local value, source = cfg:key(context.profile, key)
    if value then
      errors.raise({
        kind = "config",
        code = "not_supported",
        message = ("%s is set (%s), but awsbak does not support SSO yet"):format(key, source),
        hint = "run `aws configure export-credentials --format env` and use what it prints",
      })
    end
  end
  return nil, "no sso_session"
end

return sso
