local errors = require("awsbak.errors")
local world = require("spec.support.world")

--- Why the last step of the search, the instance, was passed over.
local function reason(here)
  local steps
  world.with(here, function()
    local provider = world.provider()
    assert.is_nil((errors.try(provider.get, provider)))
    steps = provider:trace()
  end)
  return steps[#steps].detail
end

describe("credentials of an EC2 instance", function()
  local ROLES = "/latest/meta-data/iam/security-credentials/"

  --- A metadata service; `answers` replaces what it says, by path.
  local function instance(answers, requests)
    answers = answers or {}
    return function(request)
      requests[#requests + 1] = request.method .. " " .. request.url
      local path = request.url:match("^%a+://[^/]+(/.*)$")
      local body = ({
        ["/latest/api/token"] = "TOKEN",
        [ROLES] = "my-role",
        [ROLES .. "my-role"] = '{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t",'
          .. '"Expiration":"2030-01-01T00:00:00Z"}',
      })[path]
      local answer = answers[path]
      if type(answer) == "number" then
        return { status = answer, headers = {}, body = "" }
      elseif type(answer) == "table" then
        error(answer, 0)
      end
      return { status = 200, headers = {}, body = answer or body }
    end
  end

  local function world_with(answers, env)
    local requests = {}
    env = env or {}
    env.AWS_EC2_METADATA_DISABLED = env.AWS_EC2_METADATA_DISABLED or "false"
    return { env = env, send = instance(answers, requests), requests = requests }
  end

  it("come with a session token", function()
    local here = world_with()
    local keys = world.keys(here)
    assert.equal("EC2 instance role my-role", keys.source)
    assert.same({
      "PUT http://169.254.169.254/latest/api/token",
      "GET http://169.254.169.254" .. ROLES,
      "GET http://169.254.169.254" .. ROLES .. "my-role",
    }, here.requests)
  end)

  it("are not looked for where that is switched off", function()
    local here = world_with(nil, { AWS_EC2_METADATA_DISABLED = "true" })
    local _, e = world.keys(here)
    assert.equal("no_credentials", e.code)
    assert.same({}, here.requests)
  end)

  it("fall back to version 1 where there is no token service, unless that is disabled", function()
    assert.equal("ASIA", world.keys(world_with({ ["/latest/api/token"] = 404 })).access_key_id)
    local _, e = world.keys(
      world_with({ ["/latest/api/token"] = 404 }, { AWS_EC2_METADATA_V1_DISABLED = "true" })
    )
    assert.equal("imds", e.code)
  end)

  it("are passed over where nobody answers, as often as settings say", function()
    local here = world_with({
      ["/latest/api/token"] = errors.new({
        kind = "timeout",
        code = "timeout_connect",
        message = "no answer",
      }),
    }, { AWS_METADATA_SERVICE_NUM_ATTEMPTS = "3" })
    assert.truthy(reason(here):find("no metadata service answers", 1, true))
    assert.equal(3, #here.requests)
  end)

  it("are passed over where the instance has no role", function()
    assert.truthy(reason(world_with({ [ROLES] = 404 })):find("no role", 1, true))
  end)

  it("live on a while when the service gives old ones", function()
    local old =
      '{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2020-01-01T00:00:00Z"}'
    local keys = world.keys(world_with({ [ROLES .. "my-role"] = old }))
    assert.equal(1800000000 + 15 * 60 + 120, keys.expires)
  end)

  it("are asked for by the variable that older tools have for IPv6", function()
    local here = world_with(nil, { AWS_IMDS_USE_IPV6 = "true" })
    assert.equal("ASIA", world.keys(here).access_key_id)
    assert.equal("PUT http://[fd00:ec2::254]/latest/api/token", here.requests[1])
  end)

  it("are those of the role that settings name, which is not asked for", function()
    local here = world_with(nil, { AWS_EC2_INSTANCE_PROFILE_NAME = "my-role" })
    assert.equal("EC2 instance role my-role", world.keys(here).source)
    assert.same({
      "PUT http://169.254.169.254/latest/api/token",
      "GET http://169.254.169.254" .. ROLES .. "my-role",
    }, here.requests)
  end)

  it("come from another address where settings say so", function()
    local here = world_with(nil, { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = "IPv6" })
    world.keys(here)
    assert.equal("PUT http://[fd00:ec2::254]/latest/api/token", here.requests[1])
    here = world_with(nil, { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1338/" })
    world.keys(here)
    assert.equal("PUT http://127.0.0.1:1338/latest/api/token", here.requests[1])
  end)
end)
