--- A role assumed with a token in a file, as Kubernetes and CI systems give one (botocore,
--- AssumeRoleWithWebIdentityProvider). The file is read at every refresh: its token is replaced
--- there.

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local session = require("aws.credentials.session")

local web_identity = {}

local function fail(code, message, hint)
  errors.raise({ kind = "credentials", code = code, message = message, hint = hint })
end

local function setting(cfg, context, variable, key)
  local value = context.environment and outside.getenv(variable)
  if value then
    return value, variable
  end
  return cfg:key(context.profile, key)
end

local function read_token(cfg, path)
  local text, err = outside.read_file(cfg.expand(path))
  if not text then
    fail("web_identity", "web identity: " .. err.message, "check web_identity_token_file")
  end
  local token = text:match("^%s*(.-)%s*$")
  if token == "" then
    fail(
      "web_identity",
      ("the web identity token file %s is empty"):format(path),
      "check what writes it"
    )
  end
  return token
end

--- Keys of a role for the token in a file, if one is set.
---@param cfg aws.Config
---@param context table see aws.credentials
---@return aws.Keys?
---@return string? reason why not
--- Raises kind credentials when the token cannot be read or no role is set; what STS raises.
function web_identity.load(cfg, context)
  local path, source =
    setting(cfg, context, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file")
  if not path then
    return nil, "no web_identity_token_file"
  end
  local arn = setting(cfg, context, "AWS_ROLE_ARN", "role_arn")
  if not arn then
    fail(
      "web_identity",
      ("a web identity token is set (%s), but no role"):format(source),
      "set AWS_ROLE_ARN or role_arn"
    )
  end
  local input = {
    RoleArn = arn,
    RoleSessionName = setting(cfg, context, "AWS_ROLE_SESSION_NAME", "role_session_name"),
  }
  local which = {
    name = session.role_name(input),
    source = ("role %s, web identity, %s"):format(arn, source),
  }
  return session.get(cfg, context, which, function()
    input.WebIdentityToken = read_token(cfg, path)
    return require("aws.credentials.assume").web_identity(cfg, input, which.source)
  end)
end

return web_identity
