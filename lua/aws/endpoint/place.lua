--- Where the requests of a client may go: its region and its configured endpoint, and the endpoints
--- that were found there, each found once.

local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")
local parameters = require("aws.endpoint.parameters")

local place = {}

local FOUND_MAX = 256 -- endpoints kept; more buckets than that are looked up again

---@class aws.Place
---@field config aws.Config
---@field credentials table? of the client
---@field region string
---@field fips boolean whether the region's name asked for FIPS
---@field endpoint_url string? configured, its scheme in small letters
---@field model aws.Model
---@field rule_set aws.RuleSet
---@field fixed table<string, any> parameters that are the same for all calls
---@field found table<string, aws.FoundEndpoint>
---@field count integer of `found`
local Place = {}
Place.__index = Place

local function no_region(meta)
  errors.raise({
    kind = "config",
    code = "no_region",
    message = ("no region is set, so the endpoint of %s is not known"):format(meta.id),
    hint = "give --region, set AWS_REGION, or put region into the profile",
  })
end

--- A region as the rules know it, and whether its name asked for FIPS: "fips-us-gov-west-1"
--- (botocore/client.py, _normalize_fips_region).
local function plain_region(region)
  local plain = region:gsub("^fips%-", ""):gsub("%-fips$", "")
  return plain, plain ~= region
end

--- Whether the client's own region asks for FIPS: so does a bucket of another region, then.
local function asks_for_fips(cfg)
  local region = cfg:find_region()
  return region ~= nil and select(2, plain_region(region))
end

--- The region of a service that answers without one, too, as it is one for all regions
--- (botocore/args.py, _compute_s3_endpoint_config).
local function default_region(meta, cfg)
  if
    meta.id == "s3"
    and (
      cfg:get("s3_us_east_1_regional_endpoint") == "legacy"
      or cfg:get("s3_use_dualstack_endpoint")
      or cfg:get("use_dualstack_endpoint")
    )
  then
    return "us-east-1"
  end
  return meta.global_endpoint and "aws-global" or no_region(meta)
end

--- Where the requests of a connected client go.
---@param service aws.Service
---@param region string? another one than the client's
---@return aws.Place
--- Raises kind config when there is no region, or no wholesome one.
function place.new(service, region)
  local meta, cfg = service.model.meta, service.config
  local url, url_source = cfg:endpoint_url(meta.service_id)
  local source
  if not region then
    region, source = cfg:find_region()
  end
  region = region or default_region(meta, cfg)
  endpoint.check_region(region, source)
  local self = setmetatable({
    config = cfg,
    credentials = service.credentials,
    model = service.model,
    rule_set = endpoint.rule_set(service.model),
    found = {},
    count = 0,
  }, Place)
  self.region, self.fips = plain_region(region)
  self.fips = self.fips or asks_for_fips(cfg)
  if url then
    local origin, base = endpoint.parse_url(url, url_source)
    self.endpoint_url = origin .. base
  end
  self.fixed = parameters.fixed(self, service.options.context_params or {})
  return self
end

--- Refuse an operation that only works at an endpoint which the service assigns to an account. No
--- built-in service has one; DynamoDB, which may be asked, names the endpoint it is asked at.
local function need_no_discovery(self, operation)
  if operation.endpoint_discovery == "required" and not self.endpoint_url then
    errors.raise({
      kind = "usage",
      code = "endpoint_discovery",
      message = ("%s.%s needs endpoint discovery, which awsbak does not do"):format(
        self.model.meta.id,
        operation.name
      ),
      hint = "give the URL that DescribeEndpoints names as endpoint_url",
    })
  end
end

--- What the rules give for a call, before its own path.
---@param call aws.Call
---@return aws.FoundEndpoint
--- Raises kind config or usage when they refuse.
function Place:find(call)
  need_no_discovery(self, call.operation)
  local own, key = parameters.own(self, call)
  local found = self.found[key]
  if found then
    return found
  end
  if self.count >= FOUND_MAX then
    self.found, self.count = {}, 0
  end
  local all = setmetatable(own, { __index = self.fixed })
  local new, message = endpoint.find(self.model, self.rule_set, all)
  if not new then
    require("aws.endpoint.refusal").raise(self, message)
  end
  self.found[key], self.count = new, self.count + 1
  return new
end

return place
