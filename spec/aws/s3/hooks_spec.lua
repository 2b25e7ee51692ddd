local errors = require("awsbak.errors")
local hooks = require("aws.s3.hooks")
local network = require("spec.support.network")
local outside = require("awsbak.outside")

--- A call to bucket "vault" by a client of eu-west-1.
local function call(changes)
  local c = {
    input = { Bucket = "vault", Key = "k" },
    operation = { name = "GetObject" },
    service = {
      model = {
        operation = function(_, name)
          return { name = name }
        end,
      },
      config = {
        find_region = function()
          return "eu-west-1"
        end,
        route = {},
      },
      endpoint = function(_, asked)
        return {
          url = "https://vault.s3." .. (asked.region or "eu-west-1") .. ".amazonaws.com",
          path = "/",
        }
      end,
    },
  }
  for k, v in pairs(changes or {}) do
    c[k] = v
  end
  return c
end

local function err(code, fields)
  return errors.new({ kind = "service", code = code, message = "refused", fields = fields })
end

local function response(status, region, body)
  return {
    status = status,
    headers = region and { { "x-amz-bucket-region", region } } or {},
    body = body or "",
  }
end

describe("S3 hooks", function()
  it("go to the region that the answer names, and remember it", function()
    local c = call()
    assert.is_true(hooks.correct(c, err("PermanentRedirect"), response(301, "us-west-2")))
    assert.equal("us-west-2", c.region)
    local later = call({ service = c.service })
    hooks.build(later)
    assert.equal("us-west-2", later.region)
  end)

  it("take the region from header or body, for every way S3 says it", function()
    for _, case in ipairs({
      { err("TemporaryRedirect"), response(307, "us-west-2") },
      { err("AuthorizationHeaderMalformed", { Region = "us-west-2" }), response(400) },
      { err("IllegalLocationConstraintException"), response(400, "us-west-2") },
      { err("400"), response(400, "us-west-2"), { name = "HeadObject" } },
      { err("400"), response(400, "us-west-2"), { name = "HeadBucket" } },
      { err("301"), response(301, "us-west-2"), { name = "HeadBucket" } },
    }) do
      local c = call({ operation = case[3] })
      assert.is_true(hooks.correct(c, case[1], case[2]))
      assert.equal("us-west-2", c.region)
    end
  end)

  it("ask for the region, without keys, when the answer does not name it", function()
    local sent
    outside.with({
      send = function(request)
        sent = request
        return response(403, "us-west-2")
      end,
    }, function()
      local c = call({ operation = { name = "HeadObject" } })
      assert.is_true(hooks.correct(c, err("400"), response(400)))
      assert.equal("us-west-2", c.region)
    end)
    assert.equal("HEAD", sent.method)
    assert.same({}, sent.headers)
  end)

  it("leave alone what is no wrong region", function()
    local c = call()
    assert.is_false(hooks.correct(c, err("NoSuchKey"), response(404)))
    assert.is_false(hooks.correct(c, err("AccessDenied"), response(403, "us-west-2")))
    assert.is_false(hooks.correct(c, err("PermanentRedirect"), response(301, "eu-west-1")))
    assert.is_false(hooks.correct(call({ input = {} }), err("x"), response(301, "us-west-2")))
    local point = "arn:aws:s3:us-west-2:123456789012:accesspoint/point"
    -- Their region is in their name.
    for _, bucket in ipairs({ point, "b--use1-az4--x-s3", "b--use1-az4--xa-s3" }) do
      local c2 = call({ input = { Bucket = bucket } })
      assert.is_false(hooks.correct(c2, err("PermanentRedirect"), response(301, "us-west-2")))
    end
    local create = call({ operation = { name = "CreateBucket" } })
    assert.is_false(
      hooks.correct(create, err("IllegalLocationConstraintException"), response(400, "us-west-2"))
    )
  end)

  it("never go to a host that an answer names", function()
    for _, region in ipairs({ "evil.example/", "x.evil.example", "a@b", "" }) do
      assert.is_false(hooks.correct(call(), err("PermanentRedirect"), response(301, region)))
    end
  end)

  it(
    "make the client sign once more, for the region's own host, and at once the next time",
    function()
      local s3
      local sent, slept = network.with({
        { status = 301, headers = { { "x-amz-bucket-region", "us-west-2" } }, body = "" },
        { status = 200, body = "" },
        { status = 200, body = "" },
      }, function()
        s3 = require("aws").client("s3", {
          region = "eu-west-1",
          credentials = { access_key_id = "AKID", secret_access_key = "s" },
        })
        s3.delete_object({ Bucket = "vault", Key = "k" })
        s3.delete_object({ Bucket = "vault", Key = "k2" })
      end)
      assert.same({}, slept)
      local urls = {}
      for i, request in ipairs(sent) do
        urls[i] = request.url
      end
      assert.same({
        "https://vault.s3.eu-west-1.amazonaws.com/k",
        "https://vault.s3.us-west-2.amazonaws.com/k",
        "https://vault.s3.us-west-2.amazonaws.com/k2",
      }, urls)
      assert.truthy(network.headers(sent[2]).authorization:find("/us-west-2/s3/", 1, true))
    end
  )
end)
