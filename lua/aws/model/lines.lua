--- A model as tools/import_models.py writes it: one sorted line a thing, read when asked for.
---
--- The form of the lines is described in that tool. A line is found by binary search over the text
--- (awsbak.core.lines), so opening a model of 800 KB parses nothing, and finding a shape takes a
--- microsecond.

local json = require("awsbak.core.json")
local text_lines = require("awsbak.core.lines")

local lines = {}

---@class aws.Lines a model's text; the methods give what aws.model keeps
---@field text string|userdata as awsbak.core.lines takes it
local Lines = {}
Lines.__index = Lines

local function unescape(value)
  if not value:find("%", 1, true) then
    return value
  end
  return (value:gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- A value with commas between its parts, as a list.
local function split(value, separator)
  local parts = {}
  for part in (value .. separator):gmatch("([^" .. separator .. "]*)" .. separator) do
    parts[#parts + 1] = unescape(part)
  end
  return parts
end

local function list(value)
  return split(value, ",")
end

local function number(value)
  return math.tointeger(value) or tonumber(value)
end

local function flag()
  return true
end

local function namespace(value)
  local parts = list(value)
  return { uri = parts[1], prefix = parts[2] }
end

-- What a trait of a shape, or of a reference to one, is called in Lua, and how its value is read.
local TRAITS = {
  as = { "location_name", unescape },
  context = { "context", unescape },
  deprecated = { "deprecated", flag },
  document = { "document", flag },
  enum = { "enum_text", tostring },
  errorCode = { "error_code", unescape },
  errorHttpStatusCode = { "error_status", number },
  errorSenderFault = { "sender_fault", flag },
  event = { "event", flag },
  eventheader = { "event_header", flag },
  eventpayload = { "event_payload", flag },
  eventstream = { "event_stream", flag },
  exception = { "exception", flag },
  fault = { "fault", flag },
  flattened = { "flattened", flag },
  hostLabel = { "host_label", flag },
  idempotencyToken = { "idempotency", flag },
  jsonvalue = { "json_value", flag },
  max = { "max", number },
  min = { "min", number },
  pattern = { "pattern", unescape },
  payload = { "payload", unescape },
  queryName = { "query_name", unescape },
  requiresLength = { "requires_length", flag },
  retryable = { "retryable", unescape },
  sensitive = { "sensitive", flag },
  streaming = { "streaming", flag },
  timestampFormat = { "timestamp_format", unescape },
  union = { "union", flag },
  xmlAttribute = { "xml_attribute", flag },
  xmlNamespace = { "xml_namespace", namespace },
}

local LOCATIONS = { header = true, headers = true, query = true, status = true, uri = true }

--- Put one trait into a shape or a reference.
local function set_trait(into, name, value)
  local trait = TRAITS[name]
  if LOCATIONS[name] then
    into.location, into.location_name = name, unescape(value)
  elseif name == "lower" then
    into.location_name = into.name:sub(1, 1):lower() .. into.name:sub(2)
  else
    into[trait[1]] = trait[2](value)
  end
end

--- The traits of a reference, as they stand behind it: ";trait=value;trait".
local function set_traits(ref, text)
  if text == ";lower" then -- most members of EC2
    set_trait(ref, "lower")
  else
    for name, value in text:gmatch(";(%a+)=?([^;]*)") do
      set_trait(ref, name, value)
    end
  end
  return ref
end

--- "Shape;trait=value" as a reference.
local function reference(text)
  local shape, at = text:match("^([^;]+)()")
  return set_traits({ shape = shape }, text:sub(at))
end

local ROLES = { of = "element", key = "key", value = "value" }

-- The values of an enum become a list when one is asked for: EC2's instance types are 18 KB, and
-- replies are read without them.
local ENUM = {
  __index = function(shape, key)
    if key == "enum" then
      shape.enum = list(shape.enum_text)
      return shape.enum
    end
    return nil
  end,
}

--- Add the members that stand in a line from `at` on: "Name:Shape!;trait=value", where ":Shape" is
--- left out when it is the name, too.
local function add_members(shape, line, at)
  local members, by_name = {}, {}
  for name, target, mark, traits in line:gmatch("([^ :!;]+):?([^ !;]*)(!?)([^ ]*)", at) do
    local member = { name = name, shape = target ~= "" and target or name }
    if mark == "!" then
      member.required = true
    end
    if traits ~= "" then
      set_traits(member, traits)
    end
    members[#members + 1] = member
    by_name[name] = member
  end
  shape.members, shape.by_name = members, by_name
end

local function parse_shape(line)
  local name, kind, at = line:match("^s (%S+) (%S+) ?()")
  local shape = { name = name, type = kind }
  while at <= #line do -- by plain search: an enum of 18 KB is one token
    local key, from = line:match("^(%a+)=()", at)
    if not key then
      break -- members follow
    end
    local stop = line:find(" ", at, true) or #line + 1
    local value = line:sub(from, stop - 1)
    at = stop + 1
    if ROLES[key] then
      shape[ROLES[key]] = reference(value)
    else
      set_trait(shape, key, value)
    end
  end
  if kind == "structure" then
    add_members(shape, line, at)
  end
  return shape.enum_text and setmetatable(shape, ENUM) or shape
end

--- Add "Name:value" to a table of such pairs.
local function pair(into, value, read)
  local parts = split(value, ":")
  into[parts[1]] = read(parts[2])
  return into
end

local function literal(text)
  if text == "true" or text == "false" then
    return text == "true"
  end
  return text:match('^"(.*)"$') or number(text)
end

local function keep(text)
  return text
end

-- What a trait of an operation is called in Lua, and how its value is read, as in TRAITS.
local OPERATION = {
  alias = { "alias", keep },
  auth = { "auth_schemes", list },
  authtype = { "auth", keep },
  compression = { "compression", list },
  deprecated = { "deprecated", flag },
  endpointdiscovery = { "endpoint_discovery", keep },
  endpointoperation = { "endpoint_operation", flag },
  errors = { "errors", list },
  events = { "events", keep },
  hostPrefix = { "host_prefix", unescape },
  idempotent = { "idempotent", flag },
  input = { "input", keep },
  inputAs = { "input_name", unescape },
  inputXmlNamespace = { "input_namespace", namespace },
  output = { "output", keep },
  readonly = { "readonly", flag },
  resultWrapper = { "result_wrapper", keep },
  status = { "status", number },
  unsignedPayload = { "unsigned_payload", flag },
}

-- The same of its checksums, which are a table in it.
local CHECKSUM = {
  checksumMember = { "member", keep },
  checksumMode = { "mode", keep },
  checksumRequired = { "required", flag },
  checksumResponse = { "response", list },
}

-- The same of pairs that it has several of: "context=Bucket:Bucket".
local PAIRS = { context = keep, static = literal }

local function set_operation_trait(op, name, value)
  if PAIRS[name] then
    op[name] = pair(op[name] or {}, value, PAIRS[name])
  elseif CHECKSUM[name] then
    local key, read = table.unpack(CHECKSUM[name])
    op.checksum[key] = read(value)
  else
    local key, read = table.unpack(OPERATION[name])
    op[key] = read(value)
  end
end

local function parse_operation(line)
  local name, method, uri, rest = line:match("^o (%S+) (%S+) (%S+)(.*)$")
  local op = { name = name, method = method, uri = unescape(uri), errors = {}, checksum = {} }
  for key, value in rest:gmatch("(%w+)=(%S*)") do
    set_operation_trait(op, key, value)
  end
  return op
end

local PAGINATOR = {
  input = "input_token",
  keep = "non_aggregate_keys",
  output = "output_token",
  result = "result_key",
}

local function parse_paginator(line)
  local pages = {}
  for key, value in line:gmatch(" (%l+)=(%S*)") do
    if key == "limit" then
      pages.limit_key = unescape(value)
    elseif key == "more" then
      pages.more_results = unescape(value)
    else
      pages[PAGINATOR[key]] = list(value)
    end
  end
  return pages
end

local function parse_acceptor(value)
  local parts = split(value, ":")
  return {
    state = parts[1],
    matcher = parts[2],
    expected = literal(parts[3]),
    argument = parts[4] ~= "" and parts[4] or nil,
  }
end

local function parse_waiter(line)
  local waiter = { name = line:match("^w (%S+)"), acceptors = {} }
  for key, value in line:gmatch(" (%l+)=(%S*)") do
    if key == "accept" then
      table.insert(waiter.acceptors, parse_acceptor(value))
    elseif key == "operation" then
      waiter.operation = value
    else
      waiter[key == "attempts" and "max_attempts" or key] = number(value)
    end
  end
  return waiter
end

--- The model in `text`.
---@param text string|userdata as awsbak.core.lines takes it
---@return aws.Lines
function lines.new(text)
  return setmetatable({ text = text }, Lines)
end

--- The line of that kind ("o", "p", "s", "w") and name.
---@param kind string
---@param name string
---@return string? line
function Lines:find(kind, name)
  return text_lines.find(self.text, kind .. " " .. name .. " ")
end

--- All lines of one kind, as one text.
local function all(self, kind)
  return text_lines.between(self.text, kind .. " ", kind .. "!") -- "!" is the byte after " "
end

local function reader(kind, parse)
  return function(self, name)
    local line = self:find(kind, name)
    return line and parse(line)
  end
end

Lines.operation = reader("o", parse_operation)
Lines.paginator = reader("p", parse_paginator)
Lines.shape = reader("s", parse_shape)
Lines.waiter = reader("w", parse_waiter)

--- All names of one kind ("o", "p", "s", "w"), sorted by bytes.
---@param kind string
---@return string[]
function Lines:names(kind)
  local names = {}
  for name in all(self, kind):gmatch("%l (%S+)[^\n]*\n") do
    names[#names + 1] = name
  end
  return names
end

--- Operations whose snake_case name is an exception, with that name:
--- { ExecutePartiQLBatch = "execute_partiql_batch" }.
---@return table<string, string>
function Lines:aliases()
  local aliases = {}
  local text = all(self, "o")
  -- Found by plain search: a pattern over the whole text takes 30 ms.
  local from, to = text:find(" alias=", 1, true)
  while from do
    local line = text:sub(1, from):match("[^\n]*$")
    aliases[line:match("^o (%S+)")] = text:match("^%S+", to + 1)
    from, to = text:find(" alias=", to, true)
  end
  return aliases
end

--- The metadata as it stands in the model; lists are still text: { apiVersion = "2014-11-06" }.
---@return table<string, string>
function Lines:meta()
  local meta = {}
  for key, value in all(self, "m"):gmatch("m (%S+) ([^\n]*)") do
    meta[key] = unescape(value)
  end
  return meta
end

local function rule_node(self, name)
  local line = self:find("e", name)
  return line and assert(json.decode(line:sub(#name + 4)))
end

--- The rules of the service's endpoints; their nodes are read when evaluation comes to them.
---@return aws.RuleSet? nil when there are none
function Lines:rule_set()
  local set = rule_node(self, ":")
  if not set then
    return nil
  end
  local nodes = {}
  function set.node(name)
    local node = nodes[name]
    if not node then
      node = rule_node(self, name) or error("the endpoint rules lack the node " .. name)
      nodes[name] = node
    end
    return node
  end
  return set
end

return lines
