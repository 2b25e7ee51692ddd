local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local pace = require("aws.ssm.pace")

describe("aws.ssm.pace", function()
  -- A clock that only sleeping moves.
  local function timed(f)
    local now, slept = 100, {}
    outside.with({
      monotonic = function()
        return now
      end,
      sleep = function(seconds)
        slept[#slept + 1] = seconds
        now = now + seconds
      end,
    }, f)
    return slept
  end

  local function throttling(times, code)
    local calls = 0
    return function(input)
      calls = calls + 1
      if calls <= times then
        errors.raise({
          kind = "service",
          service = "ssm",
          operation = "GetParameter",
          code = code or "ThrottlingException",
          message = "Rate exceeded",
        })
      end
      return input
    end
  end

  it("does not wait while AWS does not throttle", function()
    local call = pace.wrap(throttling(0))
    assert.same(
      {},
      timed(function()
        for i = 1, 100 do
          assert.equal(i, call(i))
        end
      end)
    )
  end)

  it("waits longer after each refusal, and less after each success", function()
    local call = pace.wrap(throttling(3))
    local slept = timed(function()
      for _ = 1, 4 do
        call(1)
      end
    end)
    assert.is_true(slept[1] < slept[2] and slept[2] < slept[3])
    assert.is_true(slept[#slept] < slept[3])
  end)

  it("returns to full speed when the throttling is over", function()
    local call = pace.wrap(throttling(1))
    local slept = timed(function()
      for _ = 1, 100 do
        call(1)
      end
    end)
    assert.is_true(#slept < 50)
  end)

  local function total(list)
    local sum = 0
    for _, seconds in ipairs(list) do
      sum = sum + seconds
    end
    return sum
  end

  it("goes on through a storm of ten minutes", function()
    local call = pace.wrap(throttling(300))
    assert.is_true(total(timed(function()
      assert.equal(1, call(1))
    end)) > 590)
  end)

  it("gives up when nothing succeeds for a quarter of an hour", function()
    local call = pace.wrap(throttling(10000))
    local slept = timed(function()
      local ok, e = pcall(call, 1)
      assert.is_false(ok)
      assert.equal("ThrottlingException", e.code)
    end)
    assert.is_true(total(slept) > 890 and total(slept) < 910)
  end)

  it("takes concurrent updates of one parameter for throttling", function()
    local call = pace.wrap(throttling(2, "TooManyUpdates"))
    timed(function()
      assert.equal(7, call(7))
    end)
  end)

  it("passes every other failure on at once", function()
    local call = pace.wrap(throttling(1, "AccessDeniedException"))
    assert.same(
      {},
      timed(function()
        local ok, e = pcall(call, 1)
        assert.is_false(ok)
        assert.equal("AccessDeniedException", e.code)
      end)
    )
  end)
end)
