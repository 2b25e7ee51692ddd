-- Refusals of S3 beside botocore: which of them send a request elsewhere, and where to.

local errors = require("awsbak.errors")
local hooks = require("aws.s3.hooks")
local json = require("awsbak.core.json")
local reference = require("spec.support.reference")
local service = require("aws.service")
local world = require("spec.support.world")

local CASES = 200

local function value(of)
  return of ~= json.null and of or nil
end

local function response(status, region)
  return { status = status, headers = region and { { "x-amz-bucket-region", region } } or {} }
end

--- Where the call of a case is sent after its refusal: URL and region; nil for nowhere else.
local function redirected(case)
  local s3 = service.new("s3", {
    region = "eu-west-1",
    endpoint_url = value(case.endpoint_url),
    credentials = { access_key_id = "AKIDEXAMPLE", secret_access_key = "k" },
  })
  local operation = s3:connect().model:operation(case.operation)
  local call = {
    service = s3,
    operation = operation,
    input = case.input,
    request = s3.protocol.build(s3.model, operation, case.input),
  }
  local err = errors.new({
    kind = "service",
    code = case.code,
    message = "refused",
    fields = { Region = value(case.told) },
  })
  if not hooks.correct(call, err, response(case.status, value(case.header))) then
    return nil
  end
  local found = s3:endpoint(call)
  return found.url .. found.path, found.signing_region
end

describe("refusals of S3", function()
  it("send a request where botocore sends it", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local cases = reference.ask(("redirects %s %d"):format(seed, CASES), "reference_calls.py")
    local elsewhere = 0
    for _, case in ipairs(cases) do
      local w = {}
      function w.send()
        return response(403, value(case.asked))
      end
      world.with(w, function()
        local url, region = redirected(case)
        local where = ("seed %s, %s"):format(seed, json.encode(case))
        assert.equal(case.url, url, where)
        assert.equal(case.signed_region, region, where)
        elsewhere = elsewhere + (url and 1 or 0)
      end)
    end
    assert.is_true(elsewhere > CASES / 10 and elsewhere < CASES)
  end)
end)
