--- What the protocols rest-xml and rest-json share: members in paths, query strings and headers.
---
--- Source: botocore/serialize.py (BaseRestSerializer), botocore/parsers.py (BaseRestParser).

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local event_stream = require("aws.protocol.event_stream")
local fault = require("aws.protocol.fault")
local headers = require("awsbak.headers")
local host_prefix = require("aws.protocol.host_prefix")
local json = require("awsbak.core.json")
local reply = require("aws.protocol.reply")
local scalar = require("aws.protocol.scalar")
local sorted = require("awsbak.sorted")

local rest = {}

local function bad_input(code, message, ...)
  errors.raise({ kind = "usage", code = code, message = message:format(...) })
end

--- A path with the labels of its template filled in. An empty label would name another resource.
local function path(m, op, labels)
  return (
    op.uri:match("^[^?]*"):gsub("{(.-)(%+?)}", function(name, greedy)
      local label = labels[name]
      local text = label and scalar.write(m, label.member, label.value, "iso8601") or ""
      if text == "" then
        bad_input("empty_label", "%s of %s is part of the path and cannot be empty", name, op.name)
      end
      return codec.uri(text, greedy == "+")
    end)
  )
end

--- The pairs that a template has after its question mark: "?acl", "?list-type=2".
local function fixed_query(op)
  local pairs_of = {}
  for name, value in (op.uri:match("%?(.*)$") or ""):gmatch("([^&=]+)=?([^&]*)") do
    pairs_of[#pairs_of + 1] = { name, value }
  end
  return pairs_of
end

local function add_query(m, query, member, value)
  local shape = m:shape(member)
  if shape.type == "list" then
    for _, item in ipairs(value) do
      query[#query + 1] = { member.location_name, scalar.write(m, shape.element, item, "iso8601") }
    end
  elseif shape.type == "map" then
    for _, key in ipairs(sorted.keys(value)) do
      local items = type(value[key]) == "table" and value[key] or { value[key] }
      for _, item in ipairs(items) do
        query[#query + 1] = { key, item }
      end
    end
  else
    query[#query + 1] = { member.location_name, scalar.write(m, member, value, "iso8601") }
  end
end

local function add_header(list, name, value)
  if value:find("[\r\n\0]") then
    bad_input("bad_header", "the value for header %s has a line break or a NUL in it", name)
  end
  list[#list + 1] = { name, value }
end

--- A list in one header; texts with commas or quotes are quoted.
local function header_list(m, shape, list)
  local parts = {}
  for i, item in ipairs(list) do
    local text = scalar.write(m, shape.element, item, "rfc822")
    if m:shape(shape.element).type == "string" and text:find('[",]') then
      text = '"' .. text:gsub('"', '\\"') .. '"'
    end
    parts[i] = text
  end
  return table.concat(parts, ",")
end

local function header_value(m, member, value)
  local shape = m:shape(member)
  if shape.type == "list" then
    return #value > 0 and header_list(m, shape, value) or nil
  elseif member.json_value then
    return codec.base64(errors.check(json.encode(value)))
  end
  return scalar.write(m, member, value, "rfc822")
end

local placers = {}

function placers.uri(_, parts, member, value)
  parts.labels[member.location_name] = { member = member, value = value }
end

function placers.query(m, parts, member, value)
  add_query(m, parts.query, member, value)
end

function placers.header(m, parts, member, value)
  local text = header_value(m, member, value)
  if text then
    add_header(parts.headers, member.location_name, text)
  end
end

function placers.headers(_, parts, member, value)
  for _, key in ipairs(sorted.keys(value)) do
    add_header(parts.headers, member.location_name .. key, value[key])
  end
end

--- Put each member where it travels; what is left belongs to the body.
local function place_members(m, op, shape, input)
  local parts = { labels = {}, query = fixed_query(op), headers = {}, body = false }
  for _, member in ipairs(shape and shape.members or {}) do
    local value = input[member.name]
    if value ~= nil and value ~= json.null then
      m:resolve(member)
      local placer = placers[member.location]
      if placer then
        placer(m, parts, member, value)
      else
        parts.body = true
      end
    end
  end
  return parts
end

---@class aws.RestBodies how a protocol of this family writes and reads bodies
---@field format "json"|"xml"
---@field payload fun(m: aws.Model, member: aws.Ref, value: any): string?, string? body, content
---  type; also asked where the member is not given
---@field members fun(m: aws.Model, op: aws.Operation, input: table, any: boolean): string?, string?
---  body and content type of the members without a place; `any`: whether there are some
---@field parse_payload fun(walk: aws.Walk, op: aws.Operation, member: aws.Ref): any
---@field parse_members fun(walk: aws.Walk, op: aws.Operation, shape: aws.Shape): table
---@field parse_nothing fun(walk: aws.Walk, op: aws.Operation) raises when what came instead of an
---  empty body is no answer of the service

local function is_raw(m, member)
  local kind = m:shape(member).type
  return kind == "blob" or kind == "string"
end

local function body_of(m, op, shape, input, any, bodies)
  if not shape then
    return nil
  elseif not shape.payload then
    return bodies.members(m, op, input, any)
  end
  local member, value = shape.by_name[shape.payload], input[shape.payload]
  if is_raw(m, member) then
    return value
  elseif value == json.null then
    value = nil
  end
  return bodies.payload(m, member, value)
end

--- The request of an operation, without endpoint and signature.
---@param m aws.Model
---@param op aws.Operation
---@param input table checked against the model
---@param bodies aws.RestBodies
---@return aws.Request
--- Raises kind usage for values that cannot stand where they belong.
function rest.build(m, op, input, bodies)
  local shape = op.input and m:shape(op.input)
  local parts = place_members(m, op, shape, input)
  local body, content_type = body_of(m, op, shape, input, parts.body, bodies)
  if content_type and not headers.find(parts.headers, "content-type") then
    add_header(parts.headers, "Content-Type", content_type)
  end
  return {
    method = op.method,
    path = path(m, op, parts.labels),
    query = parts.query,
    headers = parts.headers,
    body = body,
    host_prefix = host_prefix.expand(m, op, input),
  }
end

--- The text in quotes that goes on at `at`, and where it ends; nil when it does not.
local function read_quoted(text, at)
  local parts = {}
  while true do
    local plain, mark, after = text:match('^([^"\\]*)(["\\])()', at)
    if not mark then
      return nil
    end
    parts[#parts + 1] = plain
    if mark == '"' then
      return table.concat(parts), after
    end
    local escaped = text:match('^["\\]', after)
    parts[#parts + 1] = escaped or mark
    at = after + #(escaped or "")
  end
end

--- The parts of a list in a header (Smithy, "httpHeader trait"): texts may be in quotes, and an
--- HTTP date has a comma of its own. botocore ends a part at every comma.
local function split_list(text, is_time)
  local parts, at = {}, text:match("^%s*()")
  text = text .. ","
  while at <= #text do
    local part, after
    if text:sub(at, at) == '"' then
      part, after = read_quoted(text, at + 1)
      after = after and text:match("^%s*,%s*()", after)
    elseif is_time then
      part, after = text:match("^(%a+,[^,]-)%s*,%s*()", at)
    end
    if not after then
      part, after = text:match("^(.-)%s*,%s*()", at)
    end
    parts[#parts + 1], at = part, after
  end
  return parts
end

local function read_list(walk, shape, text, place)
  local list = json.array()
  local element = walk.model:shape(shape.element)
  for i, part in ipairs(split_list(text, element.type == "timestamp")) do
    list[i] = scalar.read(walk, element, part, place)
  end
  return list
end

local function read_json(walk, text, place)
  local bytes = codec.unbase64(text)
  local value = bytes and json.decode(bytes)
  if value == nil then
    reply.misshapen(walk, "text that is not base64 of JSON", place)
  end
  return value
end

local function read_header(walk, member, text)
  local shape = walk.model:shape(member)
  if member.json_value then
    return read_json(walk, text, member.name)
  elseif shape.type == "list" then
    return read_list(walk, shape, text, member.name)
  end
  return scalar.read(walk, shape, text, member.name)
end

--- The headers that begin with a prefix, as a map without it.
local function read_header_map(response, prefix)
  local map = {}
  prefix = prefix:lower()
  for _, pair in ipairs(response.headers) do
    if pair[1]:sub(1, #prefix) == prefix then
      map[pair[1]:sub(#prefix + 1)] = pair[2]
    end
  end
  return map
end

--- S3 gives Expires back as it was put, which need not be a time: its text is in ExpiresString too
--- (botocore/handlers.py, handle_expires_header).
local function read_expires(walk, member, text, output)
  output.ExpiresString = text
  output[member.name] = (errors.try(read_header, walk, member, text))
end

---@class aws.Head where the members of a structure are that travel beside its body
---@field by_header table<string, aws.Ref> by the header's name in lower case
---@field texts table<string, string> names of those that are texts as they come, likewise
---@field prefixed aws.Ref[] maps of all headers that begin alike
---@field status aws.Ref[]

-- By shape: an object has 40 members that may be in a header, and its reply brings ten.
local heads = setmetatable({}, { __mode = "k" })

local function head_of(model, shape)
  local head = { by_header = {}, texts = {}, prefixed = {}, status = {} }
  for _, member in ipairs(shape.members) do
    if member.location == "status" then
      table.insert(head.status, member)
    elseif member.location == "headers" then
      table.insert(head.prefixed, member)
    elseif member.location == "header" then
      local name = member.location_name:lower()
      head.by_header[name] = member
      local is_text = model:shape(member).type == "string" and not member.json_value
      head.texts[name] = is_text and member.name or nil
    end
  end
  return head
end

--- Put the members of a structure that travel in the status and in headers into `output`.
---@param walk aws.Walk
---@param shape aws.Shape
---@param output table changed
--- Raises kind reply, code misshapen_reply.
function rest.read_head(walk, shape, output)
  local response, head = walk.response, heads[shape]
  if not head then
    head = head_of(walk.model, shape)
    heads[shape] = head
  end
  for _, member in ipairs(head.status) do
    output[member.name] = response.status
  end
  for _, member in ipairs(head.prefixed) do
    output[member.name] = read_header_map(response, member.location_name)
  end
  local list = response.headers
  for i = #list, 1, -1 do -- so that the first of several stays
    local name, text = list[i][1], list[i][2]
    local plain = head.texts[name]
    local member = not plain and head.by_header[name]
    if plain then
      output[plain] = text
    elseif member and member.name == "Expires" and walk.model.meta.id == "s3" then
      read_expires(walk, member, text, output)
    elseif member then
      output[member.name] = read_header(walk, member, text)
    end
  end
end

--- Add to an error what its shape has in headers.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@param told aws.Fault changed
---@return aws.Fault told
function rest.add_head(m, op, response, told)
  local shape = fault.shape(m, op, told.code)
  if shape then
    told.fields = told.fields or {}
    errors.try(rest.read_head, reply.walk(m, response), shape, told.fields) -- as far as it goes
  end
  return told
end

--- Whether a structure has members that travel in the body.
---@param shape aws.Shape
---@return boolean
function rest.has_body_members(shape)
  for _, member in ipairs(shape.members) do
    if not member.location then
      return true
    end
  end
  return false
end

local function read_body(walk, op, shape, output, bodies)
  local response = walk.response
  local payload = shape.payload and shape.by_name[shape.payload]
  if op.events then
    output[op.events] = event_stream.new(walk, op, response.body, bodies.format)
  elseif payload and (op.streams or is_raw(walk.model, payload)) then
    output[payload.name] = response.body
  elseif payload then
    output[payload.name] = bodies.parse_payload(walk, op, payload)
  elseif rest.has_body_members(shape) then
    for name, value in pairs(bodies.parse_members(walk, op, shape)) do
      output[name] = value
    end
  else
    bodies.parse_nothing(walk, op)
  end
end

--- The output in a reply with a status of success.
---@param m aws.Model
---@param op aws.Operation
---@param response table
---@param bodies aws.RestBodies
---@return table
--- Raises kind reply when it is not what the protocol promises.
function rest.parse(m, op, response, bodies)
  local output, walk = {}, reply.walk(m, response)
  if not op.output then
    bodies.parse_nothing(walk, op)
    return output
  end
  local shape = m:shape(op.output)
  rest.read_head(walk, shape, output)
  if op.method ~= "HEAD" then
    read_body(walk, op, shape, output, bodies)
  end
  return output
end

return rest
