local aws = require("aws")
local config = require("aws.config")
local outside = require("awsbak.outside")
local route = require("aws.route")
local server = require("spec.support.server")

local IMDS = "http://169.254.169.254/latest/meta-data/placement/region"

--- What a request has in a world of this environment and config file, whose EC2 instance is in
--- `instance`, or is none.
local function added(env, text, instance)
  return outside.with({
    getenv = function(name)
      return env[name]
    end,
    read_file = function(path)
      if path:find("config$") then
        return text or ""
      end
      return nil, { kind = "io", code = "ENOENT", message = "no file" }
    end,
    send = function(request)
      if not instance then
        error({ kind = "network", code = "connect", message = "no network" }, 0)
      elseif request.method == "PUT" then
        return { status = 200, headers = {}, body = "token" }
      end
      assert.equal(IMDS, request.url)
      return { status = 200, headers = {}, body = instance }
    end,
  }, function()
    return route.add(config.resolve(), {})
  end)
end

describe("the way of requests", function()
  it("has a limit for connections by the defaults mode", function()
    local modes = { legacy = 3.1, standard = 3.1, mobile = 30 }
    modes["in-region"], modes["cross-region"] = 1.1, 3.1
    for mode, seconds in pairs(modes) do
      assert.equal(seconds, added({ AWS_DEFAULTS_MODE = mode }).timeout_connect)
      assert.equal(seconds, added({}, "[default]\ndefaults_mode = " .. mode).timeout_connect)
    end
    assert.equal(3.1, added({}).timeout_connect)
  end)

  it("finds out by itself whether it stays in the region, when told to", function()
    local env = { AWS_DEFAULTS_MODE = "auto", AWS_EXECUTION_ENV = "AWS_Lambda" }
    local profile = "[default]\nregion = eu-west-1"
    env.AWS_DEFAULT_REGION = "eu-west-1"
    assert.equal(1.1, added(env, profile).timeout_connect)
    env.AWS_EXECUTION_ENV, env.AWS_DEFAULT_REGION = nil, nil
    assert.equal(1.1, added(env, profile, "eu-west-1").timeout_connect)
    assert.equal(3.1, added(env, profile, "us-east-1").timeout_connect)
    assert.equal(3.1, added(env, profile).timeout_connect)
    assert.equal(1.1, added(env, "", "eu-west-1").timeout_connect)
  end)

  it("has the files of certificates that the settings name", function()
    local request = added(
      { AWS_CA_BUNDLE = "/a.pem" },
      "[default]\nproxies_config =\n  proxy_ca_bundle = /b.pem\n  proxy_client_cert = /c.pem"
    )
    assert.equal("/a.pem", request.ca_file)
    assert.equal("/b.pem", request.proxy_ca_file)
    assert.equal("/c.pem", request.proxy_cert_file)
    assert.same({ timeout_connect = 3.1 }, added({}))
  end)

  it("leads a client's requests through a proxy that speaks TLS", function()
    local peer <close> = server.start({ tls = { names = { "127.0.0.1", "ssm.test" } }, ssm = 3 })
    local env = { HTTPS_PROXY = peer.tls_url, AWS_CA_BUNDLE = peer.ca_file }
    outside.with({
      getenv = function(name)
        return env[name]
      end,
    }, function()
      local ssm = aws.client("ssm", {
        region = "us-east-1",
        endpoint_url = "https://ssm.test",
        credentials = { access_key_id = "AKID", secret_access_key = "secret" },
      })
      assert.equal(3, #ssm.describe_parameters({}).Parameters)
    end)
    assert.equal(1, peer:counts().CONNECT)
  end)
end)
