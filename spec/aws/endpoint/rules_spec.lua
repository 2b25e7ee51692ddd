local data = require("aws.data")
local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local reference = require("spec.support.reference")
local rules = require("aws.endpoint.rules")

local CASES = 300 -- of each service; S3 has ten times as many

local function set_of(rule_list)
  return { parameters = { Region = { type = "string" } }, rules = rule_list }
end

local function is_equal(a, b)
  return { fn = "stringEquals", argv = { a, b } }
end

describe("endpoint rules", function()
  it("take the first rule whose conditions hold", function()
    local set = set_of({
      { conditions = { is_equal({ ref = "Region" }, "a") }, endpoint = { url = "https://first" } },
      { conditions = {}, endpoint = { url = "https://{Region}.second" } },
    })
    assert.equal("https://first", rules.resolve(set, { Region = "a" }).url)
    assert.equal("https://b.second", rules.resolve(set, { Region = "b" }).url)
  end)

  it("forget what a rule assigned when it does not fit", function()
    local assign = { fn = "parseURL", argv = { "https://x" }, assign = "Url" }
    local set = set_of({
      { conditions = { assign, is_equal("a", "b") }, endpoint = { url = "https://first" } },
      {
        conditions = { { fn = "isSet", argv = { { ref = "Url" } } } },
        endpoint = { url = "https://leaked" },
      },
      { conditions = {}, endpoint = { url = "https://last" } },
    })
    assert.equal("https://last", rules.resolve(set, {}).url)
  end)

  it("refuse with the words of the rule", function()
    local set = set_of({ { conditions = {}, error = "`{Region}` is none" } })
    local found, refusal = rules.resolve(set, { Region = "x" })
    assert.is_nil(found)
    assert.equal("`x` is none", refusal)
  end)

  it("say that no rule fits", function()
    local _, refusal = rules.resolve(set_of({}), {})
    assert.equal("no rule fits", refusal)
  end)

  it("that are wrong or nested without end are no endless loop", function()
    local rule = { conditions = {} }
    rule.rules = { rule }
    local call = { fn = "not" }
    call.argv = { call }
    local wide = { conditions = {}, rules = {} } -- 2^60 ways, each short
    for _ = 1, 60 do
      wide = { conditions = {}, rules = { wide, wide } }
    end
    local no_function = { fn = "nosuch", argv = {} }
    for _, case in ipairs({
      { rule, "have no end" },
      { wide, "have no end" },
      { { conditions = { call }, endpoint = { url = "https://x" } }, "have no end" },
      { { conditions = { no_function }, endpoint = { url = "https://x" } }, "no function nosuch" },
      { { conditions = {}, endpoint = { url = "https://{Nobody}" } }, "Nobody is not set" },
    }) do
      local _, err = errors.try(rules.resolve, set_of({ case[1] }), {})
      assert.matches(case[2], tostring(err), 1, true)
    end
  end)

  local python, reason = reference.python()
  local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())

  local function compare(set, case, service)
    local found, refusal = rules.resolve(set, case.parameters)
    local where = ("%s, seed %s, %s"):format(service, seed, json.encode(case.parameters))
    if case.error then
      assert.is_nil(found, where .. ": botocore says " .. case.error)
      local is_botocores = case.error:find("^No endpoint") or case.error:find("^Cannot find value")
      if not is_botocores then
        assert.equal(case.error, refusal, where)
      end
      return
    end
    assert.is_nil(refusal, where)
    assert.equal(case.url, found.url, where)
    assert.same(case.properties, found.properties, where)
    assert.same(case.headers, found.headers, where)
  end

  it("of every service give what botocore's engine gives", function()
    if not python then
      pending(reason)
    end
    local services = table.concat(data.services(), " ")
    local answers = {
      reference.ask(("%s %d %s"):format(seed, CASES, services), "reference_endpoints.py"),
      reference.ask(("%s %d s3"):format(seed, 10 * CASES), "reference_endpoints.py"),
    }
    local endpoints, compared = 0, 0
    for _, answer in ipairs(answers) do
      for service, cases in pairs(answer) do
        local set = endpoint.rule_set(model.load(service))
        for _, case in ipairs(cases) do
          compare(set, case, service)
          compared = compared + 1
          endpoints = endpoints + (case.url and 1 or 0)
        end
      end
    end
    assert.is_true(compared > 9000 and endpoints > compared / 3)
  end)
end)
