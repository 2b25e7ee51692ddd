--- Replies that are streams of events: S3's SelectObjectContent, Logs' StartLiveTail, Lambda's
--- InvokeWithResponseStream.
---
---     for event in reply.Payload do
---       if event.Records then io.write(event.Records.Payload) end
---     end
---
--- An event is a table of one member, as a union is. The stream is closed at its end, or with
--- `<close>`. Format: Smithy, "Amazon Event Stream Specification" (vnd.amazon.eventstream);
--- botocore 1.44.5, eventstream.py and parsers.py (BaseEventStreamParser).

local decode = require("aws.protocol.decode")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local quoted = require("aws.quoted")
local reply = require("aws.protocol.reply")

local event_stream = {}

local PRELUDE = 12 -- bytes: both lengths and their CRC
local MESSAGE_MAX = 24 * 1024 * 1024 -- bytes of a message, as the specification has it
local HEADERS_MAX = 128 * 1024

---@class aws.Events
---@field walk aws.Walk
---@field shape aws.Shape of the stream: its members are the kinds of events
---@field body aws.Reader
---@field format "json"|"xml"
---@field ahead table? a message that was read already
---@field ended boolean whether S3 said that no more would come
---@field done boolean? whether its end was reached
local Events = { __name = "aws.events" }
Events.__index = Events

local function broken(self, what)
  self:close()
  errors.raise({
    kind = "reply",
    code = "event_stream",
    message = "the stream of events is broken: " .. what,
    request_id = reply.request_id(self.walk.response),
    service = self.body.subject.service,
    operation = self.body.subject.operation,
  })
end

