--- Whether a model in botocore's form, from a file or a script, is what aws.model.botocore reads;
--- what is wrong is said with its place: "shapes.Thing.members.Name: `shape` is not text".
---
--- What it is about, not whether AWS would say so: constraints and prose are not looked at. Names
--- go into requests: none has a control character in it.

local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local sorted = require("awsbak.sorted")

local check = {}

--- Raise what is wrong, as a text; caught in `run`.
local function wrong(where, message, ...)
  error(("%s: " .. message):format(where, ...), 0)
end

local function is_object(value)
  return type(value) == "table" and getmetatable(value) ~= json.array_mt
end

local function is_list(value)
  return type(value) == "table" and (#value > 0 or next(value) == nil)
end

local function is_text(value)
  return type(value) == "string" and not value:find("%c")
end

local function is_texts(value)
  if not is_list(value) then
    return false
  end
  for _, item in ipairs(value) do
    if not is_text(item) then
      return false
    end
  end
  return true
end

local function is_path(value)
  return is_text(value) and errors.try(jmespath.compile, value) ~= nil
end

-- What a field may be, and how that is called.
local KINDS = {
  count = {
    "a whole number of at least 1",
    function(value)
      return type(value) == "number" and math.tointeger(value) ~= nil and value >= 1
    end,
  },
  list = { "a list", is_list },
  number = {
    "a number",
    function(value)
      return type(value) == "number"
    end,
  },
  object = { "an object", is_object },
  path = { "a path (JMESPath)", is_path },
  paths = {
    "a path (JMESPath), or a list of such",
    function(value)
      if not is_list(value) then
        return is_path(value)
      end
      for _, item in ipairs(value) do
        if not is_path(item) then
          return false
        end
      end
      return true
    end,
  },
  prose = {
    "text",
    function(value)
      return type(value) == "string"
    end,
  },
  seconds = {
    "a number of seconds",
    function(value)
      return type(value) == "number" and value >= 0 and value < math.huge
    end,
  },
  text = { "text without control characters", is_text },
  texts = { "a list of texts without control characters", is_texts },
  words = {
    "text without control characters, or a list of such",
    function(value)
      return is_text(value) or is_texts(value)
    end,
  },
}

--- Check the fields of an object: { name = kind }, kind ending in "!" when it must be there.
local function fields(where, thing, expected)
  if not is_object(thing) then
    wrong(where, "it is not an object")
  end
  for _, name in ipairs(sorted.keys(expected)) do
    local kind, required = expected[name]:match("^(%a+)(!?)$")
    local value = thing[name]
    if value == nil and required == "!" then
      wrong(where, "`%s` is missing", name)
    elseif value ~= nil and not KINDS[kind][2](value) then
      wrong(where, "`%s` is not %s", name, KINDS[kind][1])
    end
  end
end

--- Call f(where, value, name) for what is in the object `thing[name]`, if it is there.
local function each(where, thing, name, f)
  for _, key in ipairs(sorted.keys(thing[name] or {})) do
    f(("%s.%s.%s"):format(where, name, key), thing[name][key], key)
  end
end

local METADATA = {
  apiVersion = "text!",
  auth = "texts",
  checksumFormat = "text",
  endpointPrefix = "text!",
  globalEndpoint = "text",
  jsonVersion = "text",
  protocol = "text!",
  protocols = "texts",
  serviceAbbreviation = "text",
  serviceFullName = "text",
  serviceId = "text!",
  signatureVersion = "text",
  signingName = "text",
  targetPrefix = "text",
  uid = "text",
  xmlNamespace = "words",
}

local TRAITS = {
  contextParam = "object",
  error = "object",
  location = "text",
  locationName = "text",
  pattern = "prose",
  payload = "text",
  queryName = "text",
  retryable = "object",
  timestampFormat = "text",
}

local LOCATIONS =
  { header = true, headers = true, querystring = true, statusCode = true, uri = true }

local function traits(where, thing)
  fields(where, thing, TRAITS)
  if thing.location and not LOCATIONS[thing.location] then
    wrong(where, 'there is no location "%s"', thing.location)
  elseif thing.contextParam then
    fields(where .. ".contextParam", thing.contextParam, { name = "text!" })
  elseif thing.error then
    fields(where .. ".error", thing.error, { code = "text", httpStatusCode = "number" })
  end
  local namespace = thing.xmlNamespace
  if namespace ~= nil and type(namespace) ~= "string" then
    fields(where .. ".xmlNamespace", namespace, { uri = "text!", prefix = "text" })
  end
end

--- A reference to a shape that is there.
local function reference(shapes, where, ref)
  traits(where, ref)
  fields(where, ref, { shape = "text!" })
  if not shapes[ref.shape] then
    wrong(where, 'there is no shape "%s"', ref.shape)
  end
end

local TYPES = {
  blob = {},
  boolean = {},
  double = {},
  float = {},
  integer = {},
  list = { "member" },
  long = {},
  map = { "key", "value" },
  string = {},
  structure = {},
  timestamp = {},
}

local SHAPE = { type = "text!", enum = "texts", members = "object", required = "texts" }

local function shape_of(shapes, where, shape)
  traits(where, shape)
  fields(where, shape, SHAPE)
  local roles = TYPES[shape.type] or wrong(where, 'there is no type "%s"', shape.type)
  for _, role in ipairs(roles) do
    reference(shapes, where .. "." .. role, shape[role])
  end
  for _, bound in ipairs({ "min", "max" }) do
    if shape[bound] ~= nil then
      fields(where, shape, { [bound] = "number" })
    end
  end
  each(where, shape, "members", function(place, ref, name)
    if type(name) ~= "string" or not name:find("^[%w_.-]+$") then
      wrong(place, "a member's name has letters, digits, _, . and -")
    end
    reference(shapes, place, ref)
  end)
  if shape.payload and not (shape.members or {})[shape.payload] then
    wrong(where, 'its payload "%s" is none of its members', shape.payload)
  end
end

local OPERATION = {
  auth = "texts",
  authtype = "text",
  endpoint = "object",
  endpointdiscovery = "object",
  errors = "list",
  http = "object!",
  httpChecksum = "object",
  operationContextParams = "object",
  requestcompression = "object",
  staticContextParams = "object",
}

local CHECKSUM = {
  requestAlgorithmMember = "text",
  requestValidationModeMember = "text",
  responseAlgorithms = "texts",
}

local HTTP = { method = "text!", requestUri = "text!", responseCode = "number" }

--- What goes into the request line or the host: nothing that would make another of it.
local function address(where, op)
  local http = op.http
  fields(where .. ".http", http, HTTP)
  if not http.method:find("^%u+$") then
    wrong(where, '"%s" is not a method of HTTP', http.method)
  elseif not http.requestUri:find("^/%g*$") then
    wrong(where, '"%s" is not the path of a request', http.requestUri)
  elseif op.endpoint then
    fields(where .. ".endpoint", op.endpoint, { hostPrefix = "text!" })
    if not op.endpoint.hostPrefix:find("^[%w{}.-]+$") then
      wrong(where, "\"%s\" is not the beginning of a host's name", op.endpoint.hostPrefix)
    end
  end
end

local function operation(shapes, where, op, name)
  fields(where, op, OPERATION)
  if not name:find("^%a[%w_]*$") then
    wrong(where, "an operation's name has letters and digits")
  end
  address(where, op)
  for _, side in ipairs({ "input", "output" }) do
    if op[side] ~= nil then
      reference(shapes, where .. "." .. side, op[side])
      if shapes[op[side].shape].type ~= "structure" then
        wrong(where .. "." .. side, "it is not a structure")
      end
    end
  end
  each(where, op, "errors", function(place, ref)
    reference(shapes, place, ref)
  end)
  fields(where .. ".httpChecksum", op.httpChecksum or {}, CHECKSUM)
  fields(where .. ".requestcompression", op.requestcompression or {}, { encodings = "texts" })
  each(where, op, "staticContextParams", function(place, param)
    fields(place, param, {})
  end)
  each(where, op, "operationContextParams", function(place, param)
    fields(place, param, { path = "text!" })
  end)
end

local function description(model)
  fields("it", model, { metadata = "object!", operations = "object!", shapes = "object!" })
  fields("metadata", model.metadata, METADATA)
  if model.metadata.protocol == "json" and not model.metadata.targetPrefix then
    wrong("metadata", "`targetPrefix` is missing, which requests of the protocol json name")
  end
  -- All first, so that a reference is never to something that is no shape.
  for _, name in ipairs(sorted.keys(model.shapes)) do
    fields("shapes." .. name, model.shapes[name], SHAPE)
  end
  for _, name in ipairs(sorted.keys(model.shapes)) do
    shape_of(model.shapes, "shapes." .. name, model.shapes[name])
  end
  for _, name in ipairs(sorted.keys(model.operations)) do
    operation(model.shapes, "operations." .. name, model.operations[name], name)
  end
  for _, name in ipairs(sorted.keys(model.clientContextParams or {})) do
    fields("clientContextParams." .. name, model.clientContextParams[name], { type = "text!" })
  end
end

local PAGINATOR = {
  input_token = "words!",
  limit_key = "text",
  more_results = "path",
  non_aggregate_keys = "paths",
  output_token = "paths!",
  result_key = "paths",
}

local function paginators(file)
  fields("it", file, { pagination = "object!" })
  each("it", file, "pagination", function(where, pages)
    fields(where, pages, PAGINATOR)
  end)
end

local WAITER = {
  acceptors = "list!",
  delay = "seconds!",
  maxAttempts = "count!",
  operation = "text!",
}

local STATES = { failure = true, retry = true, success = true }
local MATCHERS = { error = false, path = true, pathAll = true, pathAny = true, status = false }

local function acceptor(where, a)
  fields(where, a, { argument = "path", matcher = "text!", state = "text!" })
  if not STATES[a.state] then
    wrong(where, 'there is no state "%s"', a.state)
  elseif MATCHERS[a.matcher] == nil then
    wrong(where, 'there is no matcher "%s"', a.matcher)
  elseif MATCHERS[a.matcher] and not a.argument then
    wrong(where, "`argument` is missing")
  elseif type(a.expected) == "table" or type(a.expected) == "userdata" or a.expected == nil then
    wrong(where, "`expected` is not one value")
  end
end

local function waiters(file)
  fields("it", file, { waiters = "object!" })
  each("it", file, "waiters", function(where, waiter)
    fields(where, waiter, WAITER)
    each(where, waiter, "acceptors", acceptor)
  end)
end

local function endpoint_rule_set(file)
  fields("it", file, { parameters = "object!", rules = "list!" })
  each("it", file, "parameters", function(where, parameter)
    fields(where, parameter, { builtIn = "text", type = "text!" })
  end)
end

local FILES = {
  description = description,
  endpoint_rule_set = endpoint_rule_set,
  paginators = paginators,
  waiters = waiters,
}

--- What is wrong with one part of a model, or nil.
---@param part "description"|"paginators"|"waiters"|"endpoint_rule_set"
---@param value any decoded
---@return string?
function check.fault(part, value)
  local ok, message = pcall(FILES[part], value)
  return not ok and message or nil
end

return check
