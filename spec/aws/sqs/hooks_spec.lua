local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local network = require("spec.support.network")

local QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/q"

-- A message that AWS's documentation sends (SDK for JavaScript, "Sending and receiving messages"),
-- with the digests that SQS gave of it.
local BODY = "Information about current NY Times fiction bestseller for week of 12/11/2016."
local BODY_MD5 = "bbdc5fdb8be7251f5c910905db994bab"
local ATTRIBUTES = {
  Title = { DataType = "String", StringValue = "The Whistler" },
  Author = { DataType = "String", StringValue = "John Grisham" },
  WeeksOn = { DataType = "Number", StringValue = "6" },
}
local ATTRIBUTES_MD5 = "d25a6aea97eb8f585bfa92d314504a92"
local OTHER_MD5 = ("0"):rep(32)

local function call(operation, input, reply)
  local output
  input.QueueUrl = QUEUE
  network.with({ { body = json.encode(reply) } }, function()
    local client = aws.client("sqs", { region = "eu-west-1", credentials = network.KEYS })
    output = client.call(operation, input)
  end)
  return output
end

--- Send a message whose reply has other digests than these right ones.
local function send(changes)
  local reply = {
    MessageId = "m-1",
    MD5OfMessageBody = BODY_MD5,
    MD5OfMessageAttributes = ATTRIBUTES_MD5,
    MD5OfMessageSystemAttributes = codec.hex(
      digest.digest("md5", (">s4s4Bs4"):pack("AWSTraceHeader", "String", 1, "Root=1"))
    ),
  }
  for name, value in pairs(changes or {}) do
    reply[name] = value
  end
  return call("SendMessage", {
    MessageBody = BODY,
    MessageAttributes = ATTRIBUTES,
    MessageSystemAttributes = {
      AWSTraceHeader = { DataType = "String", StringValue = "Root=1" },
    },
  }, reply)
end

local function receive(message)
  return call("ReceiveMessage", {}, { Messages = { message } }).Messages[1]
end

local function refused(message, f, ...)
  local output, err = errors.try(f, ...)
  assert.is_nil(output)
  assert.equal("integrity", err.kind)
  assert.equal("sqs", err.service)
  assert.matches(message, err.message, 1, true)
  return err
end

describe("SQS's digests", function()
  it("of a message that was sent agree", function()
    assert.equal("m-1", send().MessageId)
  end)

  it("that do not agree with what was sent are an error, which names the message", function()
    local err = refused("m-1 has another MD5 of its body", send, { MD5OfMessageBody = OTHER_MD5 })
    assert.equal("SendMessage", err.operation)
    refused("m-1 has another MD5 of its attributes", send, { MD5OfMessageAttributes = OTHER_MD5 })
    refused("of its system attributes", send, { MD5OfMessageSystemAttributes = OTHER_MD5 })
  end)

  it("of a batch are those of the entry with the same id", function()
    local entries = { { Id = "a", MessageBody = BODY }, { Id = "b", MessageBody = "other" } }
    local function reply(id)
      local entry = { Id = id, MessageId = "m-" .. id, MD5OfMessageBody = BODY_MD5 }
      return { Successful = { entry } }
    end
    local output = call("SendMessageBatch", { Entries = entries }, reply("a"))
    assert.equal("m-a", output.Successful[1].MessageId)
    refused("message m-b", call, "SendMessageBatch", { Entries = entries }, reply("b"))
  end)

  it("of a message that is received are compared with what came", function()
    local message = { MessageId = "m-2", Body = BODY, MD5OfBody = BODY_MD5 }
    assert.equal(BODY, receive(message).Body)
    message.MessageAttributes, message.MD5OfMessageAttributes = ATTRIBUTES, ATTRIBUTES_MD5
    assert.equal("6", receive(message).MessageAttributes.WeeksOn.StringValue)
    message.MD5OfMessageAttributes = OTHER_MD5
    refused("m-2 has another MD5 of its attributes", receive, message)
    message.Body = BODY .. " "
    refused("message m-2 has another MD5 of its body", receive, message)
  end)

  it("cover bytes and lists", function()
    local lists = {
      a = { DataType = "Binary", BinaryValue = codec.base64("\0\255") },
      b = { DataType = "String", StringListValues = { "x", "yz" } },
      c = { DataType = "Binary", BinaryListValues = { codec.base64("\1") } },
    }
    local bytes = (">s4s4Bs4"):pack("a", "Binary", 2, "\0\255")
      .. (">s4s4Bs4s4"):pack("b", "String", 3, "x", "yz")
      .. (">s4s4Bs4"):pack("c", "Binary", 4, "\1")
    local message = { MessageId = "m-3", MessageAttributes = lists }
    message.MD5OfMessageAttributes = codec.hex(digest.digest("md5", bytes))
    assert.equal("\0\255", receive(message).MessageAttributes.a.BinaryValue)
    lists.b.StringListValues[2] = "y"
    refused("m-3 has another MD5 of its attributes", receive, message)
  end)

  it("are not missed where SQS tells none, nor where there is no MD5", function()
    assert.equal(BODY, receive({ MessageId = "m-4", Body = BODY }).Body)
    local kept = digest.digest
    digest.digest = function(name, bytes)
      if name == "md5" then
        return nil, { kind = "memory", code = "digest" }
      end
      return kept(name, bytes)
    end
    local _restore <close> = setmetatable({}, {
      __close = function()
        digest.digest = kept
      end,
    })
    assert.equal(BODY, receive({ MessageId = "m-5", Body = BODY, MD5OfBody = OTHER_MD5 }).Body)
  end)
end)