--- Exactly `count` bytes, or nil at the end of the stream.
local function take(self, count)
  local parts, size = {}, 0
  while size < count do
    local bytes = self.body:read(count - size)
    if not bytes then
      return size > 0 and broken(self, "it ends within a message") or nil
    end
    parts[#parts + 1], size = bytes, size + #bytes
  end
  return table.concat(parts)
end

local function crc32(bytes)
  return (">I4"):unpack(errors.check(digest.digest("crc32", bytes)))
end

-- How the value of a header is read, by its type: string.unpack formats.
local TYPES = {
  [2] = ">b", -- byte
  [3] = ">i2",
  [4] = ">i4",
  [5] = ">i8",
  [6] = ">s2", -- bytes
  [7] = ">s2", -- text
  [8] = ">i8", -- milliseconds since 1970
  [9] = ">c16", -- UUID
}

local function header_value(kind, bytes, at)
  if kind == 0 or kind == 1 then
    return kind == 0, at
  end
  local value, after = string.unpack(assert(TYPES[kind]), bytes, at)
  return kind == 8 and value / 1000 or value, after
end

--- The headers of a message: { [":event-type"] = "Records" }.
local function read_headers(bytes)
  local headers, at = {}, 1
  while at <= #bytes do
    local name, kind
    name, kind, at = string.unpack(">s1B", bytes, at)
    headers[name], at = header_value(kind, bytes, at)
  end
  return headers
end

--- The next message: { headers, payload }, or nil at the end.
local function next_message(self)
  local prelude = take(self, PRELUDE)
  if not prelude then
    return nil
  end
  local total, header_length, prelude_crc = (">I4I4I4"):unpack(prelude)
  if crc32(prelude:sub(1, 8)) ~= prelude_crc then
    broken(self, "the beginning of a message is not what its checksum says")
  elseif
    total > MESSAGE_MAX
    or header_length > HEADERS_MAX
    or total < PRELUDE + header_length + 4
  then
    broken(self, ("a message of %d bytes with headers of %d"):format(total, header_length))
  end
  local rest = take(self, total - PRELUDE) or broken(self, "it ends within a message")
  if crc32(prelude .. rest:sub(1, -5)) ~= (">I4"):unpack(rest, #rest - 3) then
    broken(self, "a message is not what its checksum says")
  end
  local ok, headers = pcall(read_headers, rest:sub(1, header_length))
  if not ok then
    broken(self, "the headers of a message cannot be read")
  end
  return { headers = headers, payload = rest:sub(header_length + 1, -5) }
end

--- A structure in a payload.
local function decode_payload(self, name, payload)
  if payload == "" then
    return {}
  elseif self.format == "json" then
    local value = decode.json(self.walk, name, payload)
    return value ~= json.null and value or {}
  end
  return decode.xml(self.walk, name, decode.document(self.walk, payload))
end

--- The value of an event: members in headers, one that is the payload, or all in it.
local function event_value(self, shape, message)
  local value, payload = {}, nil
  for _, member in ipairs(shape.members) do
    if member.event_header then
      value[member.name] = message.headers[member.name]
    elseif member.event_payload then
      payload = member
    end
  end
  if payload then
    local kind = self.walk.model:shape(payload).type
    local is_raw = kind == "blob" or kind == "string"
    value[payload.name] = is_raw and message.payload
      or decode_payload(self, payload.shape, message.payload)
    return value
  end
  for name, part in pairs(decode_payload(self, shape.name, message.payload)) do
    value[name] = part
  end
  return value
end

--- Raise the error that a message says.
local function raise_fault(self, code, message, fields)
  self:close()
  local err = errors.new({
    kind = "service",
    code = code,
    message = message or code,
    fields = fields,
    request_id = reply.request_id(self.walk.response),
    service = self.body.subject.service,
    operation = self.body.subject.operation,
  })
  quoted.fault(err)
  error(err, 0)
end

local function raise_exception(self, message)
  local name = message.headers[":exception-type"] or "unknown"
  local member = self.shape.by_name[name]
  local shape = member and self.walk.model:shape(member)
  local fields = shape and errors.try(decode_payload, self, shape.name, message.payload) or {}
  raise_fault(self, shape and (shape.error_code or shape.name) or name, fields.message, fields)
end

--- An event out of a message; nil for one that carries none.
local function to_event(self, message)
  local headers = message.headers
  local kind = headers[":message-type"]
  if kind == "error" then
    raise_fault(self, headers[":error-code"] or "unknown", headers[":error-message"])
  elseif kind == "exception" then
    raise_exception(self, message)
  elseif kind ~= "event" then
    broken(self, ("a message of type %s"):format(tostring(kind)))
  end
  local name = headers[":event-type"]
  if name == "initial-response" then
    return nil
  end
  local member = self.shape.by_name[name]
  if not member then
    return { SDK_UNKNOWN_MEMBER = { name = name } } -- of a newer service
  end
  self.ended = self.ended or name == "End"
  return { [name] = event_value(self, self.walk.model:shape(member), message) }
end

--- The next event, nil after the last.
---@return table<string, table>? event of one member
--- Raises kind reply, code event_stream, when the stream is broken or cut; kind service when an
--- event is an error; as reading a body does.
function Events:next()
  while not self.done do
    local message = self.ahead or next_message(self)
    self.ahead = nil
    if not message then
      -- S3 says when it is done: a stream without that was cut at the end of a message.
      if self.walk.model.meta.id == "s3" and not self.ended then
        broken(self, "it ends before the last event")
      end
      self.done = true
      self:close()
      return nil
    end
    local event = to_event(self, message)
    if event then
      return event
    end
  end
end

Events.__call = Events.next

--- Close the stream: what was not read is thrown away.
function Events:close()
  if self.body and self.body.close then
    self.body:close()
  end
end

Events.__close = Events.close

--- What protocols without a head say first, in an event of its own: the other members of the
--- output.
---@return table
function Events:initial()
  local message = next_message(self)
  if message and message.headers[":event-type"] == "initial-response" then
    return decode_payload(self, self.output, message.payload)
  end
  self.ahead = message
  return {}
end

--- The events in a reply's body.
---@param walk aws.Walk
---@param op aws.Operation
---@param body aws.Reader
---@param format "json"|"xml" of payloads
---@return aws.Events
function event_stream.new(walk, op, body, format)
  local output = walk.model:shape(op.output)
  return setmetatable({
    walk = walk,
    shape = walk.model:shape(output.by_name[op.events]),
    output = op.output,
    body = body,
    format = format,
    ended = false,
  }, Events)
end

return event_stream
