-- What a client makes of a network that cuts, lies and storms: an error or another try, never an
-- empty success.

local aws = require("aws")
local errors = require("awsbak.errors")
local http = require("awsbak.http")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local server = require("spec.support.server")

describe("aws.client on a bad network", function()
  local peer, ssm
  local real = { getenv = outside.getenv, sleep = outside.sleep }
  local slept

  setup(function()
    peer = server.start({ ssm = 30 })
  end)

  teardown(function()
    peer:close()
  end)

  before_each(function()
    peer:clear()
    slept = {}
    outside.getenv = function() end
    outside.sleep = function(seconds)
      slept[#slept + 1] = seconds
    end
    log.lines = {}
    ssm = aws.client("ssm", {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
  end)

  after_each(function()
    outside.getenv, outside.sleep = real.getenv, real.sleep
    log.lines = nil
  end)

  local once = { attempts = 1 }

  --- All names of a listing in pages of ten.
  local function names(options)
    local list = {}
    for parameter in ssm.each.get_parameters_by_path({ Path = "/", Recursive = true }, options) do
      list[#list + 1] = parameter.Name
    end
    return list
  end

  --- Call with one try under each of these faults; every call must raise.
  local function all_fail(faults)
    peer:drop() -- what dies silently on a connection used before, curl itself sends once more
    peer:script("DescribeParameters", faults)
    for i, fault in ipairs(faults) do
      local reply, err = aws.try(ssm.describe_parameters, { MaxResults = 2 }, once)
      local shown = "fault " .. i .. ", " .. tostring((next(fault)))
      assert.is_nil(reply, shown)
      assert.is_true(err.kind == "network" or err.kind == "reply", shown .. ": " .. tostring(err))
      assert.equal("DescribeParameters", err.operation)
    end
    assert.equal(#faults, peer:counts().DescribeParameters)
  end

  it("tries again what the model says is worth it", function()
    local dynamodb = aws.client("dynamodb", {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
    local conflict = '{"__type":"com.amazonaws#ReplicatedWriteConflictException"}'
    peer:script("DeleteItem", { { status = 400, body = conflict }, { body = "{}" } })
    dynamodb.delete_item({ TableName = "t", Key = { id = { S = "1" } } })
    assert.equal(2, peer:counts().DeleteItem)
  end)

  it("tells of each request under -vv, and nothing of what was in it", function()
    log.level = "debug"
    finally(function()
      log.level = nil
    end)
    peer:script("GetParameter", { { status = 503 }, { cut = 5 } })
    aws.try(ssm.get_parameter, { Name = "/private/name" }, { attempts = 3 })
    local said = table.concat(log.lines, "\n")
    for attempt, outcome in ipairs({ "503", "cut", "%d+" }) do
      local line = "ssm GetParameter: %s.- after %%d+ ms, attempt %d"
      assert.matches(line:format(outcome, attempt), said)
    end
    assert.matches("ssm GetParameter: attempt 1 failed (ParameterNotFound), next in", said, 1, true)
    assert.is_nil(said:find("private", 1, true) or said:find("AKID", 1, true))
  end)

  it("raises for a reply that is cut at any of its bytes", function()
    local body = http.send(ssm.build("DescribeParameters", { MaxResults = 2 })).body
    peer:clear()
    local faults = {}
    for size = 0, #body - 1 do
      faults[#faults + 1] = { cut = size }
    end
    all_fail(faults)
  end)

  it("raises for a reply in chunks that is cut at any of its bytes", function()
    local body = http.send(ssm.build("DescribeParameters", { MaxResults = 2 })).body
    peer:clear()
    local faults = {}
    for size = 0, #body, 7 do
      faults[#faults + 1] = { chunked = 50, cut = size }
    end
    all_fail(faults)
  end)

  it("raises for a whole message whose JSON is cut", function()
    local body = http.send(ssm.build("DescribeParameters", { MaxResults = 2 })).body
    peer:clear()
    local faults = {}
    for size = 0, #body - 1, 3 do
      faults[#faults + 1] = { body = body:sub(1, size) }
    end
    all_fail(faults)
  end)

  it("raises for a head that is cut, a reset, and bytes that are not HTTP", function()
    all_fail({
      { cut_head = 0 },
      { cut_head = 10 },
      { cut_head = 40 },
      { reset = true },
      { cut = 20, reset = true },
      { raw = "SSH-2.0-OpenSSH_9.2\r\n" },
      { raw = "" },
    })
  end)

  it("raises for a portal's page with status 200, naming what came", function()
    local page = "<html><body>Please sign in</body></html>"
    peer:script("DescribeParameters", {
      { body = page, headers = { ["Content-Type"] = "text/html" }, times = -1 },
    })
    local _, err = aws.try(ssm.describe_parameters, {})
    assert.equal("reply", err.kind)
    assert.matches("text/html", err.message, 1, true)
    assert.matches("sign in", err.message, 1, true)
  end)

  it("tries again when a reply was cut, and loses nothing", function()
    local whole = names()
    assert.equal(30, #whole)
    peer:script("GetParametersByPath", {
      { cut = 40 },
      { pass = true },
      { chunked = 100, cut = 300 },
      { cut_head = 5 },
      { pass = true },
      { cut = 20, reset = true },
    })
    assert.same(whole, names())
    assert.equal(4, #slept)
  end)

  it("raises in the middle of a listing when a page stays broken", function()
    peer:script("GetParametersByPath", { { pass = true }, { cut = 40, times = -1 } })
    local _, err = aws.try(names)
    assert.equal("cut", err.code)
    assert.equal(3, err.attempts)
  end)

  it("raises for a page token that comes twice", function()
    peer:script("GetParametersByPath", { { merge = { NextToken = "page-2" }, times = -1 } })
    local _, err = aws.try(names)
    assert.equal("reply", err.kind)
    assert.equal("repeated_token", err.code)
    assert.equal("ssm", err.service)
    assert.equal(2, peer:counts().GetParametersByPath)
  end)

  it("sits out a short storm of 429 and 5xx, and ends in a long one", function()
    peer:script("GetParametersByPath", { { status = 429, body = "" }, { status = 503, body = "" } })
    assert.equal(30, #names())
    peer:script("GetParametersByPath", { { status = 503, body = "busy", times = -1 } })
    local _, err = aws.try(names)
    assert.equal("service", err.kind)
    assert.equal(503, err.status)
    assert.equal(3, err.attempts)
  end)

  it("stops trying when the quota of a client is used up", function()
    peer:script("GetParameter", { { status = 503, body = "", times = -1 } })
    for _ = 1, 60 do
      aws.try(ssm.get_parameter, { Name = "/a" })
    end
    -- 500 tokens, 14 a retry: 35 retries in all, however many calls.
    assert.equal(60 + 35, peer:counts().GetParameter)
  end)

  it("waits as long as the server asks, within bounds", function()
    peer:script("GetParameter", {
      { status = 503, body = "", headers = { ["x-amz-retry-after"] = "3000" } },
      { status = 503, body = "", headers = { ["Retry-After"] = "100000" } },
      { status = 200, body = "{}" },
    })
    ssm.get_parameter({ Name = "/a" })
    assert.is_true(slept[1] >= 3 and slept[1] < 4)
    assert.is_true(slept[2] >= 5 and slept[2] < 6)
  end)

  it("says what to do about keys, rights and those who answer in AWS's place", function()
    local refusals = {
      { 400, "ExpiredTokenException", "renew the credentials" },
      { 400, "UnrecognizedClientException", "`awsbak doctor`" },
      { 400, "InvalidSignatureException", "this machine's clock" },
      { 400, "AccessDeniedException", "docs/iam.md" },
      { 302, nil, "a network portal" },
      { 407, nil, "a proxy wants credentials" },
    }
    for _, refusal in ipairs(refusals) do
      local status, code, advice = table.unpack(refusal, 1, 3)
      local body = code and ('{"__type":"%s","message":"No."}'):format(code) or "<html>"
      peer:script("GetParameter", { { status = status, body = body } })
      local _, err = aws.try(ssm.get_parameter, { Name = "/a" }, once)
      assert.equal(status, err.status)
      assert.matches(advice, tostring(err), 1, true)
    end
  end)

  it("repeats no secret of the request, and no more than can be read", function()
    local token = "FwoGZXIvYXdzE/+" .. ("t"):rep(200)
    local client = aws.client("s3", {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = {
        access_key_id = "AKIDEXAMPLE",
        secret_access_key = "wJalrXUtnFEMI/K7MDENG",
        session_token = token,
      },
    })
    local in_url = token:gsub("/", "%%2F"):gsub("%+", "%%2B")
    local canonical = ("token:%s&amp;X-Amz-Security-Token=%s secret %s "):format(
      token,
      in_url,
      "wJalrXUtnFEMI/K7MDENG"
    )
    for _, status in ipairs({ 403, 200 }) do -- S3 also fails after it promised success
      peer:script("*", {
        {
          status = status,
          body = "<Error><Code>SignatureDoesNotMatch</Code><Message>"
            .. canonical
            .. ("é"):rep(3000)
            .. "x is wrong with it</Message><CanonicalRequest>"
            .. canonical
            .. "</CanonicalRequest></Error>",
          times = -1,
        },
      })
      local _, err = errors.try(client.copy_object, {
        Bucket = "b",
        Key = "k",
        CopySource = "b/j",
      }, { attempts = 1 })
      assert.equal("SignatureDoesNotMatch", err.code)
      local shown = "token:<secret>&X-Amz-Security-Token=<secret> secret <secret>"
      assert.matches(shown, err.message, 1, true)
      assert.matches("é%.%.%. %(%d+ bytes%) %.%.%.é.*x is wrong with it$", err.message)
      assert.is_truthy(utf8.len(err.message))
      assert.is_true(#err.message < 2100, #err.message)
      for _, text in ipairs({ err.message, err.fields.CanonicalRequest }) do
        assert.is_nil(text:find("FwoGZXIv", 1, true), text)
        assert.is_nil(text:find("wJalrXUt", 1, true), text)
      end
    end
  end)

  it("shows no control character of a hostile answer", function()
    local body = '{"__type":"Evil","message":"\\u001b[2Jgone\\u0000"}'
    peer:script("GetParameter", { { status = 400, body = body } })
    local said = program.run({ "api", "ssm", "get-parameter", "Name=/a" }, {
      env = {
        AWS_ACCESS_KEY_ID = "AKID",
        AWS_SECRET_ACCESS_KEY = "secret",
        AWS_REGION = "us-east-1",
        AWS_ENDPOINT_URL = peer.url,
      },
    }).stderr
    assert.matches("Evil", said)
    assert.matches("\\x1b[2Jgone\\x00", said, 1, true)
    assert.is_nil(said:gsub("\n", ""):find("%c"), said)
  end)

  it("names an address nobody answers at", function()
    local dead = server.start()
    local url = dead.url
    dead:close()
    local lost = ssm.new({
      region = "us-east-1",
      endpoint_url = url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
    local _, err = aws.try(lost.get_parameter, { Name = "/a" })
    assert.is_true(errors.is(err))
    assert.equal("connect", err.code)
    assert.equal(3, err.attempts)
    assert.is_nil(tostring(err):find("secret", 1, true))
  end)
end)
