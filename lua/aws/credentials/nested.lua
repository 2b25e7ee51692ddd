--- Clients for getting keys: with keys that are given to them, or none, so that they look for none
--- themselves.

local aws = require("aws")
local config = require("aws.config")

local nested = {}

--- A client with the settings of another, but for the flag --endpoint-url: that names who is asked
--- for data, and must not get the tokens that keys are asked for with. (The AWS CLI, too, and so it
--- is with a client's own option.) Configured endpoints count.
---@param service string
---@param cfg aws.Config of the client that wants keys
---@param region string?
---@param keys table? as the option `credentials` takes them; without any, requests are not signed
---@return table client
function nested.client(service, cfg, region, keys)
  local settings = config.resolve({
    profile = cfg.profile,
    region = region,
    ca_bundle = cfg.ca_bundle,
    credentials = keys,
    no_sign_request = not keys or nil,
    unflagged = "endpoint_url",
  })
  return aws.client(service, { config = settings, profile = cfg.profile })
end

return nested
