--- How requests of a client get to AWS: whom to trust, how to meet a proxy, and how long to wait
--- for a connection, which the defaults mode decides.

local outside = require("awsbak.outside")

local route = {}

-- Seconds for name, connection and TLS, by defaults mode (botocore 1.44.5,
-- sdk-default-configuration.json). "legacy" leaves it to the program: it is what awsbak has
-- without a mode.
local CONNECT_S = {
  legacy = 3.1,
  standard = 3.1,
  ["in-region"] = 1.1,
  ["cross-region"] = 3.1,
  mobile = 30,
}

--- The region this program runs in; nil when nothing tells it, or outside of AWS.
local function region_here(cfg)
  local region
  if cfg:get("execution_env") then
    region = outside.getenv("AWS_REGION") or outside.getenv("AWS_DEFAULT_REGION")
  end
  return region or require("aws.credentials.imds").region(cfg)
end

--- The defaults mode that "auto" stands for (botocore 1.44.5, configprovider.py,
--- resolve_auto_mode).
local function auto_mode(cfg)
  local here = region_here(cfg)
  if not here then
    return "standard"
  end
  return here == cfg:find_region() and "in-region" or "cross-region"
end

local function connect_timeout(cfg)
  local mode = cfg:get("defaults_mode")
  return CONNECT_S[mode == "auto" and auto_mode(cfg) or mode]
end

--- Put into a request of awsbak.http what all requests with these settings have in common. The
--- first time this may ask the EC2 instance where it is.
---@param cfg aws.Config
---@param request awsbak.Request
---@return awsbak.Request request
--- Raises kind config, naming setting and source.
function route.add(cfg, request)
  cfg.route = cfg.route
    or {
      ca_file = cfg:get("ca_bundle"),
      proxy_ca_file = cfg:get("proxy_ca_bundle"),
      proxy_cert_file = cfg:get("proxy_client_cert"),
      timeout_connect = connect_timeout(cfg),
    }
  for name, value in pairs(cfg.route) do
    request[name] = value
  end
  return request
end

return route
