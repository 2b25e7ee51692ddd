--- Messages compared with the MD5s that SQS tells of them: of those sent, as they arrived there; of
--- those received, as it keeps them.
---
--- Of attributes: "Calculating the MD5 message digest for message attributes", Amazon SQS Developer
--- Guide, sqs-message-metadata.html. When: as the AWS SDK for Java does, in its
--- MessageMD5ChecksumInterceptor, and botocore does not. Where libcrypto has no MD5 (FIPS), nothing
--- is compared.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")

local hooks = {}

-- What a value can be, in the order in which the first there is counts, with its transport type.
local VALUES = {
  { "StringValue", 1 },
  { "BinaryValue", 2 },
  { "StringListValues", 3 },
  { "BinaryListValues", 4 },
}

local function encode_value(attribute)
  for _, kind in ipairs(VALUES) do
    local value = attribute[kind[1]]
    if type(value) == "table" and #value > 0 then
      return ("B"):pack(kind[2]) .. (">" .. ("s4"):rep(#value)):pack(table.unpack(value))
    elseif type(value) == "string" then
      return (">Bs4"):pack(kind[2], value)
    end
  end
  return ""
end

--- Attributes as one string of bytes, whose MD5 it is.
local function encode(attributes)
  local parts = {}
  for i, name in ipairs(sorted.keys(attributes)) do
    local attribute = attributes[name]
    parts[i] = (">s4s4"):pack(name, attribute.DataType) .. encode_value(attribute)
  end
  return table.concat(parts)
end

local function compare(call, told, bytes, what, id)
  local found = digest.digest("md5", bytes) -- none where FIPS rules
  if not found or codec.hex(found) == told then
    return
  end
  errors.raise({
    kind = "integrity",
    code = "checksum",
    message = ("message %s has another MD5 of its %s than SQS says"):format(id, what),
    hint = "it was altered between here and SQS; do not use this copy",
    service = call.subject.service,
    operation = call.subject.operation,
    retryable = false, -- it would be sent twice, or be another one
  })
end

-- The MD5 in a reply, the member it is of, and how people call that.
local COMPARED = {
  { "MD5OfMessageBody", "MessageBody", "body" },
  { "MD5OfBody", "Body", "body" },
  { "MD5OfMessageAttributes", "MessageAttributes", "attributes" },
  { "MD5OfMessageSystemAttributes", "MessageSystemAttributes", "system attributes" },
}

--- Compare what `reply` tells with what `message` says.
local function check(call, reply, message)
  for _, row in ipairs(COMPARED) do
    local told, member = reply[row[1]], message[row[2]]
    if told and member then
      local bytes = type(member) == "table" and encode(member) or member
      compare(call, told, bytes, row[3], reply.MessageId)
    end
  end
end

local checks = {}

function checks.SendMessage(call, output)
  check(call, output, call.input)
end

function checks.SendMessageBatch(call, output)
  local sent = {}
  for _, entry in ipairs(call.input.Entries) do
    sent[entry.Id] = entry
  end
  for _, entry in ipairs(output.Successful or {}) do
    check(call, entry, sent[entry.Id] or {})
  end
end

function checks.ReceiveMessage(call, output)
  for _, message in ipairs(output.Messages or {}) do
    check(call, message, message)
  end
end

--- Check the messages of a call.
---@param call aws.Call
---@param output table
--- Raises kind integrity, code checksum, and names the message.
function hooks.output(call, output)
  local checked = checks[call.operation.name]
  if checked then
    checked(call, output)
  end
end

return hooks
