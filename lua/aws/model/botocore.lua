--- A model in botocore's own form (service-2.json), decoded: for models given at run time.
---
--- Gives the same tables as aws.model.lines. Traits: botocore/model.py (Shape.SERIALIZED_ATTRS,
--- METADATA_ATTRS, OperationModel).

local json = require("awsbak.core.json")
local sorted = require("awsbak.sorted")

local botocore = {}

---@class aws.BotocoreModel a decoded model; the methods give what aws.model keeps
---@field description table
---@field more table
local Source = {}
Source.__index = Source

local FLAGS = {
  deprecated = "deprecated",
  document = "document",
  event = "event",
  eventheader = "event_header",
  eventpayload = "event_payload",
  eventstream = "event_stream",
  exception = "exception",
  fault = "fault",
  flattened = "flattened",
  hostLabel = "host_label",
  idempotencyToken = "idempotency",
  jsonvalue = "json_value",
  requiresLength = "requires_length",
  sensitive = "sensitive",
  streaming = "streaming",
  union = "union",
  xmlAttribute = "xml_attribute",
}

local VALUES = {
  enum = "enum",
  locationName = "location_name",
  max = "max",
  min = "min",
  pattern = "pattern",
  payload = "payload",
  queryName = "query_name",
  timestampFormat = "timestamp_format",
}

local LOCATIONS = {
  header = "header",
  headers = "headers",
  querystring = "query",
  statusCode = "status",
  uri = "uri",
}

