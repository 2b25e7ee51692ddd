--- Codes of MFA devices, asked for on the terminal (botocore, AssumeRoleCredentialFetcher and
--- create_mfa_serial_refresher).

local errors = require("awsbak.errors")
local outside = require("awsbak.outside")

local mfa = {}

local function fail(message, hint)
  errors.raise({ kind = "credentials", code = "mfa", message = message, hint = hint })
end

--- Ask for the code of a device, once in a run: nobody may be there when keys are renewed.
---@param serial string its ARN or number
---@param context table see aws.credentials; with `renewal` nobody is asked
---@param profile string whose role wants it
---@return string code six digits
--- Raises kind credentials, code "mfa", without a terminal, and for an answer that is no code.
function mfa.code(serial, context, profile)
  local elsewhere = "run `aws sts get-caller-identity --profile %s` in a terminal: awsbak uses "
    .. "the session that it keeps"
  elsewhere = elsewhere:format(profile)
  if context.renewal then
    fail(("the session of profile %s is near its end, and a new one takes an MFA code"):format(
      profile
    ), elsewhere .. ", or set a longer duration_seconds")
  end
  local answer, err = outside.ask_hidden(("Enter MFA code for %s: "):format(serial))
  if not answer and err.code == "no_terminal" then
    fail(
      ("profile %s wants an MFA code, and there is no terminal to ask on"):format(profile),
      elsewhere
    )
  end
  local code = errors.check(answer, err):reveal():match("^%s*(%d%d%d%d%d%d)%s*$")
  return code or fail("the answer is no MFA code", "it has six digits")
end

return mfa
