--- The settings of one client: options, flags, environment and config files, put together once.
---
--- A value is taken from the first of: client option, flag of the command line, environment
--- variable, credentials file, config file, default. Each knows where it came from, for messages
--- and for `awsbak doctor`. Which settings there are is the table aws.settings.

local errors = require("awsbak.errors")
local flags = require("awsbak.settings")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local profiles = require("aws.profiles")
local rows = require("aws.settings")
local secret = require("awsbak.core.secret")
local sorted = require("awsbak.sorted")

local config = {}

local by_name = {}
for _, row in ipairs(rows) do
  by_name[row.name] = row
end

local function fail(code, message, hint)
  errors.raise({ kind = "config", code = code, message = message, hint = hint })
end

local function bad(row, value, source, wanted)
  fail(
    "bad_setting",
    ('%s is "%s" (%s)'):format(row.name, tostring(value), source),
    "it is " .. wanted
  )
end

--- What was wanted, and which of `list` was most likely meant.
local function one_of(list, value)
  local near = errors.nearest(tostring(value), list)
  return ("one of %s%s"):format(
    table.concat(list, ", "),
    near and ("; did you mean %s?"):format(near) or ""
  )
end

local words = { ["true"] = true, ["false"] = false }

local function to_number(row, value, source, integer)
  local n = tonumber(value)
  n = n and (integer and math.tointeger(n) or not integer and n + 0.0) or nil
  local min, max = row.min or 0, row.max
  if not n or n < min or (max and n > max) then
    local what = integer and "a whole number" or "a number"
    local limits = max and "from %d to %d" or "of at least %d"
    bad(row, value, source, ("%s " .. limits):format(what, min, max))
  end
  return n
end

local function to_choice(row, value, source)
  for _, choice in ipairs(row.choices) do
    if tostring(value):lower() == choice then
      return choice
    end
  end
  bad(row, value, source, one_of(row.choices, value))
end

--- The value of a row as its kind wants it.
local function convert(row, value, source)
  if row.kind == "integer" or row.kind == "number" then
    return to_number(row, value, source, row.kind == "integer")
  elseif row.kind == "boolean" and type(value) ~= "boolean" then
    local b = words[tostring(value):lower()]
    if b == nil then
      bad(row, value, source, one_of({ "true", "false" }, value))
    end
    return b
  elseif row.kind == "choice" then
    return to_choice(row, value, source)
  elseif type(value) == "table" then
    bad(row, "nested keys", source, "one value")
  end
  return value
end

---@class aws.Config
---@field profile string the profile in use
---@field profile_explicit boolean whether an option or flag named it: then keys of the environment
---  do not count
---@field region string? as set; see need_region
---@field retry_mode string
---@field max_attempts integer?
---@field new_retries boolean
---@field ca_bundle string?
---@field options table what resolve was given
---@field known table<string, table> value and source of settings that were asked for, by name
local Config = { expand = profiles.expand }
Config.__index = Config

--- A key of a profile: its value and source, or nil. "s3.x" looks for x nested below s3.
---@param profile string
---@param key string
---@return any value a string, a secret, or a table of nested keys
---@return string? source
---@return string? file "credentials" or "config"
function Config:key(profile, key)
  local outer, inner = key:match("^(.-)%.(.*)$")
  local entry = (self.profiles[profile] or {})[outer or key]
  if not entry then
    return nil
  elseif not outer then
    return entry.value, entry.source, entry.file
  elseif type(entry.value) == "table" then
    return entry.value[inner], entry.source, entry.file
  end
end

