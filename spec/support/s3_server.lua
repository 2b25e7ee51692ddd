--- The S3 that specs are run against, empty: moto, or where AWSBAK_S3=versitygw says so VersityGW,
--- which is stricter.
---
---   local server = s3_server.start()
---   ... aws.client("s3", server.options) ...
---   s3_server.skip_versitygw(pending, "keeps no storage class")
---   server:close()

local moto = require("spec.support.moto")
local operator = require("spec.support.operator")
local servers = require("spec.support.servers")

local s3_server = {}

local CHOSEN <const> = os.getenv("AWSBAK_S3") or "moto"
assert(CHOSEN == "moto" or CHOSEN == "versitygw", "AWSBAK_S3 is moto or versitygw")

--- Start it.
---@return table server `url`; `options` of a client for it; `close()`
--- Raises when it is not installed, with how to get it.
function s3_server.start()
  if CHOSEN == "versitygw" then
    return assert(servers.start(CHOSEN))
  end
  local url = moto.fresh()
  local options = { region = "us-east-1", endpoint_url = url, credentials = operator.KEYS }
  return { url = url, options = options, close = function() end }
end

--- Leave out a spec, or the rest of it, that is about what VersityGW has not or does otherwise.
---@param pending fun(reason: string) busted's, which only specs themselves see
---@param trait string what VersityGW does instead
function s3_server.skip_versitygw(pending, trait)
  if CHOSEN == "versitygw" then
    pending("VersityGW " .. trait)
  end
end

return s3_server
