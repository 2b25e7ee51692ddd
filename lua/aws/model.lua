--- What AWS says about a service: operations, shapes, paginators, waiters.
---
---     local m = require("aws.model").load("ssm")
---     m.meta.api_version                      --> "2014-11-06"
---     m:find("get-parameter")                 --> "GetParameter"
---     local op = m:operation("GetParameter")  --> { name, method, uri, input, output, ... }
---     m:shape(op.input).by_name.Name.required --> true
---
--- Everything is made when first asked for and then kept, so two asks give the same table.

local data = require("aws.data")
local errors = require("awsbak.errors")
local folders = require("aws.model.folders")
local lines = require("aws.model.lines")
local reads = require("aws.model.reads")
local sorted = require("awsbak.sorted")
local spelling = require("aws.model.spelling")

local model = {}

---@class aws.Ref a member of a structure, or a list's element, or a map's key or value
---@field name string? of a member
---@field shape string the name of the shape
---@field required boolean?
---@field location "header"|"headers"|"query"|"uri"|"status"|nil nil is the body
---@field location_name string? its name there, when not its own
---@field idempotency boolean? a token the client makes up when there is none
--- and `flattened`, `timestamp_format`, `xml_attribute`, `xml_namespace` ({ uri, prefix }),
--- `query_name`, `streaming`, `host_label`, `context` (name of an endpoint parameter),
--- `json_value`, `event_payload`, `event_header`, `deprecated`, `sensitive`; what is nil may come
--- from the shape, see Model:resolve.

---@alias aws.Type "structure"|"list"|"map"|aws.ScalarType
---@alias aws.ScalarType "string"|"integer"|"long"|"float"|"double"|"boolean"|"blob"|"timestamp"

---@class aws.Shape
---@field name string
---@field type aws.Type
---@field members aws.Ref[]? of a structure, in the model's order
---@field by_name table<string, aws.Ref>?
---@field element aws.Ref? of a list
---@field key aws.Ref? of a map
---@field value aws.Ref? of a map
---@field payload string? the member that is the whole body
---@field enum string[]?
---@field exception boolean? an error's shape; `error_code`, `error_status`, `sender_fault`
--- and `fault`, `retryable`, `min`, `max`, `pattern`, `union`, `document`, `event_stream`, `event`,
--- and all of a reference.

---@class aws.Operation
---@field name string
---@field method string
---@field uri string template: "/{Bucket}/{Key+}?acl"
---@field input string? name of a shape
---@field output string?
---@field errors string[] names of shapes
---@field reads boolean whether it changes nothing at AWS (aws.model.reads)
---@field streams boolean? the reply's body is handed out as it comes
---@field events string? member of the output that is a stream of events
---@field auth string? "none" (not signed), "v4-unsigned-body"
---@field result_wrapper string? element around the output in XML
---@field checksum table `member`, `mode`, `required`, `response` of S3's checksums
--- and `status` (when not 200), `input_name`, `input_namespace` (XML root), `readonly`,
--- `idempotent`, `deprecated`, `unsigned_payload`, `auth_schemes`, `host_prefix`, `compression`,
--- `static` and `context` (endpoint parameters: values, paths into the input),
--- `endpoint_discovery`, `alias`.

---@class aws.Model
---@field meta table id, service_id, protocol, protocols, endpoint_prefix, signing_name,
---  api_version, ...
local Model = {}
Model.__index = Model

local META = {
  apiVersion = "api_version",
  awsQueryCompatible = "query_compatible",
  checksumFormat = "checksum_format",
  endpointPrefix = "endpoint_prefix",
  globalEndpoint = "global_endpoint",
  id = "id",
  jsonVersion = "json_version",
  protocol = "protocol",
  serviceAbbreviation = "abbreviation",
  serviceFullName = "full_name",
  serviceId = "service_id",
  signatureVersion = "signature_version",
  signingName = "signing_name",
  targetPrefix = "target_prefix",
  uid = "uid",
  xmlNamespace = "xml_namespace",
}

