local aws = require("aws")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local network = require("spec.support.network")
local outside = require("awsbak.outside")

local headers_of, with_replies = network.headers, network.with

local function new_ssm(changes)
  local options = { region = "eu-west-1", credentials = network.KEYS }
  for name, value in pairs(changes or {}) do
    options[name] = value
  end
  return aws.client("ssm", options)
end

local function failure(...)
  local ok, err = pcall(...)
  assert.is_false(ok)
  assert.is_true(errors.is(err), tostring(err))
  return err
end

local THROTTLED = { status = 400, body = '{"__type":"ThrottlingException","message":"slow down"}' }

describe("what is said of calls", function()
  local function lines_at(level, replies)
    local before = log.level
    log.level = level
    local _restore <close> = setmetatable({}, {
      __close = function()
        log.level = before
      end,
    })
    local _, _, lines = with_replies(replies, function()
      local ssm = new_ssm()
      for _ = 1, 2 do
        ssm.get_parameter({ Name = "/secret/name", WithDecryption = true })
      end
    end)
    for i, line in ipairs(lines) do
      lines[i] = line:gsub("%d+ ms", "N ms"):gsub("in %d.*", "soon")
    end
    return lines
  end

  local FOUND = {
    body = '{"Parameter":{"Name":"/a","Value":"hunter2"}}',
    headers = { { "x-amzn-requestid", "id-1" } },
  }
  local WHERE = "awsbak: info: ssm: region eu-west-1, "
    .. "endpoint https://ssm.eu-west-1.amazonaws.com, keys from option credentials"

  it("is nothing by default, and where they go under -v", function()
    assert.same({}, lines_at("warning", { FOUND, FOUND }))
    assert.same({ WHERE }, lines_at("info", { FOUND, FOUND }))
  end)

  it("is one line a request under -vv, with nothing that is in it", function()
    local cut = errors.new({ kind = "network", code = "cut", message = "cut", retryable = true })
    assert.same({
      WHERE,
      "awsbak: debug: ssm GetParameter: cut after N ms, attempt 1",
      "awsbak: debug: ssm GetParameter: attempt 1 failed (cut), next soon",
      "awsbak: debug: ssm GetParameter: 200 (request id-1) after N ms, attempt 2",
      "awsbak: debug: ssm GetParameter: 200 (request id-1) after N ms, attempt 1",
    }, lines_at("debug", { cut, FOUND, FOUND }))
  end)
end)