local function copy(list)
  return table.move(list, 1, #list, 1, {})
end

local function namespace(value)
  if type(value) == "string" then
    return { uri = value }
  end
  return { uri = value.uri, prefix = value.prefix }
end

local function add_error(into, fault)
  into.error_code = fault.code
  into.error_status = fault.httpStatusCode
  into.sender_fault = fault.senderFault or nil
end

--- The traits of a shape or of a reference, into its table.
local function add_traits(into, thing)
  for key, name in pairs(FLAGS) do
    into[name] = thing[key] or nil
  end
  for key, name in pairs(VALUES) do
    local value = thing[key]
    into[name] = type(value) == "table" and copy(value) or value
  end
  if thing.location then
    into.location = LOCATIONS[thing.location]
    into.location_name = thing.locationName or into.name
  end
  into.context = thing.contextParam and thing.contextParam.name
  into.xml_namespace = thing.xmlNamespace and namespace(thing.xmlNamespace)
  into.retryable = thing.retryable and (thing.retryable.throttling and "throttling" or "true")
  if thing.error then
    add_error(into, thing.error)
  end
  return into
end

local function reference(ref, name)
  return add_traits({ name = name, shape = ref.shape }, ref)
end

--- The decoded object has lost the order of its keys: members come sorted by name.
local function add_members(shape, description)
  shape.members, shape.by_name = {}, {}
  for _, name in ipairs(sorted.keys(description.members or {})) do
    local member = reference(description.members[name], name)
    shape.members[#shape.members + 1] = member
    shape.by_name[name] = member
  end
  for _, name in ipairs(description.required or {}) do
    if shape.by_name[name] then
      shape.by_name[name].required = true
    end
  end
end

function Source:shape(name)
  local description = self.description.shapes[name]
  if not description then
    return nil
  end
  local shape = add_traits({ name = name, type = description.type }, description)
  if shape.type == "structure" then
    add_members(shape, description)
  end
  shape.element = description.member and reference(description.member)
  shape.key = description.key and reference(description.key)
  shape.value = description.value and reference(description.value)
  return shape
end

local function checksum(traits)
  return {
    member = traits.requestAlgorithmMember,
    mode = traits.requestValidationModeMember,
    required = traits.requestChecksumRequired or nil,
    response = traits.responseAlgorithms and copy(traits.responseAlgorithms),
  }
end

local function pick(map, field)
  if not map then
    return nil
  end
  local picked = {}
  for name, value in pairs(map) do
    picked[name] = value[field]
  end
  return picked
end

local function error_names(list)
  local names = {}
  for i, ref in ipairs(list or {}) do
    names[i] = ref.shape
  end
  table.sort(names)
  return names
end

local function discovery(traits)
  return traits and (traits.required and "required" or "true")
end

--- The member of an output that is a stream of events, or nil.
local function events_member(shapes, output)
  for name, ref in pairs(output and shapes[output] and shapes[output].members or {}) do
    if shapes[ref.shape] and shapes[ref.shape].eventstream then
      return name
    end
  end
end

function Source:operation(name)
  local op = self.description.operations[name]
  if not op then
    return nil
  end
  local input, output = op.input or {}, op.output or {}
  local status = op.http.responseCode
  return {
    name = name,
    method = op.http.method,
    uri = op.http.requestUri,
    status = status ~= 200 and status or nil,
    input = input.shape,
    input_name = input.locationName,
    input_namespace = input.xmlNamespace and namespace(input.xmlNamespace),
    output = output.shape,
    result_wrapper = output.resultWrapper,
    errors = error_names(op.errors),
    events = events_member(self.description.shapes, output.shape),
    checksum = checksum(op.httpChecksum or {}),
    auth = op.authtype,
    auth_schemes = op.auth and copy(op.auth),
    compression = op.requestcompression and copy(op.requestcompression.encodings),
    context = pick(op.operationContextParams, "path"),
    deprecated = op.deprecated or nil,
    endpoint_discovery = discovery(op.endpointdiscovery),
    endpoint_operation = op.endpointoperation or nil,
    host_prefix = op.endpoint and op.endpoint.hostPrefix,
    idempotent = op.idempotent or nil,
    readonly = op.readonly or nil,
    static = pick(op.staticContextParams, "value"),
    unsigned_payload = op.unsignedPayload or nil,
  }
end

local function as_list(value)
  return type(value) == "table" and copy(value) or { value }
end

--- What the model of the same service says where this one has no file for it.
local function from_base(self, part, method, name)
  local base = not self.more[part] and self.more.base
  return base and base[method](base, name) or nil
end

function Source:paginator(name)
  local all = self.more.paginators and self.more.paginators.pagination or {}
  local pages = all[name]
  if not pages then
    return from_base(self, "paginators", "paginator", name)
  end
  return {
    input_token = as_list(pages.input_token),
    output_token = as_list(pages.output_token),
    result_key = pages.result_key and as_list(pages.result_key),
    limit_key = pages.limit_key,
    more_results = pages.more_results,
    non_aggregate_keys = pages.non_aggregate_keys and as_list(pages.non_aggregate_keys),
  }
end

function Source:waiter(name)
  local all = self.more.waiters and self.more.waiters.waiters or {}
  local waiter = all[name]
  if not waiter then
    return from_base(self, "waiters", "waiter", name)
  end
  local acceptors = {}
  for i, a in ipairs(waiter.acceptors) do
    acceptors[i] =
      { state = a.state, matcher = a.matcher, expected = a.expected, argument = a.argument }
  end
  return {
    name = name,
    operation = waiter.operation,
    delay = waiter.delay,
    max_attempts = waiter.maxAttempts,
    acceptors = acceptors,
  }
end

function Source:names(kind)
  if kind == "o" then
    return sorted.keys(self.description.operations)
  elseif kind == "s" then
    return sorted.keys(self.description.shapes)
  elseif kind == "p" then
    local pages = self.more.paginators and sorted.keys(self.more.paginators.pagination or {})
    return pages or from_base(self, "paginators", "names", "p") or {}
  end
  local waiters = self.more.waiters and sorted.keys(self.more.waiters.waiters or {})
  return waiters or from_base(self, "waiters", "names", "w") or {}
end

--- Exceptions of snake_case are known only for imported models.
---@return table<string, string> as aws.Lines has them
function Source:aliases()
  return self.more.base and self.more.base:aliases() or {}
end

function Source:meta()
  local meta = {}
  for key, value in pairs(self.description.metadata) do
    if getmetatable(value) == json.array_mt or type(value) == "table" and #value > 0 then
      value = table.concat(value, ",")
    elseif type(value) == "table" then
      value = "true"
    end
    meta[key] = value
  end
  for key, param in pairs(self.description.clientContextParams or {}) do
    meta["client." .. key] = param.type
  end
  meta.id = self.more.id or meta.endpointPrefix
  return meta
end

--- The rules of the service's endpoints: a decoded endpoint-rule-set-1.json is one as it stands.
---@return aws.RuleSet?
function Source:rule_set()
  return self.more.endpoint_rule_set or from_base(self, "endpoint_rule_set", "rule_set")
end

--- The model in a decoded service-2.json.
---@param description table
---@param more table `id`, `paginators`, `waiters`, `endpoint_rule_set`
---@return aws.BotocoreModel
function botocore.new(description, more)
  return setmetatable({ description = description, more = more }, Source)
end

return botocore
