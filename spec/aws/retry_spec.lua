local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local retry = require("aws.retry")

local function service_error(code, status)
  return errors.new({ kind = "service", code = code, status = status, message = "refused" })
end

--- Run `f` with the given luck, and collect the waits.
local function with_luck(luck, f)
  local waits = {}
  local overrides = {
    random = function()
      return luck
    end,
    sleep = function(seconds)
      waits[#waits + 1] = seconds
    end,
  }
  outside.with(overrides, f)
  return waits
end

--- An attempt that fails with `e` `times` times, then returns "done".
local function failing(e, times)
  return function(n)
    if n <= times then
      error(e, 0)
    end
    return "done", n
  end
end

describe("retry", function()
  it("returns what the attempt returned", function()
    local a, b = retry.new({}, "SSM"):run(function()
      return nil, 2
    end)
    assert.same({ nil, 2 }, { a, b })
  end)

  it("tries three times by default, four for DynamoDB", function()
    local e = service_error("InternalError", 500)
    for service, tries in pairs({ SSM = 3, DynamoDB = 4 }) do
      local waits = with_luck(1, function()
        local r = retry.new({}, service)
        local _, err = errors.try(r.run, r, failing(e, 99))
        assert.equal(tries, err.attempts)
      end)
      assert.equal(tries - 1, #waits)
    end
  end)

  it("heeds max_attempts and a call's own attempts", function()
    local r = retry.new({ max_attempts = 1 }, "SSM")
    assert.equal(0, #with_luck(1, function()
      errors.try(r.run, r, failing(service_error("Throttling", 400), 9))
    end))
    assert.equal(4, #with_luck(1, function()
      errors.try(r.run, r, failing(service_error("Throttling", 400), 9), { attempts = 5 })
    end))
  end)

  it("tells why each attempt failed that another one follows", function()
    local r, told = retry.new({ max_attempts = 3 }, "SSM"), {}
    with_luck(0, function()
      local busy = service_error("Throttling", 400)
      errors.try(r.run, r, failing(busy, 9), {
        on_retry = function(e)
          told[#told + 1] = e.attempts
        end,
      })
    end)
    assert.same({ 1, 2 }, told)
  end)

  it("waits up to 50 ms doubled each time, up to 1 s when throttled, never above 20 s", function()
    local r = retry.new({ max_attempts = 9 }, "SSM")
    assert.same(
      { 0.05, 0.1, 0.2 },
      with_luck(1, function()
        r:run(failing(service_error("x", 503), 3))
      end)
    )
    assert.same(
      { 1, 2, 4, 8, 16, 20, 20 },
      with_luck(1, function()
        r:run(failing(service_error("SlowDown", 503), 7))
      end)
    )
    assert.same(
      { 0.5 },
      with_luck(0.5, function()
        r:run(failing(service_error("SlowDown", 503), 1))
      end)
    )
  end)

  it("has the older rules too", function()
    local r = retry.new({ new_retries = false, max_attempts = 9 }, "SSM")
    assert.same(
      { 1, 2 },
      with_luck(1, function()
        r:run(failing(service_error("x", 503), 2))
      end)
    )
    assert.equal(495, r.tokens) -- the last retry's five came back
    local slow = errors.new({ kind = "timeout", code = "timeout_connect", message = "no answer" })
    with_luck(1, function()
      errors.try(r.run, r, failing(slow, 2))
    end)
    assert.equal(485, r.tokens)
  end)

  it("says that nothing was sent only when that is so of each try", function()
    local function lost(unsent)
      return errors.new({ kind = "timeout", code = "timeout_x", message = "m", unsent = unsent })
    end
    for _, tries in ipairs({ { true, true }, { nil, true }, { true, nil } }) do
      with_luck(0, function()
        local r = retry.new({ max_attempts = 2 }, "S3")
        local _, e = errors.try(r.run, r, function(n)
          error(lost(tries[n]), 0)
        end)
        assert.equal(tries[1] and tries[2], e.unsent)
      end)
    end
  end)

  it("lets a server lengthen a wait by five seconds at most", function()
    local e = service_error("x", 503)
    for after, expected in pairs({ [0.01] = 0.05, [3] = 3, [60] = 5.05 }) do
      e.retry_after = after
      assert.same(
        { expected },
        with_luck(1, function()
          retry.new({}, "SSM"):run(failing(e, 1))
        end)
      )
    end
  end)

  it("stops when the quota is used up, and earns it back", function()
    local r = retry.new({}, "SSM")
    local e = service_error("x", 500)
    local calls = 0
    with_luck(0, function()
      for _ = 1, 100 do
        errors.try(r.run, r, function()
          calls = calls + 1
          error(e, 0)
        end)
      end
    end)
    assert.equal(100 + 500 // 14, calls)
    local left = r.tokens
    r:run(failing(e, 0))
    assert.equal(left + 1, r.tokens)
  end)

  it("gives back what the last retry cost when it succeeds", function()
    local r = retry.new({}, "SSM")
    with_luck(0, function()
      r:run(failing(service_error("x", 500), 1))
    end)
    assert.equal(500, r.tokens)
  end)

  it("spends the quota to the last token", function()
    local r = retry.new({}, "SSM")
    r.tokens = 14
    with_luck(0, function()
      assert.equal("done", (r:run(failing(service_error("X", 500), 1))))
      r.tokens = 13
      assert.has_error(function()
        r:run(failing(service_error("X", 500), 1))
      end)
    end)
  end)

  it("pauses a long poll even without quota", function()
    local r = retry.new({}, "SQS")
    r.tokens = 0
    assert.same(
      { 1 },
      with_luck(1, function()
        errors.try(
          r.run,
          r,
          failing(service_error("Throttling", 400), 9),
          { operation = "ReceiveMessage" }
        )
      end)
    )
  end)

  it("tells what is worth another try", function()
    local function class(fields)
      fields.message = ""
      return retry.classify(errors.new(fields))
    end
    assert.equal("transient", class({ kind = "network", code = "cut" }))
    assert.is_nil(class({ kind = "network", code = "tls" }))
    assert.equal("timeout", class({ kind = "timeout", code = "timeout_first_byte" }))
    assert.is_nil(class({ kind = "timeout", code = "deadline" }))
    assert.is_nil(class({ kind = "cancelled", code = "SIGINT" }))
    assert.equal(
      "throttling",
      class({ kind = "service", code = "ThrottlingException", status = 400 })
    )
    assert.equal("throttling", class({ kind = "service", code = "429", status = 429 }))
    assert.is_nil(class({ kind = "service", code = "Known", status = 429, retryable = false }))
    assert.equal(
      "throttling",
      class({ kind = "service", code = "Slow", status = 400, retryable = true, throttling = true })
    )
    assert.is_nil(class({ kind = "service", code = "ParameterNotFound", status = 400 }))
    assert.equal(
      "transient",
      class({ kind = "service", code = "Odd", status = 400, retryable = true })
    )
    assert.equal(
      "transient",
      class({ kind = "service", service = "sts", code = "IDPCommunicationError", status = 400 })
    )
    assert.equal("transient", class({ kind = "reply", code = "html", status = 502 }))
    assert.is_nil(class({ kind = "reply", code = "html", status = 200 }))
    assert.equal("transient", class({ kind = "integrity", code = "checksum", retryable = true }))
    assert.is_nil(class({ kind = "integrity", code = "checksum", retryable = false }))
  end)

  it("reads what servers ask for", function()
    assert.equal(1.5, retry.after({ { "retry-after", "9" }, { "x-amz-retry-after", "1500" } }))
    assert.equal(9, retry.after({ { "retry-after", "9" } }))
    outside.with({
      now = function()
        return 784111770
      end,
    }, function()
      assert.equal(7, retry.after({ { "retry-after", "Sun, 06 Nov 1994 08:49:37 GMT" } }))
      assert.equal(0, retry.after({ { "retry-after", "Sun, 06 Nov 1994 08:49:00 GMT" } }))
    end)
    assert.is_nil(retry.after({ { "retry-after", "soon" }, { "x-amz-retry-after", "-4" } }))
  end)

  it("learns nothing from a date that is none", function()
    local r = retry.new({}, "SSM")
    local e = service_error("RequestExpired", 400)
    local dates = { "Sun, 06 Nov 1994 99:99:99 GMT", "Sun, 31 Feb 2094 08:49:37 GMT", "" }
    for _, date in ipairs(dates) do
      assert.is_false(r:learn_skew(e, date, true, 0), date)
      assert.is_nil(retry.after({ { "retry-after", date } }))
    end
    assert.equal(0, r.skew)
  end)

  it("learns the clock's error from a refusal that can be trusted", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    local now = {
      now = function()
        return 784111777 - 600
      end,
    }
    local date = "Sun, 06 Nov 1994 08:49:37 GMT"
    outside.with(now, function()
      local r = retry.new({}, "SSM")
      assert.is_false(r:learn_skew(service_error("RequestExpired", 400), date, false, 0))
      assert.is_false(r:learn_skew(service_error("AccessDenied", 400), date, true, 0))
      assert.is_true(r:learn_skew(service_error("RequestExpired", 400), date, true, 0))
      assert.equal(600, r.skew)
      assert.is_false(r:learn_skew(service_error("RequestExpired", 400), date, true, 600))
      local head = retry.new({}, "S3")
      assert.is_true(head:learn_skew(service_error("403", 403), date, true, 0))
    end)
  end)
end)
