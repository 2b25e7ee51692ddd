--- DynamoDB against dynalite, which checks what moto lets pass: keys, numbers, sets, sizes,
--- expressions, batches, and pages of a megabyte.

local aws = require("aws")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local servers = require("spec.support.servers")

local ITEMS <const> = 40
local BIG <const> = ("x"):rep(60000) -- 40 of them are three pages of a megabyte

describe("dynamodb against dynalite", function()
  local server, reason, dynamodb
  local real = outside.getenv

  local function name(i)
    return { S = ("k%02d"):format(i) }
  end

  local function fill()
    for first = 1, ITEMS, 10 do
      local puts = {}
      for i = first, first + 9 do
        local item = { k = name(i), r = { N = tostring(i) }, text = { S = BIG } }
        puts[#puts + 1] = { PutRequest = { Item = item } }
      end
      local reply = dynamodb.batch_write_item({ RequestItems = { big = puts } })
      assert.same({}, reply.UnprocessedItems)
    end
  end

  setup(function()
    outside.getenv = function() end
    server, reason = servers.start("dynalite")
    if not server then
      return
    end
    dynamodb = aws.client("dynamodb", server.options)
    for _, table_name in ipairs({ "items", "big" }) do
      dynamodb.create_table({
        TableName = table_name,
        AttributeDefinitions = {
          { AttributeName = "k", AttributeType = "S" },
          { AttributeName = "r", AttributeType = "N" },
        },
        KeySchema = {
          { AttributeName = "k", KeyType = "HASH" },
          { AttributeName = "r", KeyType = "RANGE" },
        },
        ProvisionedThroughput = { ReadCapacityUnits = 5, WriteCapacityUnits = 5 },
      })
      dynamodb.wait.table_exists({ TableName = table_name }, { delay = 0.02, tries = 100 })
    end
    fill()
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

  --- The error of a call that the service refuses.
  local function refused(operation, input)
    local found, err = errors.try(dynamodb.call, operation, input)
    assert.is_nil(found)
    assert.equal("service", err.kind)
    assert.is_string(err.request_id)
    return err
  end

  local function refused_item(item)
    local err = refused("PutItem", { TableName = "items", Item = item })
    assert.equal("ValidationException", err.code)
    return err.message
  end

  live("refuses items that are none, and says why", function()
    local key = { k = { S = "k" }, r = { N = "1" } }
    local function with(value)
      return { k = key.k, r = key.r, value = value }
    end
    assert.match("Missing the key k", refused_item({ r = { N = "1" } }))
    assert.match("Type mismatch for key r", refused_item({ k = key.k, r = { S = "1" } }))
    assert.match("empty", refused_item({ k = { S = "" }, r = key.r }))
    assert.match("set  may not be empty", refused_item(with({ SS = json.array() })))
    assert.match("duplicates", refused_item(with({ SS = { "a", "a" } })))
    assert.match("numeric value", refused_item(with({ N = "one" })))
    assert.match("38 significant digits", refused_item(with({ N = ("9"):rep(39) })))
    assert.match("Number overflow", refused_item(with({ N = "1e200" })))
    assert.match("Item size", refused_item(with({ S = ("x"):rep(400 * 1024) })))
  end)

  live("keeps values of every type as they were", function()
    local item = {
      k = { S = "é\0😀" },
      r = { N = "-1.5" },
      digits = { N = "12345678901234567890123456789012345678" },
      bytes = { B = "\0\255\n" },
      numbers = { NS = { "1", "2.5" } },
      blobs = { BS = { "\1", "\2" } },
      list = { L = { { NULL = true }, { M = { ["a b"] = { BOOL = false } } } } },
      nothing = { L = json.array() },
      empty = { S = "" },
    }
    dynamodb.put_item({ TableName = "items", Item = item })
    local found = dynamodb.get_item({ TableName = "items", Key = { k = item.k, r = item.r } }).Item
    for _, set in ipairs({ found.numbers.NS, found.blobs.BS }) do
      table.sort(set)
    end
    assert.same(item, found)
  end)

  live("writes on a condition, or tells that it did not hold", function()
    local key = { k = { S = "condition" }, r = { N = "1" } }
    local once = {
      TableName = "items",
      Item = { k = key.k, r = key.r, n = { N = "1" } },
      ConditionExpression = "attribute_not_exists(k)",
    }
    dynamodb.put_item(once)
    assert.equal("ConditionalCheckFailedException", refused("PutItem", once).code)
    local function add(expected)
      return {
        TableName = "items",
        Key = key,
        UpdateExpression = "SET #n = #n + :one",
        ConditionExpression = "#n = :expected",
        ExpressionAttributeNames = { ["#n"] = "n" },
        ExpressionAttributeValues = { [":one"] = { N = "1" }, [":expected"] = { N = expected } },
        ReturnValues = "ALL_NEW",
      }
    end
    assert.same({ N = "2" }, dynamodb.update_item(add("1")).Attributes.n)
    assert.equal("ConditionalCheckFailedException", refused("UpdateItem", add("1")).code)
    local gone = dynamodb.delete_item({ TableName = "items", Key = key, ReturnValues = "ALL_OLD" })
    assert.same({ N = "2" }, gone.Attributes.n)
  end)

  live("refuses expressions with names that are not used or not given", function()
    local scan = { TableName = "items", FilterExpression = "#a = :a" }
    local message = refused("Scan", scan).message
    assert.match("attribute name used in the document path is not defined", message)
    scan.ExpressionAttributeNames = { ["#a"] = "a", ["#b"] = "b" }
    scan.ExpressionAttributeValues = { [":a"] = { N = "1" } }
    assert.match("unused in expressions: keys: {#b}", refused("Scan", scan).message)
    scan.FilterExpression = "#a =="
    assert.match("Syntax error", refused("Scan", scan).message)
  end)

  live("takes 25 writes in a batch, and no key twice", function()
    local function batch(count, key_of)
      local puts = {}
      for i = 1, count do
        puts[i] = { PutRequest = { Item = { k = key_of(i), r = { N = "1" } } } }
      end
      return { RequestItems = { items = puts } }
    end
    assert.same({}, dynamodb.batch_write_item(batch(25, name)).UnprocessedItems)
    assert.match("less than or equal to 25", refused("BatchWriteItem", batch(26, name)).message)
    local same = batch(2, function()
      return name(1)
    end)
    assert.match("duplicates", refused("BatchWriteItem", same).message)
  end)

  live("reads 100 keys in a batch, and what it leaves over when asked again", function()
    local keys = {}
    for i = 1, 101 do
      keys[i] = { k = name(i), r = { N = tostring(i) } }
    end
    local input = { RequestItems = { big = { Keys = keys } } }
    assert.match("less than or equal to 100", refused("BatchGetItem", input).message)
    keys[101] = nil
    local found, calls = 0, 0
    while next(input.RequestItems) do
      local reply = dynamodb.batch_get_item(input)
      found, calls = found + #reply.Responses.big, calls + 1
      input.RequestItems = reply.UnprocessedKeys
    end
    assert.equal(ITEMS, found)
    assert.is_true(calls > 1)
  end)

  --- The keys that a scan gives, and in how many pages.
  local function scanned(input)
    local found, pages = {}, 0
    for page in dynamodb.pages.scan(input) do
      pages = pages + 1
      for _, item in ipairs(page.Items) do
        assert.is_nil(found[item.k.S], "an item twice")
        found[item.k.S] = true
      end
    end
    local keys = {}
    for key in pairs(found) do
      keys[#keys + 1] = key
    end
    return keys, pages
  end

  live("gives pages of a megabyte, and all items in them", function()
    local keys, pages = scanned({ TableName = "big" })
    assert.equal(ITEMS, #keys)
    assert.equal(3, pages)
  end)

  live("gives pages of the wanted size, and the last one empty", function()
    local keys, pages = scanned({ TableName = "big", Limit = 8, ProjectionExpression = "k" })
    assert.equal(ITEMS, #keys)
    assert.equal(6, pages)
  end)

  live("gives each item in one of the segments of a scan", function()
    local count = 0
    for segment = 0, 3 do
      local input = { TableName = "big", Segment = segment, TotalSegments = 4, Limit = 3 }
      count = count + #scanned(input)
    end
    assert.equal(ITEMS, count)
    local wrong = { TableName = "big", Segment = 4, TotalSegments = 4 }
    assert.match("less than parameter TotalSegments", refused("Scan", wrong).message)
  end)

  live("tells of every reply its checksum, and a changed one is refused", function()
    local send = outside.send
    local input = { TableName = "big", Key = { k = name(1), r = { N = "1" } } }
    local crc
    local _, err
    outside.with({
      send = function(request)
        local response = send(request)
        crc = headers.find(response.headers, "x-amz-crc32")
        response.body = response.body:gsub("xx", "xy", 1)
        return response
      end,
    }, function()
      _, err = errors.try(dynamodb.get_item, input, { attempts = 1 })
    end)
    assert.match("^%d+$", crc)
    assert.equal("integrity", err.kind)
    assert.equal(BIG, dynamodb.get_item(input).Item.text.S)
  end)

  live("does not know what it has not: that is an error with its code", function()
    assert.equal("ResourceNotFoundException", refused("DescribeTable", { TableName = "none" }).code)
    local backup = { TableName = "items", BackupName = "name" }
    assert.equal("UnknownOperationException", refused("CreateBackup", backup).code)
  end)
end)
