local aws = require("aws")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local reader = require("aws.reader")
local server = require("spec.support.server")
local task = require("awsbak.task")

describe("aws.reader", function()
  local peer, s3
  local getenv = outside.getenv

  setup(function()
    peer = server.start()
  end)

  teardown(function()
    peer:close()
  end)

  before_each(function()
    peer:clear()
    peer:drop()
    outside.getenv = function() end
    log.lines = {}
    s3 = aws.client("s3", {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
  end)

  after_each(function()
    outside.getenv = getenv
    log.lines = nil
  end)

  --- The body of an object whose reply is `fault`.
  local function open(fault)
    peer:script("GET /vault/k", { fault })
    return s3.get_object({ Bucket = "vault", Key = "k" }, { attempts = 1 }).Body
  end

  it("gives lines without their ends, whatever ends them", function()
    local lines = {}
    local body <close> = open({ body = "one\r\ntwo\n\nlast", chunked = 2 })
    for line in body:lines() do
      lines[#lines + 1] = line
    end
    assert.same({ "one", "two", "", "last" }, lines)
  end)

  it("gives a last line without the CR before its missing LF", function()
    local body <close> = open({ body = "one\r\nlast\r" })
    local each = body:lines()
    assert.same({ "one", "last" }, { each(), each() })
    assert.is_nil(each())
  end)

  it("puts a line together from many pieces, and looks at each byte once", function()
    local looked_at, left = 0, 64
    local source = {
      read = function()
        left = left - 1
        return {
          piece = left > 0 and ("x"):rep(1000) or left == 0 and "\nend" or nil,
        }
      end,
      close = function() end,
    }
    local find, await = string.find, task.await
    finally(function()
      string.find, task.await = find, await -- luacheck: ignore 122
    end)
    task.await = function(op)
      return op.piece
    end
    string.find = function(s, pattern, at, ...) -- luacheck: ignore 122
      looked_at = looked_at + (pattern == "\n" and #s - at + 1 or 0)
      return find(s, pattern, at, ...)
    end
    local subject = { service = "s3", operation = "GetObject" }
    local each = reader.new({ reader = source }, subject):lines()
    local line, rest = each(), each()
    assert.same({ 63000, "end" }, { #line, rest })
    assert.is_true(looked_at < 70000, "looked at " .. looked_at .. " bytes")
  end)

  describe("store", function()
    local file = require("awsbak.core.file")
    local digest, codec = require("awsbak.core.digest"), require("awsbak.core.codec")
    local spool

    before_each(function()
      spool = assert(file.spool())
      task.await(spool:resize(10))
    end)

    after_each(function()
      spool:close()
    end)

    it("lets the body go into a file, with a digest", function()
      local body <close> = open({ body = "0123456789" })
      local sum = body:store(assert(spool:region(0, 10)), "sha256")
      assert.equal(digest.digest("sha256", "0123456789"), sum)
      assert.equal("0123456789", task.await(spool:read(20, 0)))
      assert.is_nil(body:read())
    end)

    it("checks what the reply says of its checksum, and gives the digest asked for", function()
      local crc = codec.base64(digest.digest("crc32", "0123456789"))
      local headers = { { "x-amz-checksum-crc32", crc } }
      local body <close> = open({ body = "0123456789", headers = headers })
      local sum = body:store(assert(spool:region(0, 10)), "crc64nvme")
      assert.equal(digest.digest("crc64nvme", "0123456789"), sum)
      local other <close> = open({ body = "0123456780", headers = headers })
      local got, err = aws.try(other.store, other, assert(spool:region(0, 10)))
      assert.is_nil(got)
      assert.same({ "integrity", "checksum" }, { err.kind, err.code })
    end)

    it("takes the whole or nothing, and says whose reply failed", function()
      local body <close> = open({ body = "0123456789", cut = 4 })
      local got, err = aws.try(body.store, body, assert(spool:region(0, 10)))
      assert.is_nil(got)
      assert.same({ "cut", "GetObject" }, { err.code, err.operation })
      local read <close> = open({ body = "0123456789" })
      read:read(3)
      got, err = aws.try(read.store, read, assert(spool:region(0, 10)))
      assert.is_nil(got)
      assert.equal("usage", err.kind)
    end)
  end)

  it("gives nothing for an empty body", function()
    local body <close> = open({ body = "" })
    assert.is_nil(body:read())
    assert.is_nil(body:lines()())
    assert.equal("", body:all(10))
  end)

  it("gives what it has and then raises when the body is cut", function()
    local body <close> = open({ body = ("x"):rep(1000), cut = 600 })
    local size, err = 0, nil
    while not err do
      local bytes
      bytes, err = aws.try(body.read, body)
      assert.is_true(bytes ~= nil or err ~= nil, "the end came without an error")
      size = size + #(bytes or "")
    end
    assert.is_true(size <= 600)
    assert.equal("cut", err.code)
    assert.equal("GetObject", err.operation)
  end)

  it("never saves a body that is cut", function()
    local scratch = require("spec.support.scratch")
    local dir <close> = scratch.new()
    local body <close> = open({ body = ("x"):rep(1000), cut = 600 })
    local _, err = aws.try(body.save, body, dir:path("out"))
    assert.equal("cut", err.code)
    assert.same({}, dir:list())
  end)

  it("takes no more than it is told", function()
    local body <close> = open({ body = ("x"):rep(1000) })
    local _, err = aws.try(body.all, body, 999)
    assert.equal("too_large", err.code)
  end)

  it("never saves the rest of what was too large", function()
    local scratch = require("spec.support.scratch")
    local dir <close> = scratch.new()
    local body <close> = open({ body = ("x"):rep(1000) })
    for _, call in ipairs({
      { body.all, body, 999 },
      { body.all, body, 2000 },
      { body.read, body },
      { body.save, body, dir:path("out") },
    }) do
      local _, err = aws.try(table.unpack(call))
      assert.same({ "too_large", 200 }, { err.code, err.status })
    end
    assert.same({}, dir:list())
  end)

  it("reads all without being told how much", function()
    local body <close> = open({ body = ("x"):rep(1000) })
    assert.equal(1000, #body:all())
  end)

  it("does not pass for an empty body once it was closed", function()
    local scratch = require("spec.support.scratch")
    local dir <close> = scratch.new()
    for _, close_at in ipairs({ 0, 4, 1000 }) do
      local body = open({ body = "some" })
      if close_at > 0 then
        body:read(close_at)
      end
      body:close()
      for _, call in ipairs({
        { body.read, body },
        { body.all, body, 10 },
        { body:lines() },
        { body.save, body, dir:path("out") },
      }) do
        local _, err = aws.try(table.unpack(call))
        assert.same({ "usage", "closed", "GetObject" }, { err.kind, err.code, err.operation })
      end
    end
    assert.same({}, dir:list())
  end)

  it("takes nothing but what it can read by", function()
    local body <close> = open({ body = "some" })
    for _, call in ipairs({
      { body.read, body, "x" },
      { body.read, body, -1 },
      { body.read, body, 0 },
      { body.all, body, "x" },
      { body.all, body, -1 },
      { body.save, body },
      { body.save, body, 5 },
      { body.save, body, "a\0b" },
      { body.save, body, "out", "force" },
      { body.save, body, "out", { force = 1 } },
    }) do
      local _, err = aws.try(table.unpack(call))
      assert.equal("bad_argument", err.code, tostring(err))
    end
    local _, err = aws.try(body.save, body, "out", { forse = true })
    assert.matches("save has no option \"forse\"; did you mean force", tostring(err), 1, true)
    assert.equal("some", body:all(4))
  end)

  it("says that it is called with a colon", function()
    local body <close> = open({ body = "some" })
    for _, name in ipairs({ "read", "all", "lines", "save", "close" }) do
      local _, err = aws.try(body[name], "out")
      assert.same({ "usage", "bad_argument" }, { err.kind, err.code })
      assert.matches(("as in body:%s(...)"):format(name), err.hint, 1, true)
    end
    assert.equal("some", body:all(4))
  end)

  it("says of which reply it was when it breaks off", function()
    local body <close> = open({
      body = ("x"):rep(1000),
      cut = 600,
      headers = { ["x-amz-request-id"] = "R1" },
    })
    local _, err = aws.try(body.all, body, 2000)
    assert.same({ "network", 200, "R1" }, { err.kind, err.status, err.request_id })
  end)

  it("can be closed in the middle, and the client goes on", function()
    local body = open({ body = ("x"):rep(1000000) })
    assert.equal(10, #body:read(10))
    body:close()
    local next_body <close> = open({ body = "fine" })
    assert.equal("fine", next_body:all(10))
  end)

  it("shows an error's text although the reply would be a stream", function()
    local xml = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    peer:script("GET /vault/k", { { status = 403, body = xml } })
    local _, err = aws.try(s3.get_object, { Bucket = "vault", Key = "k" })
    assert.equal("AccessDenied", err.code)
    assert.equal("no", err.message)
  end)
end)
