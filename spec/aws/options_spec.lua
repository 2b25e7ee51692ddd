local aws = require("aws")
local errors = require("awsbak.errors")
local network = require("spec.support.network")

--- What is raised, which must be the caller's mistake; nothing is sent.
local function mistake(f, ...)
  local _, err = errors.try(f, ...)
  assert.is_true(errors.is(err), "it was taken")
  assert.equal("usage", err.kind, tostring(err))
  return tostring(err)
end

local function s3_with(options)
  local all = { region = "eu-west-1", credentials = network.KEYS }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return aws.client("s3", all)
end

describe("an option of a client", function()
  local WRONG = {
    addressing_style = { 1, "" },
    attempts = { 0, -1, 1.5, "3", 0 / 0, 1 / 0 },
    ca_bundle = { 1, "" },
    config = { {}, "x" },
    context_params = { 1, "x" },
    credentials = { print, "AKID", 1 },
    dry_run = { "false", 0 },
    endpoint_url = { 5, "", {} },
    max_body = { -1, "1", 0.5 },
    no_sign_request = { "no" },
    profile = { 1, "" },
    read_only = { "no", 1 },
    region = { 1, "", {} },
    retry_mode = { 1 },
    timeout = { "x", -1, 0, 0 / 0, 1 / 0 },
    use_dualstack_endpoint = { 1 },
    use_fips_endpoint = { "maybe" },
  }

  for name, values in pairs(WRONG) do
    it(name .. " is refused by its name when it is of the wrong kind", function()
      for _, value in ipairs(values) do
        local said = mistake(s3_with, { [name] = value })
        assert.matches(("the option %s of a client is "):format(name), said, 1, true)
      end
    end)
  end

  it("has a kind, each of them", function()
    for name in pairs(require("aws.options").CLIENT) do
      assert.is_truthy(WRONG[name], name)
    end
  end)

  it("that does not exist is told with the nearest", function()
    local said = mistake(s3_with, { regoin = "x" })
    assert.matches('no option "regoin"; did you mean region?', said, 1, true)
    assert.matches("a client has no option 1; there are", mistake(s3_with, { "x" }), 1, true)
  end)

  it("shows no secret, and no more than the beginning of a text", function()
    local keys = { acces_key_id = "A", secret_access_key = "hunter2" }
    local said = mistake(s3_with, { credentials = keys })
    assert.matches('no option "acces_key_id"; did you mean access_key_id?', said, 1, true)
    assert.is_nil(said:find("hunter2", 1, true))
    said = mistake(s3_with, { timeout = ("x"):rep(5000) .. "hunter2" })
    assert.is_true(#said < 200, said)
  end)
end)

describe("an argument of the wrong kind", function()
  local s3 = s3_with()

  it("is told for every function of a client", function()
    for _, name in ipairs({ "call", "build", "presign", "endpoint", "operation" }) do
      assert.matches("the name of an operation is nothing", mistake(s3[name]), 1, true)
      assert.matches("the name of an operation is 5", mistake(s3[name], 5), 1, true)
    end
    for _, name in ipairs({ "call", "build", "presign", "endpoint" }) do
      assert.matches("the input must be a table", mistake(s3[name], "ListBuckets", "x"), 1, true)
    end
    for _, name in ipairs({ "call", "build", "presign" }) do
      local said = mistake(s3[name], "ListBuckets", {}, "x")
      assert.matches("what is given for the options of a ", said, 1, true)
    end
    assert.matches("the options of a client is 5", mistake(s3.new, 5), 1, true)
  end)

  it("is told for services, listings and waiters", function()
    assert.matches("the service of a client is nothing", mistake(aws.client), 1, true)
    assert.matches("the service of a client is 5", mistake(aws.client, 5), 1, true)
    assert.matches("the options of a client is", mistake(aws.client, "s3", "x"), 1, true)
    assert.matches(
      "the input of ListObjectsV2 is 5",
      mistake(s3.pages.list_objects_v2, 5),
      1,
      true
    )
    assert.matches("the name of an operation is 1", mistake(s3.each[1]), 1, true)
    assert.matches(
      "the name of a waiter is 1",
      mistake(function()
        return s3.wait[1]
      end),
      1,
      true
    )
  end)

  it("is told for the options of calls, waits and presigned URLs", function()
    local calls = { attempts = { 0, "x" }, max_body = { -1, "x" }, timeout = { 0, "x", 0 / 0 } }
    for name, values in pairs(calls) do
      for _, value in ipairs(values) do
        local said = mistake(s3.call, "ListBuckets", {}, { [name] = value })
        assert.matches(("the option %s of a call is "):format(name), said, 1, true)
      end
    end
    local waits = { attempts = { 0 }, delay = { -1, "x", 0 / 0 }, tries = { 0, 1.5, "x" } }
    for name, values in pairs(waits) do
      for _, value in ipairs(values) do
        local said = mistake(s3.wait.bucket_exists, { Bucket = "vault" }, { [name] = value })
        assert.matches(("the option %s of a wait is "):format(name), said, 1, true)
      end
    end
    local said = mistake(s3.presign, "ListBuckets", {}, { expires = "x" })
    assert.matches("a URL cannot be good for x seconds", said, 1, true)
  end)
end)
