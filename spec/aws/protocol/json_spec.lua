local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local protocol = require("aws.protocol")

local ssm = model.load("ssm")
local speaks = protocol.get(ssm)
local GET = ssm:operation("GetParameter")

local function reply(body, more)
  more = more or {}
  return {
    status = more.status or 200,
    headers = more.headers
      or { { "content-type", "application/x-amz-json-1.1" }, { "x-amzn-requestid", "r-1" } },
    body = body,
  }
end

local function failure(op, ...)
  local output, err = errors.try(speaks.parse, ssm, op, reply(...))
  assert.is_nil(output)
  assert.equal("reply", err.kind)
  return err
end

describe("a request in a JSON protocol", function()
  it("names the operation in a header", function()
    local request = speaks.build(ssm, GET, { Name = "/a", WithDecryption = false })
    assert.equal("POST", request.method)
    assert.equal("/", request.path)
    assert.same({
      { "X-Amz-Target", "AmazonSSM.GetParameter" },
      { "Content-Type", "application/x-amz-json-1.1" },
    }, request.headers)
    assert.equal('{"Name":"/a","WithDecryption":false}', request.body)
  end)

  it("writes blobs, times, empty lists and empty maps", function()
    local kms = model.load("kms")
    assert.equal(
      '{"EncryptionContext":{},"GrantTokens":[],"KeyId":"k","Plaintext":"AP8="}',
      speaks.build(kms, kms:operation("Encrypt"), {
        KeyId = "k",
        Plaintext = "\0\xff",
        EncryptionContext = {},
        GrantTokens = {},
      }).body
    )
    local op = kms:operation("ImportKeyMaterial")
    local input = {
      KeyId = "k",
      ImportToken = "",
      EncryptedKeyMaterial = "",
      ValidTo = "2023-11-14T22:13:20.5Z",
    }
    assert.equal(1700000000.5, json.decode(speaks.build(kms, op, input).body).ValidTo)
  end)

  it("leaves out members that are null", function()
    assert.equal(
      '{"Name":"/a"}',
      speaks.build(ssm, GET, { Name = "/a", WithDecryption = json.null }).body
    )
  end)

  it("says what is wrong with text that is not UTF-8", function()
    local _, err = errors.try(speaks.build, ssm, GET, { Name = "\xff" })
    assert.equal("usage", err.kind)
    assert.equal("utf8", err.code)
  end)
end)

describe("a reply in a JSON protocol", function()
  it("keeps 64-bit integers, times and lists as they are", function()
    local output = speaks.parse(
      ssm,
      GET,
      reply('{"Parameter":{"Version":9007199254740993,"LastModifiedDate":1.7E9},"New":1}')
    )
    assert.equal(9007199254740993, output.Parameter.Version)
    assert.equal(1700000000, output.Parameter.LastModifiedDate)
    assert.is_nil(output.New)
    output = speaks.parse(ssm, ssm:operation("DescribeParameters"), reply('{"Parameters":[]}'))
    assert.equal(json.array_mt, getmetatable(output.Parameters))
    assert.is_nil(output.NextToken)
  end)

  it("takes an empty body only where nothing is promised", function()
    assert.same({}, speaks.parse(ssm, ssm:operation("AddTagsToResource"), reply("")))
    assert.same({}, speaks.parse(ssm, ssm:operation("AddTagsToResource"), reply("{}")))
    local err = failure(GET, "")
    assert.equal("empty_reply", err.code)
    assert.matches("is not the JSON that the service promises", err.message)
  end)

  it("is never taken when a portal or a proxy wrote it", function()
    local page = "<html>\27[31mPlease log in</html>"
    for _, name in ipairs({ "GetParameter", "AddTagsToResource", "DeleteParameter" }) do
      local err =
        failure(ssm:operation(name), page, { headers = { { "content-type", "text/html" } } })
      assert.equal("foreign_reply", err.code)
      assert.matches(
        'text/html, 31 bytes: "<html>\27[31mPlease log in</html>"',
        err.message,
        1,
        true
      )
      assert.is_true(err.retryable)
    end
  end)

  it("is never taken when it is cut short, and its values are not shown", function()
    local text = '{"Parameter":{"Name":"/a","Type":"SecureString","Value":"hunter2","Version":1}}'
    for n = 1, #text - 1 do
      local err = failure(GET, text:sub(1, n))
      assert.equal("foreign_reply", err.code)
      assert.is_nil(tostring(err):find("hunter", 1, true))
      assert.equal("r-1", err.request_id)
    end
  end)

  it("must have the promised shape, and the place where it has not is named", function()
    for body, place in pairs({
      ["[]"] = "a list where a structure is",
      ["null"] = "null where a structure is",
      ['"x"'] = "a string where a structure is",
      ['{"Parameter":[]}'] = "Parameter is a list where a structure is",
      ['{"Parameter":{"Version":"1"}}'] = "Parameter.Version is a string where an integer is",
      ['{"Parameter":{"Version":1.5}}'] = "Parameter.Version is a number where an integer is",
      ['{"Parameter":{"Name":1}}'] = "Parameter.Name is a number where a string is",
      ['{"Parameter":{"LastModifiedDate":"soon"}}'] = "Parameter.LastModifiedDate is a string "
        .. "where a time is",
    }) do
      local err = failure(GET, body)
      assert.equal("misshapen_reply", err.code)
      assert.equal(
        "the reply is not of the shape that the service promises: " .. place .. " promised",
        err.message
      )
    end
    local describe_parameters = ssm:operation("DescribeParameters")
    local err = failure(describe_parameters, '{"Parameters":[{},{"Policies":[{"PolicyText":1}]}]}')
    local place =
      "Parameters%[2%]%.Policies%[1%]%.PolicyText is a number where a string is promised"
    assert.matches(place, err.message)
  end)

  it("gives the text of a document that stands where its text is promised", function()
    local body = '{"Parameters":[{"Policies":[{"PolicyText":{"b":[1],"a":"x"}}]}]}'
    local page = speaks.parse(ssm, ssm:operation("DescribeParameters"), reply(body))
    assert.equal('{"b":[1],"a":"x"}', page.Parameters[1].Policies[1].PolicyText)
  end)
end)