local function words(text)
  local list = {}
  for word in (text or ""):gmatch("[^,]+") do
    list[#list + 1] = word
  end
  return list
end

local function read_meta(raw)
  local meta = { auth = words(raw.auth), protocols = words(raw.protocols), client_params = {} }
  for key, name in pairs(META) do
    meta[name] = raw[key]
  end
  for key, value in pairs(raw) do
    local param = key:match("^client%.(.+)$")
    if param then
      meta.client_params[param] = value
    end
  end
  meta.query_compatible = meta.query_compatible ~= nil
  meta.signing_name = meta.signing_name or meta.endpoint_prefix
  return meta
end

local function new(source)
  return setmetatable({
    meta = read_meta(source:meta()),
    source = source,
    operation_cache = {},
    shape_cache = {},
  }, Model)
end

local loaded = {} -- by service and folders

--- The services there are models of, sorted.
---@param options table? of a client, whose profile may name folders (aws.model.folders)
---@return string[]
function model.services(options)
  local found = {}
  for _, list in ipairs({ data.services(), folders.services(folders.paths(options)) }) do
    for _, id in ipairs(list) do
      found[id] = true
    end
  end
  return sorted.keys(found)
end

--- The id of the service that a word means: "sso-oidc" for "sso_oidc", or nil.
---@param word string
---@return string?
function model.service(word)
  local wanted = word:gsub("_", "-")
  for _, id in ipairs(model.services()) do
    if id == wanted then
      return id
    end
  end
  return nil
end

local function unknown_service(id, options)
  local services = model.services(options)
  local nearest = errors.nearest(id, services)
  errors.raise({
    kind = "usage",
    code = "unknown_service",
    message = ('there is no service "%s"'):format(id),
    hint = nearest and ('did you mean "%s"?'):format(nearest)
      or "the services are " .. table.concat(services, ", "),
  })
end

--- The user's model of a service, or else the built-in one; nil when there is neither.
local function read(id, paths)
  local text = data.model(id)
  local built_in = text and lines.new(text)
  local version = folders.version(id, paths)
  if not version or (built_in and version < built_in:meta().apiVersion) then
    return built_in
  end
  local description, more = folders.read(id, version, paths)
  more.base = built_in
  return require("aws.model.botocore").new(description, more)
end

--- The model of a service, by its name in botocore: "ssm", "application-autoscaling".
---@param id string
---@param options table? of a client, whose profile may name folders (aws.model.folders)
---@return aws.Model
--- Raises kind usage, code unknown_service; kind config, code bad_model, for a file of the user.
function model.load(id, options)
  if not id:match("^[%w%-]+$") then
    unknown_service(id, options)
  end
  local paths = folders.paths(options)
  local key = id .. "\0" .. table.concat(paths, "\0")
  if not loaded[key] then
    loaded[key] = new(read(id, paths) or unknown_service(id, options))
  end
  return loaded[key]
end

--- A model from botocore's own form (service-2.json, decoded with awsbak.core.json).
---@param description table
---@param more? table `id`, the service's name; `paginators`, `waiters` and `endpoint_rule_set`:
---  paginators-1.json, waiters-2.json and endpoint-rule-set-1.json decoded; `base`, where what is
---  not among them comes from (aws.Lines)
---@return aws.Model
function model.from_botocore(description, more)
  return new(require("aws.model.botocore").new(description, more or {}))
end

--- A model that a script gives: as from_botocore, with `id`, `paginators`, `waiters` and
--- `endpoint_rule_set` in the same table.
---@param given table
---@return aws.Model
--- Raises kind usage, code bad_model.
function model.given(given)
  local check = require("aws.model.check")
  local fault = check.fault("description", given)
  for _, part in ipairs({ "paginators", "waiters", "endpoint_rule_set" }) do
    local wrong = given[part] ~= nil and check.fault(part, given[part])
    fault = fault or wrong and ("%s: %s"):format(part, wrong)
  end
  if fault then
    errors.raise({
      kind = "usage",
      code = "bad_model",
      message = "what was given is no model: " .. fault,
      hint = "give a service's name, or service-2.json of botocore as a table",
    })
  end
  return model.from_botocore(given, given)
end

local function cached(self, cache, kind, name)
  local made = cache[name]
  if made == nil then
    made = self.source[kind](self.source, name) or false
    cache[name] = made
  end
  return made or nil
end

--- Whether the reply's body is handed out as it comes: a streaming payload, or events.
local function streams(self, op)
  if op.events then
    return true
  end
  local shape = op.output and self:shape(op.output)
  local payload = shape and shape.payload and shape.by_name[shape.payload]
  if not payload then
    return nil
  end
  self:resolve(payload)
  return payload.streaming
end

--- An operation by its name in the model, or nil.
---@param name string "GetParameter"
---@return aws.Operation?
function Model:operation(name)
  local fresh = self.operation_cache[name] == nil
  local op = cached(self, self.operation_cache, "operation", name)
  if op and fresh then
    op.reads = reads.of(self.meta.service_id, op)
    op.streams = streams(self, op)
  end
  return op
end

--- The names of all operations, sorted.
---@return string[]
function Model:operations()
  return self.source:names("o")
end

--- A shape by its name, or the shape that a reference points to; nil for an unknown name.
---@param name string|aws.Ref
---@return aws.Shape?
function Model:shape(name)
  if type(name) == "table" then
    return name.target or self:resolve(name)
  end
  return cached(self, self.shape_cache, "shape", name)
end

-- What a reference takes from its shape when it says nothing itself (botocore/model.py,
-- ShapeResolver.resolve_shape_ref).
local INHERITED = {
  "event_stream",
  "flattened",
  "json_value",
  "location_name",
  "query_name",
  "sensitive",
  "streaming",
  "timestamp_format",
  "xml_attribute",
  "xml_namespace",
}

--- The traits of a shape that references to it take. Most have none, and each is pointed to often.
local function inherited(shape)
  if not shape.inherited then
    shape.inherited = {}
    for _, trait in ipairs(INHERITED) do
      if shape[trait] ~= nil then
        table.insert(shape.inherited, trait)
      end
    end
  end
  return shape.inherited
end

--- The shape a reference points to. From then on `ref.target` is it, and the reference has the
--- traits it did not state itself.
---@param ref aws.Ref
---@return aws.Shape
function Model:resolve(ref)
  if ref.target then
    return ref.target
  end
  local target = assert(self:shape(ref.shape), "the model lacks a shape that it names")
  for _, trait in ipairs(inherited(target)) do
    if ref[trait] == nil then
      ref[trait] = target[trait]
    end
  end
  ref.target = target
  return target
end

--- The rules of the service's endpoints.
---@return aws.RuleSet? nil when the model brings none
function Model:rule_set()
  if self.rules == nil then
    self.rules = self.source:rule_set() or false
  end
  return self.rules or nil
end

---@class aws.Paginator
---@field input_token string[] members that take the tokens
---@field output_token string[] JMESPath of the tokens in the output
---@field result_key string[] JMESPath of what is listed; the first is the main one
---@field more_results string? JMESPath of whether there is more
---@field limit_key string? member that limits a page
---@field non_aggregate_keys string[]? what is the same on each page

--- How to page through an operation's results, or nil.
---@param name string "DescribeParameters"
---@return aws.Paginator?
function Model:paginator(name)
  return self.source:paginator(name)
end

--- The names of all operations that can be paged through, sorted.
---@return string[]
function Model:paginators()
  return self.source:names("p")
end

--- An operation's or a waiter's name as scripts write it: "get_parameter" for "GetParameter".
---@param name string
---@return string
function Model:snake(name)
  self.aliases = self.aliases or self.source:aliases()
  return self.aliases[name] or spelling.snake(name)
end

local function match(self, word, names)
  return spelling.match(word, names, function(name)
    return self:snake(name)
  end)
end

--- The operation a word means: GetParameter, get_parameter or get-parameter.
---@param word string
---@return string? name in the model, nil when there is none
---@return string? nearest the name that is most like it, then
function Model:find(word)
  if self:operation(word) then
    return word
  end
  local guess = ("_" .. word):gsub("[_-](%w)", string.upper)
  local operation = self:operation(guess)
  -- Not by Model:snake, which reads the whole text for aliases.
  if operation and (operation.alias or spelling.snake(guess)) == word:gsub("-", "_") then
    return guess
  end
  return match(self, word, self:operations())
end

--- A waiter by its name in any spelling: { name, operation, delay (s), max_attempts, acceptors }.
---@param word string "parameter_exists"
---@return table? waiter
---@return string? nearest the name that is most like it, when there is none
function Model:waiter(word)
  local name, nearest = match(self, word, self.source:names("w"))
  return name and self.source:waiter(name), nearest
end

--- The names of all waiters, sorted.
---@return string[]
function Model:waiters()
  return self.source:names("w")
end

return model
