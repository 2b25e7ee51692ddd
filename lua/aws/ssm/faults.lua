--- What a refusal by Parameter Store concerns: the pace, one parameter, or the whole run.

local errors = require("awsbak.errors")
local retry = require("aws.retry")

local M = {}

-- Refusals of the caller ("Common errors" of the Systems Manager API reference).
local OF_CALLER = {
  ExpiredToken = true,
  ExpiredTokenException = true,
  IncompleteSignature = true,
  InvalidClientTokenId = true,
  InvalidSignatureException = true,
  MissingAuthenticationToken = true,
  NotAuthorized = true,
  OptInRequired = true,
  RequestExpired = true,
  SignatureDoesNotMatch = true,
  UnrecognizedClientException = true,
}

local GONE = { ParameterNotFound = true, InvalidResourceId = true }

--- Did AWS ask for a slower pace? Also by TooManyUpdates: one update of a parameter at a time.
---@param e any what a call raised
---@return boolean
function M.throttled(e)
  return errors.is(e) and (retry.classify(e) == "throttling" or e.code == "TooManyUpdates")
end

--- Does it concern the one parameter that was asked for, so that the run goes on without it?
---@param e awsbak.Error
---@return boolean
function M.of_one_item(e)
  local refused = e.kind == "service" and (e.status or 400) < 500
  return refused and not OF_CALLER[e.code] and not M.throttled(e)
end

--- Does it say that the parameter does not exist?
---@param e awsbak.Error
---@return boolean
function M.gone(e)
  return e.kind == "service" and GONE[e.code] or false
end

return M