describe("an error in a JSON protocol", function()
  local function fault(body, headers, status)
    return speaks.fault(ssm, GET, reply(body, { status = status or 400, headers = headers or {} }))
  end

  it("has its code without what stands around it", function()
    for written, code in pairs({
      ["ParameterNotFound"] = "ParameterNotFound",
      ["com.amazonaws.ssm#ParameterNotFound"] = "ParameterNotFound",
      ["ParameterNotFound:http://internal.amazon.com/coral/"] = "ParameterNotFound",
      ["aws.api#ParameterNotFound:http://internal/"] = "ParameterNotFound",
    }) do
      assert.equal(code, fault(json.encode({ __type = written, message = "m" })).code)
      for _, body in ipairs({ "{}", "", "<html>" }) do
        assert.equal(code, fault(body, { { "x-amzn-errortype", written } }).code)
      end
    end
  end)

  it("has message, request id and the other members", function()
    local told =
      fault('{"__type":"X","Message":"no","Extra":[1]}', { { "x-amzn-requestid", "r-2" } })
    assert.same(
      { code = "X", message = "no", request_id = "r-2", fields = { Extra = json.array({ 1 }) } },
      told
    )
    assert.equal("no", fault('{"__type":"X","errorMessage":"no"}').message)
    assert.equal("X", fault('{"__type":"X"}').message)
    assert.is_nil(fault("{}", {}, 500).message) -- who raises it says the status
  end)

  it("has the older protocol's code where the service gives one", function()
    local told = fault(
      '{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}',
      { { "x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender" } }
    )
    assert.equal("AWS.SimpleQueueService.NonExistentQueue", told.code)
    assert.equal("QueueDoesNotExist", told.query_code)
    assert.equal(
      "QueueDoesNotExist",
      fault('{"__type":"QueueDoesNotExist"}', { { "x-amzn-query-error", ";;" } }).code
    )
  end)

  it("without a readable body is its status", function()
    local told = fault("<html>Bad gateway</html>", { { "content-type", "text/html" } }, 502)
    assert.equal("502", told.code)
    assert.equal(
      'the service answered with status 502 and text/html, 24 bytes: "<html>Bad gateway</html>"',
      told.message
    )
    assert.equal("the service answered with status 500", fault("", {}, 500).message)
    assert.equal("400", fault("[]").code)
    assert.equal("400", fault('"x"').code)
  end)

  it("of a port for TLS that was asked without says what to do", function()
    local wanted = "the service answered with status 400: its port is for TLS, so the "
      .. "endpoint's URL must begin with https://"
    for server, said in pairs({
      nginx = "<title>400 The plain HTTP request was sent to HTTPS port</title>",
      httpd = "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
      tomcat = "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
    }) do
      assert.equal(wanted, fault(said, {}, 400).message, server)
    end
    assert.not_matches("https", fault("HTTPS port", {}, 400).message)
  end)
end)
