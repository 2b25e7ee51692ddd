-- The bounds of the cache of S3's objects, and who keeps them.

local cache = require("backup.s3.cache")
local cached = require("spec.support.cached")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local outside = require("awsbak.outside")

local DAY <const> = 86400
local KIB <const> = 1024

--- A clock on which only sleep passes time.
local function clock_of_sleeps()
  local now = 0
  return {
    monotonic = function()
      return now
    end,
    sleep = function(seconds)
      now = now + seconds
    end,
  }
end

describe("backup.s3.cache_room", function()
  local c

  setup(function()
    c = cached.start()
  end)

  teardown(function()
    c:stop()
  end)

  before_each(function()
    c:begin()
  end)

  after_each(function()
    c:finish()
  end)

  it("evicts what was used least recently, and holds no more than its bytes", function()
    local kept <close> = c:open(8 * KIB)
    for i = 1, 4 do
      c:put("k" .. i, ("x"):rep(1800) .. i)
      c:read(kept, "k" .. i)
    end
    assert.same({ true }, { select(2, c:read(kept, "k1")) })
    for i = 5, 6 do
      c:put("k" .. i, ("x"):rep(1800) .. i)
      c:read(kept, "k" .. i)
      assert.is_true(select(2, c:entries()) <= 8 * KIB)
    end
    assert.is_true(select(2, c:read(kept, "k1")))
    assert.is_false(select(2, c:read(kept, "k2")))
  end)

  it("shrinks to a smaller bound when it is opened with one", function()
    do
      local kept <close> = c:open()
      for i = 1, 4 do
        c:put("k" .. i, ("x"):rep(1800))
        c:read(kept, "k" .. i)
      end
    end
    local kept <close> = c:open(4 * KIB)
    assert.equal(2, #c:entries())
    c:put("big", ("x"):rep(8 * KIB))
    assert.equal("direct", (c:read(kept, "big")))
    assert.equal(2, #c:entries())
  end)

  it("holds no more than so many objects", function()
    local kept <close> = cache.open({ bytes = 1 << 20, entries = 3, folder = c.dir:path("s3") })
    for i = 1, 5 do
      c:put("k" .. i, "x")
      c:read(kept, "k" .. i)
      assert.is_true(#c:entries() <= 3)
    end
    assert.is_true(select(2, c:read(kept, "k3")))
  end)

  it("counts anew when its sums are lost or wrong", function()
    local kept <close> = c:open(4 * KIB)
    for i = 1, 6 do
      c.dir:write("s3/lock", ({ "", "x", ("9"):rep(63) })[i % 3 + 1])
      c:put("k" .. i, ("x"):rep(1800))
      c:read(kept, "k" .. i)
      assert.is_true(select(2, c:entries()) <= 4 * KIB)
    end
  end)

  it("gives up what nobody used for its age, and files of a writer that was killed", function()
    c:put("a", "hello")
    do
      local kept <close> = c:open(nil, 2 * DAY)
      c:read(kept, "a")
    end
    c.dir:write("s3/.awsbak-0123456789abcdef.tmp", "half")
    c.dir:write("s3/notes.txt", "not ours")
    local now = outside.now()
    local function at(days, f)
      outside.with({
        now = function()
          return now + days * DAY
        end,
      }, f)
    end
    at(1.5, function()
      local kept <close> = c:open(nil, 2 * DAY)
      assert.is_true(select(2, c:read(kept, "a")))
    end)
    at(3, function()
      local kept <close> = c:open(nil, 2 * DAY)
      assert.is_true(select(2, c:read(kept, "a")))
    end)
    at(6, function()
      c:open(nil, 2 * DAY):close()
    end)
    local names = c:entries()
    assert.same({ c.dir:path("s3/notes.txt") }, names)
  end)

  it("leaves its bytes to a reader whose entry is evicted", function()
    c:put("a", ("a"):rep(3000))
    c:put("b", ("b"):rep(3000))
    local kept <close> = c:open(4 * KIB)
    c:read(kept, "a")
    local entry <close> = c:entry(kept, "a")
    c:read(kept, "b")
    assert.equal(1, #c:entries())
    assert.equal(("a"):rep(3000), c.bytes(entry))
  end)

  it("waits for a process that adds something, but not for ever", function()
    c:put("a", "hello")
    c:put("b", "hello")
    local kept <close> = c:open()
    local busy = assert(file.journal(c.dir:path("s3/lock")))
    local clock = clock_of_sleeps()
    c:open():close() -- what another process tidies is left to it
    outside.with(clock, c.read, c, kept, "a")
    assert.matches("another process", c.warnings[1], 1, true)
    assert.same({}, (c:entries()))
    function clock.sleep()
      busy:close()
    end
    local again <close> = c:open()
    outside.with(clock, c.read, c, again, "b")
    assert.equal(1, #c:entries())
  end)

  it("is only read after a failure, which is told once and waited for once", function()
    for _, key in ipairs({ "a", "b", "c" }) do
      c:put(key, "hello")
    end
    local kept <close> = c:open()
    c:read(kept, "a")
    local busy = assert(file.journal(c.dir:path("s3/lock")))
    local clock = clock_of_sleeps()
    outside.with(clock, function()
      assert.same({ "hello", false }, { c:read(kept, "b") })
      local waited = clock.monotonic()
      assert.equal("direct", (c:read(kept, "c")))
      local _, err = errors.try(kept.room.add, kept.room, 1, error) -- was fetched meanwhile
      assert.equal("locked", err.code)
      assert.equal(waited, clock.monotonic())
    end)
    assert.same({ "hello", true }, { c:read(kept, "a") })
    assert.equal(1, #c.warnings)
    assert.equal(1, #c:entries())
    busy:close()
  end)

  it("gives the bytes, and keeps them not, when it cannot be locked", function()
    c:put("a", "hello")
    local kept <close> = c:open()
    os.execute(("rm -f %s && mkdir %s"):format(c.dir:path("s3/lock"), c.dir:path("s3/lock")))
    assert.same({ "hello", false }, { c:read(kept, "a") })
    assert.matches("is not cached", c.warnings[1], 1, true)
    assert.same({}, (c:entries()))
  end)
end)
