--- SQS against ElasticMQ, which keeps SQS's limits where moto does not: batches, handles, queues in
--- order, contents.

local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local servers = require("spec.support.servers")

local INVALID <const> = "InvalidAttributeName" -- what SQS calls InvalidParameterValue

local function md5(text)
  return codec.hex(digest.digest("md5", text))
end

describe("sqs against elasticmq", function()
  local server, reason, sqs
  local real = outside.getenv

  setup(function()
    outside.getenv = function() end
    server, reason = servers.start("elasticmq")
    sqs = server and aws.client("sqs", server.options)
  end)

  teardown(function()
    outside.getenv = real
    if server then
      server:close()
    end
  end)

  --- A spec that needs the server.
  local function live(what, f)
    it(what, function()
      if not server then
        pending(reason)
      end
      f()
    end)
  end

  local function queue(name, attributes)
    return sqs.create_queue({ QueueName = name, Attributes = attributes }).QueueUrl
  end

  local function refused(operation, input)
    local found, err = errors.try(sqs.call, operation, input)
    assert.is_nil(found)
    assert.equal("service", err.kind)
    return err.code, err.message
  end

  local function receive(url, more)
    local input = { QueueUrl = url, MaxNumberOfMessages = 10, WaitTimeSeconds = 0 }
    for key, value in pairs(more or {}) do
      input[key] = value
    end
    return sqs.receive_message(input).Messages or {}
  end

  local function bodies(messages)
    local found = {}
    for i, message in ipairs(messages) do
      found[i] = message.Body
    end
    return found
  end

  --- Entries of a batch, numbered.
  local function entries(count, more)
    local made = {}
    for i = 1, count do
      made[i] = { Id = "e" .. i, MessageBody = "body " .. i }
      for key, value in pairs(more or {}) do
        made[i][key] = value
      end
    end
    return made
  end

  live("makes queues with attributes, finds and lists them", function()
    local url = queue("settings", { VisibilityTimeout = "7", DelaySeconds = "0" })
    assert.equal(url, sqs.get_queue_url({ QueueName = "settings" }).QueueUrl)
    local names = { "VisibilityTimeout", "QueueArn" }
    local found = sqs.get_queue_attributes({ QueueUrl = url, AttributeNames = names }).Attributes
    assert.equal("7", found.VisibilityTimeout)
    assert.match(":settings$", found.QueueArn)
    sqs.set_queue_attributes({ QueueUrl = url, Attributes = { VisibilityTimeout = "9" } })
    found = sqs.get_queue_attributes({ QueueUrl = url, AttributeNames = { "All" } }).Attributes
    assert.equal("9", found.VisibilityTimeout)
    sqs.tag_queue({ QueueUrl = url, Tags = { owner = "spec" } })
    assert.same({ owner = "spec" }, sqs.list_queue_tags({ QueueUrl = url }).Tags)
    local listed = {}
    for each in sqs.each.list_queues({ QueueNamePrefix = "set" }) do
      listed[#listed + 1] = each
    end
    assert.same({ url }, listed)
  end)

  live("tells of a queue that is not there", function()
    local code = refused("GetQueueUrl", { QueueName = "nobody" })
    assert.equal("QueueDoesNotExist", code)
  end)

  live("refuses names and attributes that SQS does not take", function()
    assert.equal(INVALID, (refused("CreateQueue", { QueueName = "a b" })))
    assert.equal(INVALID, (refused("CreateQueue", { QueueName = ("n"):rep(81) })))
    local fifo = { QueueName = "order", Attributes = { FifoQueue = "true" } }
    assert.equal(INVALID, (refused("CreateQueue", fifo)))
  end)

  live("tells the digest of what it took, and gives that back", function()
    local url = queue("digests")
    local body = "é 😀 <b> & \n\t" .. ("x"):rep(1000)
    local sent = sqs.send_message({
      QueueUrl = url,
      MessageBody = body,
      MessageAttributes = {
        text = { DataType = "String", StringValue = "é" },
        number = { DataType = "Number", StringValue = "1.5" },
        bytes = { DataType = "Binary", BinaryValue = "\0\255" },
      },
    })
    assert.equal(md5(body), sent.MD5OfMessageBody)
    local message = receive(url, {
      MessageAttributeNames = { "All" },
      MessageSystemAttributeNames = { "All" },
    })[1]
    assert.equal(body, message.Body)
    assert.equal(md5(body), message.MD5OfBody)
    assert.equal(sent.MD5OfMessageAttributes, message.MD5OfMessageAttributes)
    assert.equal("\0\255", message.MessageAttributes.bytes.BinaryValue)
    assert.equal("1.5", message.MessageAttributes.number.StringValue)
    assert.equal("1", message.Attributes.ApproximateReceiveCount)
    sqs.delete_message({ QueueUrl = url, ReceiptHandle = message.ReceiptHandle })
  end)

  live("refuses characters that SQS cannot carry", function()
    local url = queue("characters")
    local input = { QueueUrl = url, MessageBody = "a\1b" }
    assert.equal("InvalidAttributeValue", (refused("SendMessage", input)))
  end)

  live("takes ten entries in a batch, each with an id of its own", function()
    local url = queue("batches")
    local sent = sqs.send_message_batch({ QueueUrl = url, Entries = entries(10) })
    assert.equal(10, #sent.Successful)
    local code = refused("SendMessageBatch", { QueueUrl = url, Entries = entries(11) })
    assert.match("TooManyEntriesInBatchRequest", code)
    code = refused("SendMessageBatch", { QueueUrl = url, Entries = entries(2, { Id = "same" }) })
    assert.match("BatchEntryIdsNotDistinct", code)
    local received = receive(url)
    assert.equal(10, #received)
    local handles = {}
    for i, message in ipairs(received) do
      handles[i] = { Id = "d" .. i, ReceiptHandle = message.ReceiptHandle }
    end
    assert.equal(10, #sqs.delete_message_batch({ QueueUrl = url, Entries = handles }).Successful)
  end)

  live("tells which entries of a batch failed", function()
    local url = queue("partly")
    local batch = entries(3)
    batch[2].MessageBody = "\1"
    local told = sqs.send_message_batch({ QueueUrl = url, Entries = batch })
    assert.equal(2, #told.Successful)
    assert.equal("e2", told.Failed[1].Id)
    assert.equal("InvalidAttributeValue", told.Failed[1].Code)
  end)

  live("refuses handles and numbers that are none", function()
    local url = queue("handles")
    local input = { QueueUrl = url, ReceiptHandle = "none" }
    assert.match("ReceiptHandleIsInvalid", (refused("DeleteMessage", input)))
    local much = { QueueUrl = url, MaxNumberOfMessages = 11 }
    assert.equal("InvalidAttributeValue", (refused("ReceiveMessage", much)))
    local long = { QueueUrl = url, WaitTimeSeconds = 21 }
    assert.equal("InvalidAttributeValue", (refused("ReceiveMessage", long)))
  end)

  live("shows a message again when it is given back", function()
    local url = queue("again", { VisibilityTimeout = "600" })
    sqs.send_message({ QueueUrl = url, MessageBody = "one" })
    local first = receive(url)[1]
    assert.same({}, receive(url))
    local back = { QueueUrl = url, ReceiptHandle = first.ReceiptHandle, VisibilityTimeout = 0 }
    sqs.change_message_visibility(back)
    local second = receive(url, { MessageSystemAttributeNames = { "All" } })[1]
    assert.equal("2", second.Attributes.ApproximateReceiveCount)
    sqs.purge_queue({ QueueUrl = url })
  end)

  live("moves what is received too often to the queue for it", function()
    local dead = queue("dead")
    local asked = { QueueUrl = dead, AttributeNames = { "QueueArn" } }
    local arn = sqs.get_queue_attributes(asked).Attributes.QueueArn
    local policy = ('{"deadLetterTargetArn":"%s","maxReceiveCount":1}'):format(arn)
    local url = queue("living", { RedrivePolicy = policy, VisibilityTimeout = "0" })
    sqs.send_message({ QueueUrl = url, MessageBody = "poison" })
    assert.same({ "poison" }, bodies(receive(url)))
    assert.same({}, receive(url))
    assert.same({ "poison" }, bodies(receive(dead)))
  end)

  live("keeps the order of a group, and takes a message once", function()
    local url = queue("order.fifo", { FifoQueue = "true", ContentBasedDeduplication = "false" })
    local lacking = { QueueUrl = url, MessageBody = "one", MessageDeduplicationId = "1" }
    assert.match("MissingParameter", (refused("SendMessage", lacking)))
    for _, word in ipairs({ "one", "two", "two", "three" }) do
      local sent = sqs.send_message({
        QueueUrl = url,
        MessageBody = word,
        MessageGroupId = "g",
        MessageDeduplicationId = word,
      })
      assert.is_string(sent.MessageId)
    end
    assert.same({ "one", "two", "three" }, bodies(receive(url)))
    assert.same({}, receive(url), "the group is held back while its messages are")
  end)
end)
