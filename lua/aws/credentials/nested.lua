--- Clients for getting keys: with keys that are given to them, or none, so that they look for none
--- themselves.

local aws = require("aws")

local nested = {}

--- A client with the settings of another.
---@param service string
---@param cfg aws.Config of the client that wants keys
---@param region string?
---@param keys table? as the option `credentials` takes them; without any, requests are not signed
---@return table client
function nested.client(service, cfg, region, keys)
  return aws.client(service, {
    profile = cfg.profile,
    region = region,
    ca_bundle = cfg.ca_bundle,
    credentials = keys,
    no_sign_request = not keys or nil,
  })
end

return nested
