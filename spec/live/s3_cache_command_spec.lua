-- awsbak s3 cat and cp with --cache, behind a proxy that counts requests.

local cache = require("backup.s3.cache")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local s3_fault = require("backup.transfer.s3_fault")

describe("awsbak s3 --cache", function()
  local place, op, s3, proxy

  setup(function()
    place = faulty_s3.open("vault")
    proxy, s3, op = place.proxy, place.s3, place.op
    s3.put_object({ Bucket = "vault", Key = "log.txt", Body = "0123456789" })
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    proxy:clear()
    os.execute("rm -rf " .. op:path(".cache"))
  end)

  local URL <const> = "s3://vault/log.txt"

  local function cat(...)
    return op:must({ "s3", "cat", URL, ... }).stdout
  end

  local function cp(...)
    return select(2, op.rows(op:must({ "s3", "cp", URL, op:path("f"), "--force", ... })))
  end

  it("reads an object once for cat and cp, and none without the flag", function()
    assert.equal("0123456789", cat())
    assert.is_nil(file.stat(op:path(".cache")))
    assert.is_false(cp("--cache", "1M").cached)
    assert.equal(2, proxy:count("GET /vault/log.txt"))
    assert.equal("0123456789", cat("--cache", "1M"))
    assert.is_true(cp("--cache", "1M").cached)
    assert.equal("0123456789", op.home:read("f"))
    assert.equal(2, proxy:count("GET /vault/log.txt"))
  end)

  it("gives ranges out of it", function()
    local ranges = { ["0-2"] = "012", ["7-"] = "789", ["-4"] = "6789", ["-99"] = "0123456789" }
    for range, bytes in pairs(ranges) do
      assert.equal(bytes, cat("--cache", "1M", "--range", range), range)
    end
    assert.equal("9", cat("--cache", "1M", "--range", "9-99999999999999999999"))
    assert.equal(1, proxy:count("GET /vault/log.txt"))
    local result = op:run({ "s3", "cat", URL, "--cache", "1M", "--range", "10-" })
    assert.equal(1, result.status)
    assert.matches("no bytes in the range", result.stderr, 1, true)
  end)

  it("may be filled with the same object by two processes at once", function()
    local folder = op:path(".cache/awsbak/s3")
    local kept <close> = cache.open({ bytes = 1 << 20, folder = folder })
    local source = { s3 = s3, bucket = "vault", key = "log.txt" }
    local other
    local entry <close> = kept:entry(source, {
      head = s3_fault.head(s3, source),
      progress = function()
        other = cat("--cache", "1M") -- while ours has no name yet
      end,
    })
    assert.equal("0123456789", other)
    assert.equal("0123456789", entry:each()())
    assert.equal(2, proxy:count("GET /vault/log.txt"))
    assert.equal(2, #file.list(folder)) -- with the lock
    assert.equal("0123456789", cat("--cache", "1M"))
    assert.equal(2, proxy:count("GET /vault/log.txt"))
  end)

  it("holds for each object of a folder", function()
    for i = 1, 40 do
      s3.put_object({ Bucket = "vault", Key = "f/" .. i, Body = "body " .. i })
    end
    for i, words in ipairs({ { "sync" }, { "cp", "--recursive" }, { "sync" } }) do
      local to = op:path("to" .. i)
      local tail = { "s3://vault/f", to, "--cache", "1M" }
      local all = table.move(tail, 1, #tail, #words + 2, { "s3", table.unpack(words) })
      local rows, done = op.rows(op:must(all))
      assert.same({ 40, i == 1 and 0 or 40 }, { done.copied, done.cached })
      assert.equal(i > 1, rows[1].cached)
      assert.equal("body 7", op.home:read("to" .. i .. "/7"))
    end
    assert.equal(40, proxy:count("GET /vault/f/"))
    s3.put_object({ Bucket = "vault", Key = "f/7", Body = "new" })
    local again = { "s3", "sync", "s3://vault/f", op:path("to4"), "--cache", "1M" }
    local _, done = op.rows(op:must(again))
    assert.equal(39, done.cached)
    assert.equal("new", op.home:read("to4/7"))
  end)

  it("is refused where it has no meaning", function()
    local key = op.home:write("key", ("k"):rep(32))
    for _, words in ipairs({
      { "cp", op:path("key"), URL, "--cache", "1M" },
      { "cp", URL, "s3://vault/b", "--cache", "1M" },
      { "cp", URL, op:path("f"), "--cache", "1M", "--sse-c-key", key },
      { "cp", "--recursive", op:path("d"), "s3://vault/", "--cache", "1M" },
      { "sync", "s3://vault/", "s3://vault2/", "--cache", "1M" },
      { "restore", "s3://vault/", "--at", "1d", "--cache", "1M" },
      { "cat", URL, "--cache-age", "1d" },
    }) do
      local result = op:run({ "s3", table.unpack(words) })
      assert.equal(2, result.status, result.stderr)
      assert.matches("--cache", result.stderr, 1, true)
    end
  end)
end)