--- Whatever says what a row shall be, in the order in which it counts, before it is checked.
---@return { value: any, source: string }[]
local function candidates(self, row)
  local list = {}
  local function add(value, source)
    if value ~= nil and value ~= "" then
      list[#list + 1] = { value = value, source = source }
    end
  end
  if row.option then
    add(self.options[row.option], "option " .. row.option)
  end
  if row.flag and row.name ~= self.options.unflagged then
    add(flags.get(row.name))
  end
  for _, name in ipairs(row.env or {}) do
    local value = outside.getenv(name)
    add(value and row.secret and secret.new(value) or value, name)
  end
  for _, key in ipairs({ row.key, row.old_key }) do
    add(self:key(self.profile, key))
  end
  return list
end

--- Where the value of a row comes from.
local function find(self, row)
  local first = candidates(self, row)[1]
  if first then
    return first.value, first.source
  end
  return row.default, "default"
end

--- Refuse a setting that is there but empty where that is no way to leave it unset.
local function check_filled(self, row)
  local environment = outside.environ()
  for _, name in ipairs(row.env) do
    if environment[name] == "" then
      fail("bad_setting", name .. " is empty", "unset it, or give it a value")
    end
  end
  local value, source = self:key(self.profile, row.key)
  if value == "" then
    local message = ("%s (%s) is empty"):format(row.key, source)
    fail("bad_setting", message, "remove it, or give it a value")
  end
end

--- The value of a row, checked, and its source.
local function value_of(self, row)
  if row.filled then
    check_filled(self, row)
  end
  local value, source = find(self, row)
  if value == nil then
    return nil, source
  end
  value = convert(row, value, source)
  if row.refused and value == row.refused then
    local message = ("%s is %s (%s), which awsbak refuses"):format(
      row.name,
      tostring(value),
      source
    )
    fail("refused", message .. ": " .. row.why, "remove the setting")
  end
  return value, source
end

--- The value of a setting (aws.settings) and where it came from: `cfg:get("region")`.
--- Raises kind "config" when the value is wrong, or one that awsbak refuses.
---@param name string
---@return any value nil when nobody set it and it has no default
---@return string source "AWS_REGION", "[profile x] in ~/.aws/config", "default", ...
function Config:get(name)
  local known = self.known[name]
  if not known then
    known = table.pack(value_of(self, assert(by_name[name], "no such setting")))
    self.known[name] = known
  end
  return known[1], known[2]
end

--- All settings, for `awsbak doctor`: { name, value, source, others, problem?, row }, where
--- `others` are the values, with their sources, that it would have without this one.
---@return table[]
function Config:list()
  local all = {}
  for i, row in ipairs(require("aws.all_settings")) do
    local entry = { name = row.name, row = row }
    entry.value, entry.source = find(self, row)
    entry.others = table.move(candidates(self, row), 2, #candidates(self, row), 1, {})
    local _, err = errors.try(value_of, self, row)
    entry.problem = errors.is(err) and tostring(err) or nil
    all[i] = entry
  end
  return all
end

--- Refuse a bearer token for a service that takes none: the request would be signed as somebody
--- else.
local function check_bearer_token(signing_name, schemes)
  local variable = require("aws.auth").token_variable(signing_name)
  if not outside.getenv(variable) then
    return
  end
  for _, scheme in ipairs(schemes) do
    if scheme == "smithy.api#httpBearerAuth" then
      return
    end
  end
  fail(
    "bearer_token",
    ("%s is set, but %s takes no bearer tokens"):format(variable, signing_name),
    "unset it, and requests are signed with an access key"
  )
end

--- Refuse settings that nothing may be done with; warn of those that somebody set in vain.
---@param service string? service id: those that only it looks at; nil: those of all services
---@param signing_name string? of that service
---@param schemes string[]? its auth schemes
function Config:check(service, signing_name, schemes)
  if signing_name then
    check_bearer_token(signing_name, schemes or {})
  end
  for _, row in ipairs(rows) do
    if row.refused and row.service == service then
      self:get(row.name)
    elseif row.ignored and row.service == service then
      local value, source = find(self, row)
      if value ~= nil then
        log.warn_once("%s (%s) changes nothing: %s", row.name, source, row.ignored)
      end
    end
  end
end

local function services_url(self, service_id)
  local name, source = self:key(self.profile, "services")
  if not name then
    return nil
  end
  local section = self.services[name]
  if not section then
    fail(
      "no_services",
      ("services = %s (%s), but there is no [services %s]"):format(name, source, name),
      "add the section or remove the key"
    )
  end
  local keys = section.keys[service_id]
  return type(keys) == "table" and keys.endpoint_url or nil, section.source
end

--- The endpoint configured for a service, if any. Order (botocore, ConfiguredEndpointProvider):
--- option and flag, AWS_ENDPOINT_URL_<SERVICE_ID>, AWS_ENDPOINT_URL, the profile's services
--- section, the profile.
---@param service_id string as in the model: "SSM", "DynamoDB Streams"
---@return string? url
---@return string? source
function Config:endpoint_url(service_id)
  local url, source = self:get("endpoint_url")
  if
    source == "option endpoint_url"
    or source == "--endpoint-url"
    or source == "AWSBAK_ENDPOINT_URL"
  then
    return url, source
  elseif self:get("ignore_configured_endpoint_urls") then
    return nil
  end
  local id = service_id:gsub("[%s%-]", "_")
  local variable = "AWS_ENDPOINT_URL_" .. id:upper()
  local own = outside.getenv(variable)
  if own then
    return own, variable
  elseif source == "AWS_ENDPOINT_URL" then
    return url, source
  end
  local listed, where = services_url(self, id:lower())
  if listed then
    return listed, where
  end
  return url, url and source or nil
end

--- The region, from the settings or else from this EC2 instance; asked for once.
---@return string? region nil when neither knows one
---@return string? source
function Config:find_region()
  if not self.region and not self.asked_instance then
    self.asked_instance = true
    local region = require("aws.credentials.imds").region(self)
    if region then
      self.region, self.region_source = region, "this EC2 instance"
    end
  end
  return self.region, self.region_source
end

local function need_profile(self, source)
  if self.profile ~= "default" and not self.profiles[self.profile] then
    local near = errors.nearest(self.profile, sorted.keys(self.profiles))
    fail(
      "no_profile",
      ('there is no profile "%s" (%s) in %s or %s'):format(
        self.profile,
        source,
        self.config_file,
        self.credentials_file
      ),
      near and ("did you mean %s?"):format(near) or "add it, or name another one"
    )
  end
end

--- Read the config files anew: keys in them may have been replaced.
function Config:reload()
  self.known = {}
  self.profiles, self.services, self.sso_sessions =
    profiles.read(self.config_file, self.credentials_file)
end

--- Read the config files for one client, without looking at the settings: so that `awsbak doctor`
--- can show those that resolve refuses.
---@param options table? as resolve takes them
---@return aws.Config
function config.load(options)
  local fields = { options = options or {}, profiles = {}, services = {}, known = {} }
  local cfg = setmetatable(fields, Config)
  local profile, source = cfg:get("profile")
  cfg.profile = profile
  cfg.profile_explicit = source == "option profile" or source == "--profile"
  cfg.config_file = cfg:get("config_file")
  cfg.credentials_file = cfg:get("credentials_file")
  cfg:reload()
  need_profile(cfg, source)
  cfg.region, cfg.region_source = cfg:get("region")
  return cfg
end

--- Read the settings for one client. Reads the config files; sends nothing.
---@param options table? profile, region, endpoint_url, max_attempts, retry_mode, ca_bundle,
---  addressing_style, credentials; `unflagged`: a setting whose flag is meant for other clients;
---  unknown keys are left to the client
---@return aws.Config
--- Raises kind config, naming setting and source.
function config.resolve(options)
  local cfg = config.load(options)
  cfg:check()
  cfg.retry_mode = cfg:get("retry_mode")
  cfg.max_attempts = cfg:get("max_attempts")
  cfg.new_retries = cfg:get("new_retries")
  cfg.ca_bundle = cfg:get("ca_bundle")
  return cfg
end

return config