describe("aws.client", function()
  it("sends one signed request and gives the reply's members", function()
    local parameter
    local sent = with_replies({ { body = '{"Parameter":{"Name":"/a","Version":3}}' } }, function()
      parameter = new_ssm().get_parameter({ Name = "/a", WithDecryption = true }).Parameter
    end)
    assert.equal(3, parameter.Version)
    local headers = headers_of(sent[1])
    assert.equal(1, #sent)
    assert.equal("POST", sent[1].method)
    assert.equal("https://ssm.eu-west-1.amazonaws.com/", sent[1].url)
    assert.equal('{"Name":"/a","WithDecryption":true}', sent[1].body)
    assert.equal("AmazonSSM.GetParameter", headers["x-amz-target"])
    assert.equal("20261121T040000Z", headers["x-amz-date"])
    assert.equal("attempt=1; max=3", headers["amz-sdk-request"])
    assert.matches("^awsbak/%d", headers["user-agent"])
    assert.matches("^%x+%-%x+%-4%x+%-[89ab]%x+%-%x+$", headers["amz-sdk-invocation-id"])
    assert.matches("AKIDEXAMPLE/20261121/eu%-west%-1/ssm/aws4_request", headers.authorization)
  end)

  it("asks nothing of the world until a call is made", function()
    local function never()
      error("asked")
    end
    outside.with({ send = never, now = never }, function()
      local ssm
      local before = { getenv = never, list = never, read_file = never, stat = never }
      outside.with(before, function()
        ssm = require("aws.client").new("ssm", {})
      end)
      -- From here on a model of the user may have been looked for.
      assert.equal("2014-11-06", ssm.meta.api_version)
      assert.is_function(ssm.get_parameter)
      ssm.pages.describe_parameters({})
    end)
  end)

  it("takes an operation by any of its names", function()
    local sent = with_replies({ {}, {}, {} }, function()
      local ssm = new_ssm()
      ssm.call("GetParameter", { Name = "/a" })
      ssm.call("get-parameter", { Name = "/a" })
      ssm.call("get_parameter", { Name = "/a" })
    end)
    for _, request in ipairs(sent) do
      assert.equal("AmazonSSM.GetParameter", headers_of(request)["x-amz-target"])
    end
  end)

  it(
    "names the nearest operation, paginator, waiter and option for one that does not exist",
    function()
      local ssm = new_ssm()
      local err = failure(function()
        return ssm.get_paramter
      end)
      assert.equal("unknown_operation", err.code)
      assert.equal(
        'ssm has no operation "get_paramter"; did you mean get_parameter?',
        tostring(err)
      )
      assert.equal("unknown_operation", failure(ssm.call, "GetParamter", {}).code)
      assert.equal(
        "unknown_paginator",
        failure(function()
          ssm.each.get_parameter({ Name = "/a" })
        end).code
      )
      assert.equal(
        "unknown_waiter",
        failure(function()
          ssm.wait.command_execute({})
        end).code
      )
      assert.matches(
        "attempts",
        tostring(failure(ssm.get_parameter, { Name = "/a" }, { atempts = 1 }))
      )
      assert.matches("region", tostring(failure(aws.client, "ssm", { regin = "x" })))
    end
  )

  it("names the nearest service for one that does not exist", function()
    assert.equal("unknown_service", failure(aws.client, "ssmm").code)
    for word, meant in pairs({ s33 = "s3", sso_odic = "sso_oidc", clinet = "client" }) do
      assert.equal(
        ("aws has no service or function %q; did you mean %s?"):format(word, meant),
        tostring(failure(function()
          return aws[word]
        end))
      )
    end
    assert.matches("`awsbak help aws`", failure(function()
      return aws["nothing like it"]
    end).hint)
  end)

  it("names the nearest listing for an operation that is none", function()
    local err = failure(function()
      new_ssm().each.create_patch_baseline({})
    end)
    assert.equal("unknown_paginator", err.code)
    assert.equal("did you mean describe_patch_baselines?", err.hint)
  end)

  it("has the default client of each service as a field", function()
    assert.equal(require("aws.ssm"), aws.ssm)
    assert.equal("sso-oidc", aws.sso_oidc.meta.id)
    assert.equal("signin", aws.signin.meta.id) -- which is no module
    assert.equal(aws.signin, aws.signin)
  end)

  it("sends nothing when the input is wrong", function()
    local sent = with_replies({}, function()
      local err = failure(new_ssm().get_parameter, { Nmae = "/a" })
      assert.equal("usage", err.kind)
      assert.equal("GetParameter", err.operation)
    end)
    assert.same({}, sent)
  end)

  it("gives the request it would send, signed, and sends nothing", function()
    local sent = with_replies({}, function()
      local request = new_ssm().build("GetParameter", { Name = "/a" })
      assert.equal("POST", request.method)
      assert.matches("^AWS4%-HMAC%-SHA256 ", headers_of(request).authorization)
    end)
    assert.same({}, sent)
  end)

  it("builds with the options of a call", function()
    with_replies({}, function()
      local ssm = new_ssm()
      assert.equal(7, ssm.build("GetParameter", { Name = "/a" }, { timeout = 7 }).timeout)
      local err = failure(ssm.build, "GetParameter", { Name = "/a" }, { timout = 7 })
      assert.equal("unknown_option", err.code)
    end)
  end)

  it("tries again under the same invocation id, signed anew", function()
    local sent, slept = with_replies({ THROTTLED, { status = 500, body = "" }, {} }, function()
      new_ssm().get_parameter({ Name = "/a" })
    end)
    assert.equal(2, #slept)
    local first, last = headers_of(sent[1]), headers_of(sent[3])
    assert.equal(first["amz-sdk-invocation-id"], last["amz-sdk-invocation-id"])
    assert.equal("attempt=3; max=3", last["amz-sdk-request"])
    assert.not_equal(first.authorization, last.authorization)
  end)

  it("raises the service's error with all that is known of it", function()
    local err
    with_replies({
      {
        status = 400,
        headers = { { "x-amzn-requestid", "r-1" } },
        body = '{"__type":"ParameterNotFound","message":"no such parameter"}',
      },
    }, function()
      err = failure(new_ssm().get_parameter, { Name = "/a" })
    end)
    assert.equal("service", err.kind)
    assert.equal("ParameterNotFound", err.code)
    assert.equal("no such parameter", err.message)
    assert.equal("ssm", err.service)
    assert.equal("GetParameter", err.operation)
    assert.equal(400, err.status)
    assert.equal("r-1", err.request_id)
    assert.equal(1, err.attempts)
  end)

  it("says which call a network failure ended, and after how many attempts", function()
    local lost = function()
      return errors.new({ kind = "network", code = "connect", message = "cannot connect" })
    end
    local err
    with_replies({ lost(), lost(), lost() }, function()
      err = failure(new_ssm().get_parameter, { Name = "/a" })
    end)
    assert.equal("network", err.kind)
    assert.equal("ssm", err.service)
    assert.equal("GetParameter", err.operation)
    assert.equal(3, err.attempts)
  end)

  it("takes attempts from the call, then from the client", function()
    local sent = with_replies({ THROTTLED }, function()
      failure(new_ssm({ attempts = 1 }).get_parameter, { Name = "/a" })
    end)
    assert.equal("attempt=1; max=1", headers_of(sent[1])["amz-sdk-request"])
    sent = with_replies({ THROTTLED, THROTTLED }, function()
      failure(new_ssm({ attempts = 1 }).get_parameter, { Name = "/a" }, { attempts = 2 })
    end)
    assert.equal("attempt=2; max=2", headers_of(sent[2])["amz-sdk-request"])
  end)

  it("never takes a page of HTML, half a reply or an empty one for success", function()
    for _, body in ipairs({ "<html>sign in</html>", '{"Parameter":{"Name":', "", "[]", "null" }) do
      local reply = { body = body, headers = { { "content-type", "text/html" } } }
      with_replies({ reply, reply, reply }, function()
        local err = failure(new_ssm().get_parameter, { Name = "/a" })
        assert.equal("reply", err.kind, body)
        assert.equal("GetParameter", err.operation)
      end)
    end
  end)

  it("makes up an idempotency token once a call, and keeps the caller's", function()
    local token = ("0123456789ab"):rep(3)
    local sent = with_replies({ { status = 503, body = "" }, {}, {} }, function()
      local ssm = new_ssm()
      ssm.create_patch_baseline({ Name = "base" })
      ssm.create_patch_baseline({ Name = "base", ClientToken = token })
    end)
    assert.equal(sent[1].body, sent[2].body)
    assert.matches('"ClientToken":"%x+%-%x+%-4%x+%-%x+%-%x+"', sent[1].body)
    assert.matches('"ClientToken":"' .. token .. '"', sent[3].body, 1, true)
  end)
end)

describe("aws.client on a failure after promised success", function()
  it("tries again", function()
    local late = { body = "<Error><Code>InternalError</Code><Message>again</Message></Error>" }
    local done = { body = "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>" }
    local sent, slept = with_replies({ late, done }, function()
      local s3 = aws.client("s3", { region = "eu-west-1", credentials = network.KEYS })
      local copy = s3.copy_object({ Bucket = "b", Key = "k", CopySource = "b/j" })
      assert.equal("e", copy.CopyObjectResult.ETag)
    end)
    assert.equal(2, #sent)
    assert.equal(1, #slept)
  end)
end)

describe("aws.client correcting", function()
  local SKEWED = {
    status = 400,
    headers = { { "date", "Sat, 21 Nov 2026 05:00:00 GMT" } },
    body = '{"__type":"InvalidSignatureException","message":"Signature expired"}',
  }

  it("signs with the service's clock once it is known to be another one", function()
    local sent, slept = with_replies({ SKEWED, {}, {} }, function()
      local ssm = new_ssm()
      ssm.get_parameter({ Name = "/a" })
      ssm.get_parameter({ Name = "/b" })
    end)
    assert.same({}, slept)
    assert.equal("20261121T040000Z", headers_of(sent[1])["x-amz-date"])
    assert.equal("20261121T050000Z", headers_of(sent[2])["x-amz-date"])
    assert.equal("20261121T050000Z", headers_of(sent[3])["x-amz-date"])
    assert.equal("attempt=1; max=3", headers_of(sent[2])["amz-sdk-request"])
  end)

  it("signs anew also what was under way when another call learnt of the clock", function()
    local ssm
    local function meanwhile()
      ssm.get_parameter({ Name = "/b" })
      return SKEWED
    end
    local sent, _, logged = with_replies({ meanwhile, SKEWED, {}, {} }, function()
      ssm = new_ssm()
      ssm.get_parameter({ Name = "/a" })
    end)
    assert.equal("20261121T050000Z", headers_of(sent[4])["x-amz-date"])
    assert.matches('"/a"', sent[4].body, 1, true)
    assert.equal(1, #logged)
  end)

  it("believes no clock that comes over plain http, except from this machine", function()
    for _, url in ipairs({ "http://ssm.example", "http://127.0.0.1.evil.example" }) do
      with_replies({ SKEWED }, function()
        local err = failure(new_ssm({ endpoint_url = url }).get_parameter, { Name = "/a" })
        assert.equal("InvalidSignatureException", err.code)
      end)
    end
    with_replies({ SKEWED, {} }, function()
      new_ssm({ endpoint_url = "http://127.0.0.1:4566" }).get_parameter({ Name = "/a" })
    end)
  end)
end)

describe("aws.client with keys that expire", function()
  local EXPIRED = { status = 400, body = '{"__type":"ExpiredTokenException","message":"old"}' }

  --- A source of keys AKID1, AKID2, ...; a new one at every refresh that `can`.
  local function provider(can)
    local self = { number = 1, refreshed = 0 }
    function self.get()
      return { access_key_id = "AKID" .. self.number, secret_access_key = "s" }
    end
    function self.refresh()
      self.refreshed = self.refreshed + 1
      self.number = self.number + 1
      return can
    end
    return self
  end

  it("gets new keys and sends again at once, signed with them", function()
    local keys = provider(true)
    local sent, slept = with_replies({ EXPIRED, {} }, function()
      new_ssm({ credentials = keys }).get_parameter({ Name = "/a" })
    end)
    assert.equal(1, keys.refreshed)
    assert.same({}, slept)
    assert.matches("AKID1/", headers_of(sent[1]).authorization)
    assert.matches("AKID2/", headers_of(sent[2]).authorization)
  end)

  it("does so once a call, then raises", function()
    local keys = provider(true)
    with_replies({ EXPIRED, EXPIRED }, function()
      local err = failure(new_ssm({ credentials = keys }).get_parameter, { Name = "/a" })
      assert.equal("ExpiredTokenException", err.code)
    end)
    assert.equal(1, keys.refreshed)
  end)

  it("keeps the keys when it is something else that is refused", function()
    local keys = provider(true)
    with_replies({ { status = 403, body = '{"__type":"AccessDeniedException"}' } }, function()
      local err = failure(new_ssm({ credentials = keys }).get_parameter, { Name = "/a" })
      assert.equal("AccessDeniedException", err.code)
    end)
    assert.equal(0, keys.refreshed)
  end)

  it("raises when there are no newer keys", function()
    with_replies({ EXPIRED }, function()
      local keys = provider(false)
      local err = failure(new_ssm({ credentials = keys }).get_parameter, { Name = "/a" })
      assert.equal("ExpiredTokenException", err.code)
    end)
  end)
end)

describe("aws.client listing", function()
  local PAGES = {
    { body = '{"Parameters":[{"Name":"/a"},{"Name":"/b"}],"NextToken":"t"}' },
    { body = '{"Parameters":[{"Name":"/c"}]}' },
  }

  it("gives items one by one, and pages", function()
    local seen = {}
    local sent = with_replies({ PAGES[1], PAGES[2] }, function()
      for parameter in new_ssm().each.describe_parameters({ MaxResults = 2 }) do
        seen[#seen + 1] = parameter.Name
      end
    end)
    assert.same({ "/a", "/b", "/c" }, seen)
    assert.equal('{"MaxResults":2,"NextToken":"t"}', sent[2].body)
    with_replies({ PAGES[1], PAGES[2] }, function()
      local pages = 0
      for page in new_ssm().pages.describe_parameters() do
        pages = pages + 1
        assert.is_table(page.Parameters)
      end
      assert.equal(2, pages)
    end)
  end)
end)
