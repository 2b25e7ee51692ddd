local outside = require("awsbak.outside")
local settings = require("awsbak.settings")
local task = require("awsbak.task")

local function with_environment(variables, f)
  return outside.with({
    getenv = function(name)
      return variables[name]
    end,
  }, f)
end

describe("settings.get", function()
  it("prefers the flag to the variable, and says where a value comes from", function()
    with_environment({ AWSBAK_REGION = "from-env" }, function()
      assert.same({ "from-env", "AWSBAK_REGION" }, { settings.get("region") })
      settings.with({ region = "from-flag" }, function()
        assert.same({ "from-flag", "--region" }, { settings.get("region") })
      end)
      assert.equal("from-env", (settings.get("region")))
    end)
  end)

  it("is nil when nobody said anything", function()
    with_environment({}, function()
      assert.is_nil(settings.get("timeout"))
    end)
  end)

  it("makes values what their kind says", function()
    with_environment(
      { AWSBAK_TIMEOUT = "5m", AWSBAK_YES = "1", AWSBAK_CONCURRENCY = "4" },
      function()
        assert.same({ 300, true, 4 }, {
          (settings.get("timeout")),
          (settings.get("yes")),
          (settings.get("concurrency")),
        })
      end
    )
  end)

  it("names a variable that is wrong", function()
    with_environment({ AWSBAK_OUTPUT = "xml" }, function()
      local ok, e = pcall(settings.get, "output")
      assert.is_false(ok)
      assert.equal("AWSBAK_OUTPUT must be one of table, json, jsonl, not 'xml'", tostring(e))
    end)
  end)
end)

describe("settings.with", function()
  it("puts the old settings back after an error", function()
    with_environment({}, function()
      pcall(settings.with, { region = "x" }, error, "boom")
      assert.is_nil((settings.get("region")))
    end)
  end)

  it("holds in the tasks that the call starts, and in no other", function()
    with_environment({}, function()
      local inside, beside
      task.all({
        function()
          settings.with({ region = "x" }, function()
            task.sleep(0)
            task.all({
              function()
                task.sleep(0)
                inside = settings.get("region")
              end,
            })
          end)
        end,
        function()
          task.sleep(0)
          beside = settings.get("region")
        end,
      })
      assert.equal("x", inside)
      assert.is_nil(beside)
    end)
  end)

  it("leaves nothing behind when two calls overlap", function()
    with_environment({}, function()
      local first, second
      local function hold(seconds)
        return function()
          settings.with({ yes = true }, task.sleep, seconds)
        end
      end
      task.all({ hold(0.001), hold(0.002) })
      first = settings.get("yes")
      task.all({ hold(0.002), hold(0.001) })
      second = settings.get("yes")
      assert.same({}, { first, second })
    end)
  end)
end)
