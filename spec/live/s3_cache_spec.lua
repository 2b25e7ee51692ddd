-- What the cache of S3's objects gives and believes.

local cache = require("backup.s3.cache")
local cached = require("spec.support.cached")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local operator = require("spec.support.operator")
local outside = require("awsbak.outside")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

local KIB <const> = 1024

describe("backup.s3.cache", function()
  local c, op

  setup(function()
    c = cached.start()
    op = operator.new(c.proxy.url)
  end)

  teardown(function()
    op:close()
    c:stop()
  end)

  before_each(function()
    c:begin()
  end)

  after_each(function()
    c:finish()
  end)

  it("asks for the head of an object that was read before, and for nothing else", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    assert.same({ "hello", false }, { c:read(kept, "a") })
    c.proxy:clear()
    assert.same({ "hello", true }, { c:read(kept, "a") })
    assert.same({ 0, 1 }, { c.proxy:count("GET /"), c.proxy:count("HEAD /vault/a") })
  end)

  it("keeps files that nobody else may read", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    c:read(kept, "a")
    assert.equal(tonumber("700", 8), file.stat(c.dir:path("s3")).mode)
    assert.equal(tonumber("600", 8), file.stat(c:entries()[1]).mode)
  end)

  it("fetches what was replaced, and each version of a bucket that keeps them", function()
    local kept <close> = c:open()
    local first = c:put("a", "one", "kept").VersionId
    assert.equal("one", (c:read(kept, "a", { bucket = "kept" })))
    c:put("a", "two", "kept")
    assert.same({ "two", false }, { c:read(kept, "a", { bucket = "kept" }) })
    local old = { bucket = "kept", version_id = first }
    assert.same({ "one", true }, { c:read(kept, "a", old) })
  end)

  it("reads the empty object, and one whose checksum S3 does not tell", function()
    c:put("empty", "")
    c:put("sum", "checked", nil, "SHA256")
    local kept <close> = c:open()
    for _ = 1, 2 do
      assert.equal("", (c:read(kept, "empty")))
      assert.equal("checked", (c:read(kept, "sum")))
      local head = c:head("sum", nil, true)
      assert.equal("checked", (c:read(kept, "sum", { head = head })))
    end
    assert.equal(3, #c:entries())
    assert.equal(2, c.proxy:count("GET /")) -- the empty one needs none
  end)

  it("fetches again what is damaged, cut, longer, or another user may read", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    c:read(kept, "a")
    local path = c:entries()[1]
    local size = file.stat(path).size
    local harms = {
      function()
        c.overwrite(path, 1, "E")
      end,
      function()
        c.overwrite(path, size - 2, "!")
      end,
      function()
        c.overwrite(path, size, "more")
      end,
      function()
        c.dir:write("s3/" .. path:match("[^/]*$"), "hel")
      end,
      function()
        os.execute("chmod 644 " .. path)
      end,
    }
    for i, harm in ipairs(harms) do
      harm()
      assert.same({ "hello", false }, { c:read(kept, "a") }, "harm " .. i)
      assert.matches("damaged", c.warnings[i], 1, true)
      assert.same({ "hello", true }, { c:read(kept, "a") }, "harm " .. i)
    end
  end)

  it("does not believe an entry of another user", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    c:read(kept, "a")
    outside.with({
      uid = function()
        return 12345
      end,
    }, function()
      assert.is_false(select(2, c:read(kept, "a")))
    end)
    assert.is_true(select(2, c:read(kept, "a")))
  end)

  it("does not believe an entry that agrees with itself and not with S3", function()
    c:put("a", "hello", nil, "CRC32")
    c:put("b", "hullo", nil, "CRC32")
    local kept <close> = c:open()
    c:read(kept, "b")
    local other = c:entries()[1]
    c:read(kept, "a")
    local names = c:entries()
    local mine = names[1] == other and names[2] or names[1]
    local forged = assert(c.dir:read("s3/" .. other:match("[^/]*$")))
    forged = forged:gsub(other:match("[^/]*$"), mine:match("[^/]*$"))
    c.dir:write("s3/" .. mine:match("[^/]*$"), forged)
    assert.same({ "hello", false }, { c:read(kept, "a") })
  end)

  it("follows no links, opens no pipes, and leaves folders alone", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    c:read(kept, "a")
    local path, target = c:entries()[1], c.dir:path("target")
    os.execute(("mv %s %s && ln -s %s %s"):format(path, target, target, path))
    assert.same({ "hello", false }, { c:read(kept, "a") })
    assert.equal("hello", assert(c.dir:read("target")):sub(1, 5))
    os.execute(("rm %s && mkfifo -m 600 %s"):format(path, path))
    assert.same({ "hello", false }, { c:read(kept, "a") })
    os.execute(("rm %s && mkdir %s"):format(path, path))
    assert.equal("direct", (c:read(kept, "a")))
  end)

  it("is refused where there is no home folder", function()
    local getenv, home = outside.getenv, sys.home
    finally(function()
      outside.getenv, sys.home = getenv, home
    end)
    outside.getenv, sys.home = function() end, function() end
    local _, err = errors.try(cache.open, { bytes = 1000 })
    assert.same({ "config", "cache_folder" }, { err.kind, err.code })
    assert.equal("set XDG_CACHE_HOME or HOME", err.hint)
  end)

  it("is refused where others may write", function()
    assert(file.mkdirs(c.dir:path("s3"), tonumber("755", 8)))
    local _, err = errors.try(c.open, c)
    assert.same({ "config", "cache_folder" }, { err.kind, err.code })
    os.execute(("rmdir %s && ln -s %s %s"):format(c.dir:path("s3"), c.dir:path(), c.dir:path("s3")))
    _, err = errors.try(c.open, c)
    assert.equal("cache_folder", err.code)
    os.execute(("rm %s && mkdir -m 700 %s"):format(c.dir:path("s3"), c.dir:path("s3")))
    outside.with({
      uid = function()
        return 12345
      end,
    }, function()
      _, err = errors.try(c.open, c)
    end)
    assert.matches("another user", err.message, 1, true)
  end)

  it("serves many tasks that want the same object at once", function()
    c:put("a", ("x"):rep(3000))
    local kept <close> = c:open()
    local results = {}
    task.each(
      coroutine.wrap(function()
        for i = 1, 6 do
          coroutine.yield(i)
        end
      end),
      6,
      function(i)
        results[i] = c:read(kept, "a")
      end
    )
    for i = 1, 6 do
      assert.equal(3000, #results[i])
    end
    assert.equal(1, #c:entries())
  end)

  it("never keeps an object with a customer's key", function()
    local kept <close> = c:open()
    c:put("a", "hello")
    assert.equal("direct", (c:read(kept, "a", { input = { SSECustomerKey = ("k"):rep(32) } })))
    local head = c:head("a")
    head.SSECustomerAlgorithm = "AES256"
    assert.equal("direct", (c:read(kept, "a", { head = head })))
    assert.same({}, (c:entries()))
  end)

  it("leaves the reader to read the object itself when the disk is full", function()
    c:put("a", "hello")
    local kept <close> = c:open(1 << 60)
    local head = c:head("a")
    head.ContentLength = 1 << 55
    assert.equal("direct", (c:read(kept, "a", { head = head })))
    assert.matches("is not cached", c.warnings[1], 1, true)
    assert.same({}, (c:entries()))
  end)

  it("keeps nothing of what came altered, or of an object that was replaced meanwhile", function()
    c:put("a", ("x"):rep(3000), nil, "CRC32")
    local kept <close> = c:open()
    c.proxy:rule({ method = "GET", holds = { "/vault/a" }, flip_reply = 100, times = -1 })
    local _, err = errors.try(c.read, c, kept, "a")
    assert.equal("integrity", err.kind)
    c.proxy:clear()
    local head = c:head("a")
    c:put("a", ("y"):rep(3000))
    _, err = errors.try(c.read, c, kept, "a", { head = head })
    assert.equal(412, err.status)
    assert.same({}, (c:entries()))
  end)

  it("leaves no entry when its process is killed in the middle", function()
    c:put("a", ("x"):rep(3000))
    local code = c.dir:write(
      "code.lua",
      [[
      local s3 = require("aws.s3")
      local head = s3.head_object({ Bucket = "vault", Key = "a" })
      local kept = require("backup.s3.cache").open({ bytes = 1 << 20, folder = arg[1] })
      local function kill() os.execute("kill -9 $PPID") end
      kept:entry({ s3 = s3, bucket = "vault", key = "a" }, { head = head, progress = kill })]]
    )
    assert.equal(137, op:run({ code, c.dir:path("s3") }).status)
    assert.same({}, (c:entries()))
    local kept <close> = c:open()
    assert.same({ ("x"):rep(3000), false }, { c:read(kept, "a") })
  end)

  it("always gives the bytes of the version that the head names", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local now, versions = {}, {}
    local function replace(bucket, key)
      local body = ("%016x"):format(math.random(0)):rep(math.random(0, 4) > 0 and 25 or 0)
      local version = c:put(key, body, bucket).VersionId
      now[bucket .. key] = body
      if version then
        versions[#versions + 1] = { key = key, version_id = version, body = body }
      end
    end
    for _, key in ipairs({ "p", "q", "r" }) do
      replace("vault", key)
      replace("kept", key)
    end
    local kept <close> = c:open(6 * KIB)
    for step = 1, 200 do
      local bucket = math.random(2) == 1 and "vault" or "kept"
      local key = ({ "p", "q", "r" })[math.random(3)]
      local dice, found, wanted = math.random(9), nil, now[bucket .. key]
      if dice <= 2 then
        replace(bucket, key)
      elseif dice == 3 then
        local old = versions[math.random(#versions)]
        found = c:read(kept, old.key, { bucket = "kept", version_id = old.version_id })
        wanted = old.body
      elseif dice == 4 and #c:entries() > 0 then
        local names = c:entries()
        c.overwrite(names[math.random(#names)], math.random(0, 90), "\0")
      else
        local head = dice > 5 and c:head(key, bucket, true) or nil
        found = c:read(kept, key, { bucket = bucket, head = head })
      end
      assert.equal(found and wanted, found, ("seed %d, step %d"):format(seed, step))
      assert.is_true(select(2, c:entries()) <= 6 * KIB + 90, "seed " .. seed)
    end
  end)
end)
