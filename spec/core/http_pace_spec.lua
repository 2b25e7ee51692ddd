-- Bodies no faster than a rate, against a server of our own. How long something takes at least does
-- not depend on how busy the machine is; how long at most is never asked.

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local http = require("awsbak.core.http")
local outside = require("awsbak.outside")
local pace = require("awsbak.pace")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local task = require("awsbak.task")

local KIB <const> = 1024
local RATE <const> = 1024 * KIB
local PIECES <const> = 64 * KIB -- that the last of several requests may be ahead

describe("requests at a pace", function()
  local dir, s

  setup(function()
    s = server.start()
  end)

  teardown(function()
    s:close()
  end)

  before_each(function()
    dir = scratch.new()
    s:clear()
  end)

  after_each(function()
    dir:close()
  end)

  local function send(options)
    options.url = s.url .. "/a"
    return task.await(assert(http.request(options)))
  end

  --- What a function took at least, in bytes at the rate.
  local function bytes_taken(f)
    local began = outside.monotonic()
    f()
    return (outside.monotonic() - began) * RATE
  end

  local function region_of(bytes)
    local handle <close> = assert(file.open(dir:write("file", bytes)))
    return assert(handle:region(0, #bytes))
  end

  it("move their bodies no faster together than it, whichever way and form", function()
    local bytes = ("0123456789abcdef"):rep(8 * KIB) -- 128 KiB
    s:script("*", { { body = bytes }, { body = bytes }, {}, {} })
    local shared = assert(http.pace(RATE))
    local spool <close> = assert(file.spool(dir:path()))
    task.await(spool:resize(#bytes))
    local ways = {
      function()
        assert.is_true(send({ pace = shared }).body == bytes)
      end,
      function()
        local reader <close> = send({ pace = shared, stream = true }).reader
        task.await(reader:store(spool:region(0, #bytes)))
        assert.is_true(task.await(spool:read(#bytes, 0)) == bytes)
      end,
      function()
        send({ method = "PUT", body = bytes, pace = shared })
      end,
      function()
        send({ method = "PUT", body = region_of(bytes), pace = shared })
      end,
    }
    local taken = bytes_taken(function()
      task.each(ways, 1, function(way)
        way()
      end)
    end)
    assert.is_true(taken >= 4 * #bytes - PIECES, taken)
    local log = s:requests()
    for i = 3, 4 do
      assert.is_true(#log[i].body > 0 and log[i].body == bytes:sub(1, #log[i].body))
    end
    taken = bytes_taken(function()
      s:script("*", { { body = bytes }, { body = bytes }, { body = bytes } })
      task.each({ 1, 2, 3 }, 3, function()
        assert.is_true(send({ pace = shared }).body == bytes)
      end)
    end)
    assert.is_true(taken >= 3 * #bytes - PIECES, taken)
  end)

  it("send at once what they may, and not after a wait for all of it", function()
    local slow = assert(http.pace(64 * KIB)) -- at which all would take minutes
    local big = region_of(("x"):rep(8 * KIB))
    s:script("*", { { body = ("x"):rep(1024), repeat_body = 16 * 1024 } })
    local reader <close> = send({ pace = slow, stream = true }).reader
    assert.is_true(#task.await(reader:read(1)) == 1)
    assert.equal(200, send({ method = "PUT", body = big, pace = slow }).status)
  end)

  it("wait for no silence of the server while they hold it up themselves", function()
    local slow = assert(http.pace(32 * KIB))
    s:script("*", { { body = ("x"):rep(20000) } })
    local limits = { pace = slow, timeout_slow = 0.1, timeout_first_byte = 0.1 }
    assert.equal(20000, #send(limits).body)
  end)

  it("that a server leaves alone time out all the same", function()
    s:script("*", { { body = ("x"):rep(20000), cut = 10000, hang = true } })
    local limits = { pace = assert(http.pace(RATE)), timeout_slow = 0.2, timeout_first_byte = 0.2 }
    local _, err = errors.try(send, limits)
    assert.equal("timeout_slow", err.code)
  end)

  it("are those that a function makes, while it runs", function()
    s:script("*", { {}, {} })
    local used
    local request = http.request
    http.request = function(options)
      used = options.pace
      return request(options)
    end
    local slow = pace.new(RATE)
    local function get()
      return require("awsbak.http").send({ method = "GET", url = s.url .. "/a" }).status
    end
    local ok, status = pcall(pace.run, slow, get)
    assert.same({ true, 200, slow }, { ok, status, used })
    get()
    http.request = request
    assert.is_nil(used)
  end)

  it("have a rate of one byte at least", function()
    for _, rate in ipairs({ 0, -1, 0 / 0, 1 / 0 }) do
      assert.has_error(function()
        http.pace(rate)
      end)
    end
    assert.has_error(function()
      http.request({ url = s.url, pace = 5 })
    end)
  end)
end)
