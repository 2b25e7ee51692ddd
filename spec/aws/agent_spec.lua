local agent = require("aws.agent")
local aws = require("aws")
local config = require("aws.config")
local headers = require("awsbak.headers")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local reference = require("spec.support.reference")

--- Call `f` in an environment of just these variables, without config files.
local function with_env(env, f, ...)
  return outside.with({
    getenv = function(name)
      return env[name]
    end,
    read_file = function()
      return nil, { kind = "io", code = "ENOENT", message = "" }
    end,
  }, f, ...)
end

local function agent_of(env)
  return with_env(env, function()
    return agent.of(config.resolve())
  end)
end

--- The headers of a request of ssm that is built in this environment.
local function request_headers(env)
  return with_env(env, function()
    local ssm = aws.client("ssm", {
      region = "eu-west-1",
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
    return ssm.build("GetParameter", { Name = "/a" }).headers
  end)
end

describe("the User-Agent", function()
  it("names program, version, Lua and retry mode", function()
    local words = agent_of({})
    assert.matches("^awsbak/[%d.]+ ua/2%.1 os/linux lang/lua#5%.4 cfg/retry%-mode#standard$", words)
    assert.matches("cfg/retry%-mode#adaptive$", agent_of({ AWS_RETRY_MODE = "adaptive" }))
  end)

  it("names environment and application, without what would break it", function()
    local words = agent_of({
      AWS_EXECUTION_ENV = "AWS Lambda#1",
      AWS_SDK_UA_APP_ID = "my shop/1\r\nX: y#2",
    })
    assert.matches(" exec%-env/AWS%-Lambda%-1 cfg/[^ ]+ app/my%-shop%-1%-%-X%-%-y#2$", words)
  end)

  it("warns of a long name of an application, and sends it", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    local name = ("x"):rep(51)
    assert.matches(" app/" .. name .. "$", agent_of({ AWS_SDK_UA_APP_ID = name }))
    assert.matches("sdk_ua_app_id %(AWS_SDK_UA_APP_ID%) has more than 50", log.lines[1])
  end)

  it("is sent with each request, and not signed", function()
    local list = request_headers({ AWS_SDK_UA_APP_ID = "shop" })
    assert.matches("^awsbak/.* app/shop$", headers.find(list, "user-agent"))
    assert.not_matches("user%-agent", headers.find(list, "authorization"))
  end)
end)

describe("the trace of a Lambda function", function()
  it("is told in every request, and not signed", function()
    local list = request_headers({
      AWS_LAMBDA_FUNCTION_NAME = "backup",
      _X_AMZN_TRACE_ID = "Root=1-5759e988-bd862e3f;Sampled=1",
    })
    assert.equal("Root=1-5759e988-bd862e3f;Sampled=1", headers.find(list, "x-amzn-trace-id"))
    assert.not_matches("trace", headers.find(list, "authorization"))
  end)

  it("is told of nowhere else", function()
    assert.is_nil(headers.find(request_headers({ _X_AMZN_TRACE_ID = "x" }), "x-amzn-trace-id"))
    local list = request_headers({ AWS_LAMBDA_FUNCTION_NAME = "backup" })
    assert.is_nil(headers.find(list, "x-amzn-trace-id"))
  end)
end)

it("agent and trace are written as botocore writes them", function()
  local python, reason = reference.python()
  if not python then
    pending(reason)
  end
  local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
  for _, case in ipairs(reference.ask(("agents %s 200"):format(seed))) do
    local env = {
      AWS_LAMBDA_FUNCTION_NAME = "f",
      _X_AMZN_TRACE_ID = case.id,
      AWS_EXECUTION_ENV = case.id,
      AWS_SDK_UA_APP_ID = case.id,
    }
    local ours = agent_of(env)
    for _, part in ipairs(case.agent) do
      assert.truthy((ours .. " "):find(" " .. part .. " ", 1, true), seed .. ": " .. part)
    end
    assert.equal(case.trace, with_env(env, agent.trace), seed)
  end
end)
