local aws = require("aws")
local errors = require("awsbak.errors")
local server = require("spec.support.server")
local stream = require("backup.s3.stream")

local BODY = ("0123456789"):rep(100)

describe("backup.s3.stream", function()
  local fake, s3

  setup(function()
    fake = server.start()
    s3 = aws.client("s3", {
      region = "us-east-1",
      endpoint_url = fake.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
      attempts = 1,
    })
  end)

  teardown(function()
    fake:close()
  end)

  before_each(function()
    fake:clear()
  end)

  --- A reply with the bytes from `first` to `last` of an object.
  local function part(first, last, fault)
    local reply = {
      status = 206,
      body = BODY:sub(first + 1, last + 1),
      headers = { ETag = '"e1"', ["Content-Range"] = ("bytes %d-%d/1000"):format(first, last) },
    }
    for name, value in pairs(fault or {}) do
      reply[name] = value
    end
    return reply
  end

  local function whole(fault)
    local reply = { status = 200, body = BODY, headers = { ETag = '"e1"' } }
    for name, value in pairs(fault or {}) do
      reply[name] = value
    end
    return reply
  end

  local function read(options)
    local object <close> = stream.open(s3, "vault", "k", options)
    local pieces = {}
    for bytes in object do
      pieces[#pieces + 1] = bytes
    end
    return table.concat(pieces)
  end

  local function ranges()
    local list = {}
    for i, request in ipairs(fake:requests()) do
      list[i] = (request.headers.range or "all") .. " " .. (request.headers["if-match"] or "any")
    end
    return list
  end

  it("asks for no range that is none: S3 would give the whole object", function()
    for _, range in ipairs({ "x", "5-4", "-", "", "0-1,3-4", "bytes=0-9" }) do
      local _, err = errors.try(read, { range = range })
      assert.equal("usage", err and err.kind, range)
    end
    assert.same({}, ranges())
  end)

  it("takes no option that there is not", function()
    local _, err = errors.try(stream.open, s3, "vault", "k", { rnge = "0-9" })
    assert.equal("unknown_option", err.code)
    assert.matches("range", err.hint, 1, true)
    _, err = errors.try(stream.open, s3, "vault", "k", { range = 5 })
    assert.equal("bad_argument", err.code)
    assert.equal(0, #fake:requests())
  end)

  it("takes no other bytes for the range that was asked for", function()
    for range, answers in pairs({
      ["0-99"] = { whole(), part(0, 100), part(0, 98), part(1, 99) },
      ["100-"] = { whole(), part(0, 999), part(101, 999), part(100, 998) },
      ["-100"] = { whole(), part(899, 999), part(0, 99) },
    }) do
      for _, answer in ipairs(answers) do
        fake:clear()
        fake:script("GET /vault/k", { answer })
        local _, err = errors.try(read, { range = range })
        assert.equal("range", err.code, range)
        assert.equal("reply", err.kind)
        assert.matches("s3://vault/k: asked for the range " .. range, err.message, 1, true)
      end
    end
    for range, answer in pairs({ ["900-1999"] = part(900, 999), ["-2000"] = part(0, 999) }) do
      fake:clear()
      fake:script("GET /vault/k", { answer })
      assert.equal(answer.body, read({ range = range })) -- the object is shorter
    end
  end)

  it("reads an object whole by one request", function()
    fake:script("GET /vault/k", { whole() })
    assert.equal(BODY, read())
    assert.same({ "all any" }, ranges())
  end)

  it("goes on where the connection broke, in the same object", function()
    fake:script("GET /vault/k", {
      whole({ cut = 400 }),
      part(400, 999, { cut = 100 }),
      part(500, 999),
    })
    assert.equal(BODY, read())
    assert.same({ "all any", 'bytes=400-999 "e1"', 'bytes=500-999 "e1"' }, ranges())
  end)

  it("goes on inside of a range that was asked for", function()
    fake:script("GET /vault/k", { part(900, 999, { cut = 10 }), part(910, 999) })
    assert.equal(BODY:sub(901), read({ range = "-100" }))
    assert.same({ "bytes=-100 any", 'bytes=910-999 "e1"' }, ranges())
  end)

  it("takes nothing from an object that replaced it", function()
    fake:script("GET /vault/k", {
      whole({ cut = 400 }),
      { status = 412, body = "<Error><Code>PreconditionFailed</Code></Error>" },
    })
    local _, e = errors.try(read)
    assert.matches("s3://vault/k was replaced while it was read", e.message, 1, true)
  end)

  it("refuses other bytes than it asked for", function()
    for _, wrong in ipairs({ whole(), part(399, 999), part(400, 998) }) do
      fake:script("GET /vault/k", { whole({ cut = 400 }), wrong })
      local _, e = errors.try(read)
      assert.equal("reply", e.kind)
      assert.equal("range", e.code)
    end
  end)

  it("gives up when nothing comes any more", function()
    fake:script("GET /vault/k", { whole({ cut = 0 }), part(0, 999, { cut = 0, times = -1 }) })
    local _, e = errors.try(read)
    assert.equal("network", e.kind)
    assert.equal(4, #ranges())
  end)

  it("says what is missing, archived or out of range", function()
    for code, said in pairs({
      NoSuchKey = "s3://vault/k does not exist",
      NoSuchBucket = "there is no bucket vault",
      InvalidObjectState = "s3://vault/k is archived",
      InvalidRange = "s3://vault/k has no bytes in the range 5-",
    }) do
      local body = ("<Error><Code>%s</Code><Message>m</Message></Error>"):format(code)
      fake:script("GET /vault/k", { { status = 404, body = body } })
      local _, e = errors.try(read, { range = "5-" })
      assert.matches(said, e.message, 1, true)
    end
  end)
end)
