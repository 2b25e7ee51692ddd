--- What to do about refusals that have little to do with what was asked: keys, clock, rights, and
--- whoever answers in AWS's place.
---
--- Codes: "Common errors" of the Systems Manager API reference, and "List of error codes" of the S3
--- API reference.

local advice = {}

local RENEW = "renew the credentials (sign in again, or let your identity provider give new ones)"
local KEYS = "AWS does not know the access key: `awsbak doctor` shows where it comes from"
local SECRET = "check the secret key, and this machine's clock; `awsbak doctor` shows both"
local RIGHTS = "`awsbak doctor` shows whose keys these are, docs/iam.md the rights commands need"

local BY_CODE = {
  AccessDenied = RIGHTS,
  AccessDeniedException = RIGHTS,
  ExpiredToken = RENEW,
  ExpiredTokenException = RENEW,
  IncompleteSignature = SECRET,
  InvalidAccessKeyId = KEYS,
  InvalidClientTokenId = KEYS,
  InvalidSignatureException = SECRET,
  NotAuthorized = RIGHTS,
  RequestExpired = "set this machine's clock, or " .. RENEW,
  RequestTimeTooSkewed = "set this machine's clock",
  SignatureDoesNotMatch = SECRET,
  UnrecognizedClientException = KEYS,
}

local PORTAL = "AWS does not redirect like this: check the endpoint URL, and whether"
  .. " a network portal wants you to sign in"

local BY_STATUS = {
  [302] = PORTAL,
  [303] = PORTAL,
  [407] = "a proxy wants credentials: write them into the proxy variable,"
    .. " as in http://USER:PASSWORD@proxy:3128",
}

local SMALLER = "ask for smaller pages, or allow more bytes: { max_body = 64 << 20 }"

--- Whether it was a reply's body that was too large, which can be allowed, and not its head.
local function is_large_body(e)
  return e.code == "too_large" and e.message:find("is larger than allowed$") ~= nil
end

--- The status that a proxy refused a tunnel with; only curl's words have it.
local function tunnel_status(e)
  return e.kind == "network" and tonumber(e.message:match("CONNECT tunnel failed, response (%d+)"))
end

--- What to do about an error, or nil when its message has to do.
---@param e awsbak.Error
---@return string?
function advice.on(e)
  if is_large_body(e) then
    return SMALLER
  end
  return BY_CODE[e.code] or BY_STATUS[e.status or tunnel_status(e) or 0]
end

return advice
