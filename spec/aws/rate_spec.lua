local aws = require("aws")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local rate = require("aws.rate")
local reference = require("spec.support.reference")
local retry = require("aws.retry")
local server = require("spec.support.server")
local task = require("awsbak.task")

local START = 1000.25 -- seconds, as in reference_rate.py

--- Call `f` with a clock that only sleeping moves, and whoever advances it.
local function with_clock(f)
  local clock = { now = START, slept = 0 }
  outside.with({
    monotonic = function()
      return clock.now
    end,
    sleep = function(seconds)
      clock.now = clock.now + seconds
      clock.slept = clock.slept + seconds
    end,
    random = function()
      return 0.5
    end,
    getenv = function() end,
  }, f, clock)
end

local function throttled()
  error(errors.new({ kind = "service", code = "ThrottlingException", message = "slower" }), 0)
end

describe("the adaptive rate", function()
  it("limits nothing until a service throttles", function()
    with_clock(function(clock)
      local r = rate.new()
      for _ = 1, 1000 do
        r:acquire()
        r:record(false)
      end
      assert.equal(0, clock.slept)
    end)
  end)

  it("is half a request a second at least, and seven tenths of what was refused", function()
    with_clock(function(clock)
      local r = rate.new()
      r:record(true)
      assert.equal(0.5, r.per_second)
      r:acquire()
      assert.equal(2, clock.slept)

      r = rate.new()
      for _ = 1, 1000 do
        clock.now = clock.now + 0.01
        r:record(false)
      end
      r:record(true)
      assert.near(70, r.per_second, 1)
    end)
  end)

  it("grows again, but not above twice the rate of the answers", function()
    with_clock(function(clock)
      local r = rate.new()
      r:record(true)
      for _ = 1, 2000 do
        r:acquire()
        clock.now = clock.now + 0.01
        r:record(false)
        assert.is_true(r.per_second <= math.max(2 * r.measured, 0.5))
      end
      assert.is_true(r.per_second > 20)
    end)
  end)

  it("takes no token for a task that was cancelled while it waited", function()
    outside.with({
      monotonic = function()
        return START
      end,
    }, function()
      local r = rate.new()
      r:record(true)
      local before = r.tokens
      local _, err = errors.try(task.run, function()
        local waiting = task.spawn(r.acquire, r)
        task.spawn(task.cancel, waiting)
        task.await(waiting)
      end)
      assert.equal("cancelled", err.kind)
      assert.equal(before, r.tokens)
    end)
  end)

  it("is not changed by what was never sent", function()
    with_clock(function()
      local r = retry.new({ retry_mode = "adaptive" }, "SSM")
      errors.try(r.run, r, function()
        errors.raise({ kind = "config", code = "no_region", message = "no region" })
      end)
      assert.equal(0, r.rate.answers)
      errors.try(r.run, r, throttled, { attempts = 1 })
      assert.equal(1, r.rate.answers)
    end)
  end)

  it("belongs to the adaptive mode, which else follows the rules of the standard one", function()
    assert.is_nil(retry.new({ retry_mode = "standard" }, "SSM").rate)
    local adaptive = retry.new({ retry_mode = "adaptive" }, "DynamoDB")
    assert.equal(4, adaptive.attempts)
    assert.equal(500, adaptive.tokens)
  end)

  it("is botocore's, event by event", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local events = reference.ask(seed .. " 5000", "reference_rate.py")
    local sends = 0
    with_clock(function(clock)
      local r = rate.new()
      for i, event in ipairs(events) do
        clock.now = clock.now + event.wait
        if event.event == "send" then
          r:acquire()
          sends = sends + 1
        else
          r:record(event.event == "throttled")
        end
        local where = ("event %d, seed %s"):format(i, seed)
        assert.near(event.rate, r.per_second, 1e-9, where)
        assert.near(event.measured, r.measured, 1e-9, where)
        assert.near(event.tokens, r.tokens, 1e-9, where)
        assert.near(event.now, clock.now, 1e-9, where)
      end
      assert.is_true(clock.slept > 0 and sends > 1000)
    end)
  end)
end)

describe("a storm of throttling", function()
  local peer

  setup(function()
    peer = server.start({ ssm = 10 })
  end)

  teardown(function()
    peer:close()
  end)

  local function client(name)
    return aws.client(name, {
      region = "us-east-1",
      endpoint_url = peer.url,
      retry_mode = "adaptive",
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
  end

  it("ends without a trace, and is none of another client's concern", function()
    local refusal = { status = 400, body = '{"__type":"ThrottlingException"}', times = -1 }
    local none = { body = '{"Parameters":[]}', times = -1 }
    local storm, needed = 600, 200 -- seconds, calls
    with_clock(function(clock)
      local ssm, other = client("ssm"), client("ssm")
      peer:script("GetParameters", { refusal })
      peer:script("DescribeParameters", { none })
      while clock.now < START + storm do
        aws.try(ssm.get_parameters, { Names = { "/a" } })
        local before = clock.slept
        other.describe_parameters({})
        assert.equal(before, clock.slept)
      end
      -- Two seconds each, once the bucket is empty.
      assert.is_true(peer:counts().GetParameters <= storm / 2 + 10)

      peer:clear()
      local ended = clock.now
      for _ = 1, needed do
        clock.now = clock.now + 0.02 -- on the way
        ssm.get_parameters({ Names = { "/a" } })
      end
      assert.is_true(peer:counts().GetParameters < 1.2 * needed)
      assert.is_true(clock.now - ended < 60)
    end)
  end)

  it("of a service with a limit costs few refusals in the adaptive mode", function()
    --- Requests for 2,000 successes, of a service that answers 20 a second.
    local function requests_for(mode)
      local sent = 0
      with_clock(function(clock)
        local tokens, filled = 20, clock.now
        local function attempt()
          sent = sent + 1
          clock.now = clock.now + 0.005
          tokens, filled = math.min(20, tokens + (clock.now - filled) * 20), clock.now
          if tokens < 1 then
            throttled()
          end
          tokens = tokens - 1
        end
        local r = retry.new({ retry_mode = mode, max_attempts = 10 }, "SSM")
        for _ = 1, 2000 do
          r:run(attempt)
        end
      end)
      return sent
    end
    assert.is_true(requests_for("adaptive") < 1.2 * 2000)
  end)
end)
