--- Sessions of `aws login`: said to be missing where a profile asks for one.

local errors = require("awsbak.errors")

local login = {}

--- Never keys; raises kind config when the profile has login_session.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return nil
---@return string reason
function login.load(cfg, context)
  local value, source = cfg:key(context.profile, "login_session")
  if value then
    errors.raise({
      kind = "config",
      code = "not_supported",
      message = ("login_session is set (%s), which awsbak does not support yet"):format(source),
      hint = "run `aws configure export-credentials --format env` and use what it prints",
    })
  end
  return nil, "no login_session"
end

return login
