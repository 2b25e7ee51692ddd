local errors = require("awsbak.errors")
local world = require("spec.support.world")

describe("credentials of a container", function()
  local container = require("aws.credentials.container")
  local ANSWER =
    '{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-01T00:00:00Z"}'

  local function served(requests, body, status)
    return function(request)
      requests[#requests + 1] = request
      return { status = status or 200, headers = {}, body = body or ANSWER }
    end
  end

  it("come from the address of ECS, never through a proxy", function()
    local requests = {}
    local env = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/v2/x", HTTP_PROXY = "http://proxy:1" }
    local keys = world.keys({ env = env, send = served(requests) })
    assert.equal("ASIA", keys.access_key_id)
    assert.equal(1893456000, keys.expires)
    assert.equal("http://169.254.170.2/v2/x", requests[1].url)
    assert.equal("", requests[1].proxy)
  end)

  it("send the token of the file rather than that of the variable", function()
    local requests = {}
    local env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://169.254.170.23/x",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "/tok",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "variable",
    }
    world.keys({ env = env, files = { ["/tok"] = "file" }, send = served(requests) })
    assert.same({ "Authorization", "file" }, requests[1].headers[2])
  end)

  it("refuse a token with a line break, without showing it", function()
    local env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://localhost/x",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "tok\r\nX: y",
    }
    local _, e = world.keys({ env = env, send = served({}) })
    assert.equal("container", e.code)
    assert.falsy(tostring(e):find("tok\r", 1, true))
  end)

  it("are asked of allowed hosts only", function()
    for _, url in ipairs({
      "http://127.0.0.1:8080/x",
      "http://127.1.2.3/",
      "http://[::1]:80/",
      "http://[fd00:ec2::23]/x",
      "http://localhost/x",
      "https://anything.example/x",
    }) do
      container.check_url(url)
    end
    for _, url in ipairs({
      "http://example.com/x",
      "http://169.254.169.254/x",
      "http://127.0.0.1.evil.example/",
      "http://localhost@evil.example/",
      "http://127.0.0.1@evil.example/",
      "http://localhost:80@evil.example/",
      "http://169.254.170.2.nip.io/",
      "https://localhost@evil.example/",
      "file:///etc/passwd",
    }) do
      local _, e = errors.try(container.check_url, url)
      assert.equal("container", e and e.code, url)
    end
  end)

  it("are asked for three times, then the reason is said", function()
    local requests = {}
    local here = {
      env = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/x" },
      send = served(requests, "no", 500),
    }
    local _, e = world.keys(here)
    assert.equal(3, #requests)
    assert.equal(2, here.slept)
    assert.truthy(e.message:find("500", 1, true))
    here.send = served(requests, '{"AccessKeyId":"x"}')
    local _, f = world.keys(here)
    assert.truthy(f.message:find("SecretAccessKey", 1, true))
  end)
end)
