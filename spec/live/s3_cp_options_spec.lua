-- Options of awsbak s3 cp that say how bytes are moved, whichever way they go.

local faulty_s3 = require("spec.support.faulty_s3")
local operator = require("spec.support.operator")
local outside = require("awsbak.outside")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")

local KIB <const> = 1024
local AHEAD <const> = 128 * KIB -- bytes that go before anything has to wait

describe("awsbak s3 cp", function()
  local place, s3, op, dir

  setup(function()
    place = faulty_s3.open("vault")
    s3, op = place.s3, place.op
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    place:clear("vault")
  end)

  after_each(function()
    dir:close()
  end)

  local function must(...)
    return select(2, op.rows(op:must({ "s3", "cp", ... })))
  end

  it("moves the bytes of a single request no faster than --limit-rate", function()
    local bytes = ("0123456789abcdef"):rep(64 * KIB) -- 1 MiB
    local path = dir:write("file", bytes)
    for from, to in pairs({ [path] = "s3://vault/up", ["s3://vault/down"] = dir:path("down") }) do
      s3.put_object({ Bucket = "vault", Key = "down", Body = bytes })
      local began = outside.monotonic()
      must(from, to, "--limit-rate", "2M")
      assert.is_true((outside.monotonic() - began) * 2048 * KIB >= #bytes - AHEAD, to)
    end
    assert.is_true(dir:read("down") == bytes)
  end)

  it("sends standard input by them", function()
    local bytes = ("0123456789abcdef"):rep(5 * 64 * KIB) .. "end" -- two parts
    local words = { "s3", "cp", "-", "s3://vault/k", "--checksum", "crc32", "--part-size", "5M" }
    local began = outside.monotonic()
    table.move({ "--limit-rate", "10M" }, 1, 2, #words + 1, words)
    local _, done = op.rows(op:must(words, { stdin = bytes }))
    assert.is_true((outside.monotonic() - began) * 10240 * KIB >= #bytes - AHEAD)
    local head = s3.head_object({ Bucket = "vault", Key = "k", ChecksumMode = "ENABLED" })
    assert.same({ #bytes, "FULL_OBJECT" }, { head.ContentLength, head.ChecksumType })
    assert.equal("CRC32:" .. head.ChecksumCRC32, done.checksum)
    assert.matches("-2", head.ETag, 1, true)
  end)

  it("locks an object, of one request, too", function()
    s3.create_bucket({ Bucket = "locked", ObjectLockEnabledForBucket = true })
    local words = { "--lock-mode", "GOVERNANCE", "--lock-until", "2099-01-02" }
    local path = dir:write("file", "x")
    must(path, "s3://locked/file", table.unpack(words))
    must("--recursive", dir:path("."), "s3://locked/all", table.unpack(words))
    op:must({ "s3", "cp", "-", "s3://locked/pipe", table.unpack(words) }, { stdin = "x" })
    for _, key in ipairs({ "file", "all/file", "pipe" }) do
      local head = s3.head_object({ Bucket = "locked", Key = key })
      assert.equal("GOVERNANCE", head.ObjectLockMode)
      assert.equal(4070995200, head.ObjectLockRetainUntilDate)
    end
  end)

  it("gives a copy within S3 the checksum that is asked for", function()
    s3.put_object({ Bucket = "vault", Key = "a", Body = "x" })
    must("s3://vault/a", "s3://vault/b", "--checksum", "crc32c")
    local head = s3.head_object({ Bucket = "vault", Key = "b", ChecksumMode = "ENABLED" })
    assert.is_not_nil(head.ChecksumCRC32C)
    assert.is_nil(head.ChecksumCRC64NVME)
  end)

  it("copies keys within S3 that end like one with a version", function()
    s3_server.skip_versitygw(pending, "takes what such a key ends with for a version")
    for _, key in ipairs({ "a?versionId=b", "a?versionId=", "?", "a?b=c&d" }) do
      s3.put_object({ Bucket = "vault", Key = key, Body = key })
      must("s3://vault/" .. key, "s3://vault/copy", "--force")
      local body <close> = s3.get_object({ Bucket = "vault", Key = "copy" }).Body
      assert.equal(key, body:all(100))
    end
  end)

  it("refuses those that say nothing of a copy", function()
    local refused = {
      { "cp", "s3://vault/a", "b", "--checksum", "crc32" },
      { "cp", "s3://vault/a", "-", "--part-size", "8M" },
      { "cp", "s3://vault/a", "s3://vault/b", "--limit-rate", "1M" },
      { "cp", "s3://vault/a", "b", "--limit-rate", "0" },
      { "cp", "s3://vault/a", "-", "--limit-rate", "0" },
      { "sync", "s3://vault/a", "b", "--limit-rate", "1024T" },
      { "cat", "s3://vault/a", "--range", "3-1" },
      { "cp", "--recursive", "s3://vault/a", "s3://vault/b", "--limit-rate", "1M" },
      { "sync", "s3://vault/a", "s3://vault/b", "--limit-rate", "1M" },
      { "restore", "s3://vault/a", "--at", "1d", "--limit-rate", "1M" },
      { "cp", "s3://vault/a", "-", "--force" },
      { "cp", "s3://vault/a", "-", "--no-resume" },
      { "cp", "s3://vault/a", "b", "--cache", "1M", "--no-resume" },
      { "sync", "s3://vault/a", "b", "--cache", "1M", "--no-resume" },
      { "restore", "s3://vault/a", "--at", "1d", "--to", "b", "--cache", "1M", "--no-resume" },
      { "cp", "s3://vault/a", "-", "--storage-class", "GLACIER" },
      { "cp", "-", "s3://vault/a", "--no-resume" },
      { "cp", "s3://vault/a", "s3://vault/b", "--no-resume" },
      { "cp", "s3://vault/a", "b", "--tag", "a=b" },
      { "cp", "s3://vault/a", "b", "--legal-hold" },
      { "cp", "--recursive", "s3://vault/a", "b", "--metadata", "a=b" },
      { "sync", "s3://vault/a", "b", "--sse", "AES256" },
      { "sync", "s3://vault/a", "s3://vault/b", "--no-resume" },
      { "restore", "s3://vault/a", "--at", "1d", "--to", "b", "--content-type", "text/plain" },
      { "restore", "s3://vault/a", "--at", "1d", "--no-resume" },
    }
    for _, words in ipairs(refused) do
      local flag = words[#words]:find("^%-%-") and words[#words] or words[#words - 1]
      local result = op:run({ "s3", table.unpack(words) })
      assert.equal(2, result.status, result.stderr)
      assert.matches("^awsbak: error: " .. flag:gsub("%-", "%%-") .. " [^\n]*\n$", result.stderr)
    end
  end)
end)

describe("an object with a customer's key", function()
  it("is read with it by s3 cat and s3 cp -, also after a break", function()
    local dir <close> = scratch.new()
    local fake = server.start()
    local op = operator.new(fake.url)
    local path = dir:write("key", "\0\n\255" .. ("k"):rep(29))
    for _, words in ipairs({ { "cat", "s3://vault/k" }, { "cp", "s3://vault/k", "-" } }) do
      fake:clear()
      local tag = { ETag = '"e1"' }
      local rest = { ETag = '"e1"', ["Content-Range"] = "bytes 4-9/10" }
      fake:script("*", {
        { body = "0123456789", headers = tag, cut = 4 },
        { status = 206, body = "456789", headers = rest },
      })
      local result = op:must({ "s3", words[1], words[2], "--sse-c-key", path, words[3] })
      assert.equal("0123456789", result.stdout:sub(1, 10))
      for _, request in ipairs(fake:requests()) do
        local key = request.headers["x-amz-server-side-encryption-customer-key"]
        assert.equal("AAr/a2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", key, words[1])
      end
      assert.equal(2, #fake:requests())
    end
    local result = op:run({ "s3", "cat", "s3://vault/k", "--cache", "1M", "--sse-c-key", path })
    assert.same({ 2, 2 }, { result.status, #fake:requests() })
    op:close()
    fake:close()
  end)
end)
