--- Keys of a role, asked of STS.

local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local nested = require("aws.credentials.nested")
local outside = require("awsbak.outside")

local assume = {}

local function client(cfg, keys)
  return nested.client("sts", cfg, cfg:find_region(), keys)
end

local function session_name()
  return ("awsbak-session-%d"):format(math.floor(outside.now()))
end

local function keys_of(answer, source)
  local c = answer.Credentials
  return credentials.keys({
    access_key_id = c.AccessKeyId,
    secret_access_key = c.SecretAccessKey,
    session_token = c.SessionToken,
    expires = c.Expiration,
    account_id = (answer.AssumedRoleUser or { Arn = "" }).Arn:match("^arn:[^:]*:sts::(%d+):"),
  }, source)
end

--- Keys of a role, assumed with other keys.
---@param cfg aws.Config
---@param input table of AssumeRole; RoleSessionName may be absent
---@param source_keys aws.Keys
---@param source string whose role it is
---@return aws.Keys
function assume.role(cfg, input, source_keys, source)
  input.RoleSessionName = input.RoleSessionName or session_name()
  local answer, err = errors.try(client(cfg, source_keys).assume_role, input)
  if not answer then
    if err.kind == "usage" then -- the input is what a file says, not what somebody called with
      err.kind, err.hint = "config", err.hint or ("this is %s: correct it"):format(source)
    end
    error(err, 0)
  end
  return keys_of(answer, source)
end

--- Keys of a role, assumed with a web identity token; the call is not signed.
---@param cfg aws.Config
---@param input table of AssumeRoleWithWebIdentity; RoleSessionName may be absent
---@param source string
---@return aws.Keys
function assume.web_identity(cfg, input, source)
  input.RoleSessionName = input.RoleSessionName or session_name()
  local answer = client(cfg).assume_role_with_web_identity(input)
  return keys_of(answer, source)
end

return assume
