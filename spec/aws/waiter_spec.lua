local data = require("aws.data")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local outside = require("awsbak.outside")
local plain = require("spec.support.plain")
local reference = require("spec.support.reference")
local waiter = require("aws.waiter")

local who = { service = "fake", operation = "Describe" }

local function service_error(code, status)
  return errors.new({ kind = "service", code = code, status = status, message = code })
end

--- Run a waiter over outcomes (an error is raised by the call); returns what it gave, or its error,
--- and the seconds it slept.
local function wait(acceptors, outcomes, options)
  local compiled = waiter.compile({
    operation = "Describe",
    delay = 5,
    max_attempts = 4,
    acceptors = acceptors,
  })
  local calls, slept = 0, {}
  local function call()
    calls = calls + 1
    local outcome = assert(outcomes[calls], "one call too many")
    if errors.is(outcome) then
      error(outcome, 0)
    end
    return { output = outcome, status = 200 }
  end
  local function sleep(seconds)
    slept[#slept + 1] = seconds
  end
  local output, err
  outside.with({ sleep = sleep }, function()
    output, err = errors.try(waiter.wait, call, compiled, options or {}, who)
  end)
  return output, err, slept
end

local function acceptor(matcher, argument, expected, state)
  return { matcher = matcher, argument = argument, expected = expected, state = state or "success" }
end

describe("aws.waiter", function()
  it("calls again after the delay until the path holds the wanted value", function()
    local acceptors = { acceptor("path", "Table.Status", "ACTIVE") }
    local output, _, slept =
      wait(acceptors, { { Table = { Status = "CREATING" } }, { Table = { Status = "ACTIVE" } } })
    assert.same({ Table = { Status = "ACTIVE" } }, output)
    assert.same({ 5 }, slept)
  end)

  it("wants every element with pathAll, and at least one element", function()
    local acceptors = { acceptor("pathAll", "Items[].State", "done") }
    local output = wait(acceptors, {
      { Items = {} },
      { Items = { { State = "done" }, { State = "pending" } } },
      { Items = { { State = "done" }, { State = "done" } } },
    })
    assert.equal(2, #output.Items)
  end)

  it("fails at once when pathAny finds an element in a final state", function()
    local acceptors = {
      acceptor("pathAll", "Items[].State", "done"),
      acceptor("pathAny", "Items[].State", "failed", "failure"),
    }
    local _, err, slept =
      wait(acceptors, { { Items = { { State = "done" }, { State = "failed" } } } })
    assert.equal("waiter_failed", err.code)
    assert.equal("service", err.kind)
    assert.same({}, slept)
  end)

  it("matches the HTTP status, of errors too", function()
    local acceptors = { acceptor("status", nil, 200), acceptor("status", nil, 404, "retry") }
    local output, err = wait(acceptors, { service_error("NotFound", 404), { found = true } })
    assert.is_nil(err)
    assert.same({ found = true }, output)
  end)

  it("matches an error code, any error, and no error", function()
    assert.is_nil(
      select(2, wait({ acceptor("error", nil, "Gone") }, { {}, service_error("Gone", 400) }))
    )
    assert.is_nil(
      select(2, wait({ acceptor("error", nil, true) }, { {}, service_error("X", 400) }))
    )
    assert.is_nil(select(2, wait({ acceptor("error", nil, false) }, { {} })))
  end)

  it("raises an error that no matcher speaks of", function()
    local _, err = wait({ acceptor("path", "A", 1) }, { service_error("AccessDenied", 403) })
    assert.equal("AccessDenied", err.code)
  end)

  it("raises an error that is not the service's without asking the matchers", function()
    local lost = errors.new({ kind = "network", code = "connect", message = "no way" })
    local _, err = wait({ acceptor("error", nil, true) }, { lost })
    assert.equal("network", err.kind)
  end)

  it("gives up after its tries, without a last pause", function()
    local _, err, slept = wait({ acceptor("path", "A", 1) }, { {}, {}, {}, {} })
    assert.equal("timeout", err.kind)
    assert.equal("waiter_timeout", err.code)
    assert.same({ 5, 5, 5 }, slept)
  end)

  it("takes delay and tries from the caller", function()
    local _, err, slept = wait({ acceptor("path", "A", 1) }, { {}, {} }, { delay = 0.5, tries = 2 })
    assert.equal("waiter_timeout", err.code)
    assert.same({ 0.5 }, slept)
  end)
end)

describe("the waiters of all services", function()
  local RUNS <const> = 20 -- of each
  local ENDS <const> = { waiter_failed = "failure", waiter_timeout = "timeout" }

  --- How a waiter ends, and after how many calls.
  local function end_of(case)
    local calls = 0
    local function call()
      calls = calls + 1
      local outcome = case.outcomes[calls]
      if outcome.code then
        error(service_error(outcome.code, outcome.status), 0)
      end
      return { output = plain.read(outcome.output), status = 200 }
    end
    local compiled = waiter.compile(model.load(case.service):waiter(case.waiter))
    local options = { delay = 0, tries = #case.outcomes }
    local _, err = errors.try(waiter.wait, call, compiled, options, who)
    return err and (ENDS[err.code] or "error") or "success", calls
  end

  it("end as botocore's do", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local services = table.concat(data.services(), " ")
    local asked = ("%s %d %s"):format(seed, RUNS, services)
    local ends, waiters = {}, {}
    outside.with({ sleep = function() end }, function()
      for _, case in ipairs(reference.ask(asked, "reference_waiters.py")) do
        local where = ("seed %s, %s"):format(seed, json.encode(case))
        local found, calls = end_of(case)
        assert.same({ case["end"], case.calls }, { found, calls }, where)
        ends[found], waiters[case.service .. case.waiter] = (ends[found] or 0) + 1, true
      end
    end)
    local count = 0
    for _ in pairs(waiters) do
      count = count + 1
    end
    assert.is_true(count > 70, count .. " waiters")
    for _, name in ipairs({ "success", "failure", "timeout", "error" }) do
      assert.is_true((ends[name] or 0) > 10, name)
    end
  end)
end)
