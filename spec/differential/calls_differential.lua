--- Every operation of every service, called by botocore and by awsbak against one recording server:
--- the requests are the same, and so is what is made of the replies.
---
--- `AWSBAK_SEED=N` repeats a run, `AWSBAK_CASES=N` makes N calls of each operation instead of 2,
--- `AWSBAK_SERVICES="s3 ec2"` takes just those.

local aws = require("aws")
local child = require("spec.support.child")
local data = require("aws.data")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local network = require("spec.support.network")
local outside = require("awsbak.outside")
local plain = require("spec.support.plain")
local reference = require("spec.support.reference")
local scratch = require("spec.support.scratch")
local text = require("awsbak.text")

local CASES = os.getenv("AWSBAK_CASES") or "2"
local SHOWN = 40 -- disagreements that a failure shows

--- The services to compare: all but signin, whose control plane ignores a configured endpoint, so
--- that botocore would call AWS.
local function services()
  local all = table.concat(data.services(), " ")
  return os.getenv("AWSBAK_SERVICES") or (all:gsub("signin ", ""))
end

--- A message as JSON can hold it: it may have bytes of a proxy's page in it.
local function as_text(message)
  return utf8.len(message) and message or text.escape(message)
end

local function call(client, case)
  local output, err = errors.try(client.call, case.operation, plain.read(case.input))
  if output then
    return { output = plain.write(output) }
  elseif err.kind == "service" then
    return {
      code = err.code,
      message = as_text(err.message),
      status = err.status,
      request_id = err.request_id,
      fields = plain.write(err.fields or {}),
    }
  end
  return { awsbak = as_text(tostring(err)) }
end

local function write(path, content)
  local file <close> = assert(io.open(path, "wb"))
  file:write(content)
end

--- Compare one service: how many operations and calls, and what differs.
local function compare(service, python, seed)
  local dir <close> = scratch.new()
  local script = "spec/support/differential.py"
  local side <close> = child.start_with(python, script, dir:path(), service, seed, CASES)
  local told = side:call("cases")
  local cases = assert(json.decode(dir:read("cases.json"), { max_depth = 1000 }))
  local results, operations = json.array(), {}
  outside.with({
    getenv = function(name)
      return name == "AWS_DISABLE_HOST_PREFIX_INJECTION" and "true" or nil
    end,
    read_file = function(path)
      return nil, { kind = "io", code = "ENOENT", message = "there is no " .. path }
    end,
  }, function()
    local client = aws.client(service, {
      region = "us-east-1",
      endpoint_url = ("http://127.0.0.1:%d"):format(told.port),
      credentials = network.KEYS,
      attempts = 1,
    })
    for i, case in ipairs(cases) do
      results[i] = call(client, case)
      operations[case.operation] = true
    end
  end)
  write(dir:path() .. "/results.json", json.encode(results))
  local count = 0
  for _ in pairs(operations) do
    count = count + 1
  end
  return count, #cases, side:call("compare")
end

describe("calls beside botocore's", function()
  local python, reason = reference.python()
  local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
  local total = { services = 0, operations = 0, calls = 0 }

  for service in services():gmatch("%S+") do
    it("of " .. service .. " are the same", function()
      if not python then
        pending(reason)
      end
      local operations, calls, differences = compare(service, python, seed)
      total.services = total.services + 1
      total.operations = total.operations + operations
      total.calls = total.calls + calls
      local shown = table.concat(differences, "\n", 1, math.min(#differences, SHOWN))
      local said = ("seed %s: %d differences\n%s"):format(seed, #differences, shown)
      assert.equal(0, #differences, said)
    end)
  end

  teardown(function()
    io.write(
      ("\n%d services, %d operations, %d calls, seed %s\n"):format(
        total.services,
        total.operations,
        total.calls,
        seed
      )
    )
  end)
end)
