--- What all calls of one client share: model, settings, credentials, retry quota, endpoint.
---
--- Nothing is looked up before the first call needs it.

local agent = require("aws.agent")
local argument = require("awsbak.argument")
local config = require("aws.config")
local credentials = require("aws.credentials")
local endpoint = require("aws.endpoint")
local hooks = require("aws.hooks")
local model = require("aws.model")
local optional = require("aws.options")
local place = require("aws.endpoint.place")
local protocol = require("aws.protocol")
local retry = require("aws.retry")

local service = {}

---@class aws.ClientOptions
---@field region string?
---@field profile string?
---@field endpoint_url string?
---@field no_sign_request boolean? send requests without keys
---@field credentials table? `access_key_id`, `secret_access_key`, `session_token`
---@field timeout number? seconds of silence until a reply begins
---@field attempts integer? how often a call is tried at most
---@field max_body integer? bytes of a reply that are taken (default 32 MiB); not of streams
---@field retry_mode string? "standard", "adaptive" or "legacy"
---@field ca_bundle string? file of certificates to trust instead of the system's
---@field context_params table<string, any>? endpoint parameters that the model leaves to the client
---@field use_dualstack_endpoint boolean?
---@field use_fips_endpoint boolean?
---@field addressing_style string? of S3: "auto", "path", "virtual"
---@field dry_run boolean? calls that may change something are withheld (aws.guard)
---@field read_only boolean? calls that may change something raise
---@field config aws.Config? settings resolved before (aws.config), instead of all the others

---@class aws.Service
---@field name string "ssm"
---@field options aws.ClientOptions
---@field model table
---@field protocol table
---@field config aws.Config
---@field credentials table
---@field retry aws.Retry
---@field hooks table
---@field announced boolean? whether aws.journal said where its requests go
---@field s3 boolean whether S3's rules of signing hold
---@field places table<string, aws.Place> by region, "" for the client's own
---@field prepared table<string, table> the client's, by operation
---@field pagers table<string, table>
---@field user_agent string? see agent()
local Service = {}
Service.__index = Service

--- The shared part of a new client.
---@param which string|table a service's name, or a model in botocore's format
---@param options aws.ClientOptions
---@return aws.Service
--- Raises kind usage when the service or an option is unknown, or of the wrong kind.
function service.new(which, options)
  optional.check_client(options)
  argument.check(which, type(which) == "table" and "table" or "text", "the service of a client")
  local self = { name = which, options = options, places = {}, prepared = {}, pagers = {} }
  if type(which) == "table" then
    self.model = model.given(which)
    self.name = self.model.meta.id
  end
  return setmetatable(self, Service)
end

--- Make sure the model is there.
---@return aws.Service self
function Service:open()
  self.model = self.model or model.load(self.name, self.options)
  return self
end

local function resolve(options)
  local settings = {}
  for name, value in pairs(options) do
    settings[name] = value
  end
  settings.max_attempts = options.attempts
  return config.resolve(settings)
end

--- Make sure settings and all that follows from them are there.
---@return aws.Service self
--- Raises kind config.
function Service:connect()
  if self.config then
    return self
  end
  local meta = self:open().model.meta
  local settings = self.options.config or resolve(self.options)
  settings:check(meta.service_id, meta.signing_name or meta.endpoint_prefix, meta.auth)
  self.s3 = meta.id == "s3"
  self.protocol = protocol.get(self.model)
  self.hooks = hooks.of(meta.id)
  self.credentials = credentials.provider(settings)
  self.retry = retry.new(settings, meta.service_id)
  self.config = settings
  return self
end

--- The User-Agent of its requests.
---@return string
function Service:agent()
  self.user_agent = self.user_agent or agent.of(self.config)
  return self.user_agent
end

--- Where a call goes and for whom it is signed.
---@param call aws.Call or of one its `service`, `operation`, `input`, `request` and `region`
---@return aws.Endpoint
---  Shared by calls: not to be changed.
--- Raises kind config when there is no region or no endpoint.
function Service:endpoint(call)
  local region = call.region or ""
  local at = self.places[region]
  if not at then
    at = place.new(self, call.region)
    self.places[region] = at
  end
  local bucket = self.s3 and call.input.Bucket or nil
  if bucket then
    endpoint.check_bucket(bucket)
  end
  local prefix = call.request.host_prefix
  if prefix and self.config:get("disable_host_prefix_injection") then
    prefix = nil
  end
  return endpoint.at(at:find(call), call.request.path, bucket ~= nil, prefix)
end

return service
