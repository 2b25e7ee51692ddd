local config = require("aws.config")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")

--- Call `f` with this environment and these files ("config", "credentials") and nothing else.
local function with(world, f)
  local env = world.env or {}
  env.HOME = "/home/x"
  outside.with({
    getenv = function(name)
      return env[name]
    end,
    read_file = function(path)
      local text = ({
        ["/home/x/.aws/config"] = world.config,
        ["/home/x/.aws/credentials"] = world.credentials,
      })[path]
      return text, not text and { kind = "io", code = "ENOENT", message = "no file" } or nil
    end,
    send = function()
      error({ kind = "network", code = "connect", message = "no network" }, 0)
    end,
  }, f)
end

local function resolve(world, options)
  local cfg
  with(world, function()
    cfg = config.resolve(options)
  end)
  return cfg
end

local function refusal(world, options)
  local _, e = errors.try(resolve, world, options)
  assert(errors.is(e), "it was accepted")
  return e
end

describe("config", function()
  it(
    "takes the region from option, AWS_REGION, AWS_DEFAULT_REGION, profile, in this order",
    function()
      local world = {
        env = { AWS_REGION = "a-a-1", AWS_DEFAULT_REGION = "b-b-1" },
        config = "[default]\nregion = c-c-1",
      }
      assert.equal("o-o-1", resolve(world, { region = "o-o-1" }).region)
      assert.equal("a-a-1", resolve(world).region)
      world.env.AWS_REGION = nil
      assert.equal("b-b-1", resolve(world).region)
      world.env.AWS_DEFAULT_REGION = nil
      local cfg = resolve(world)
      assert.equal("c-c-1", cfg.region)
      assert.equal("[default] in ~/.aws/config", cfg.region_source)
    end
  )

  it("uses the profile of AWS_PROFILE before that of AWS_DEFAULT_PROFILE", function()
    local world = {
      env = { AWS_PROFILE = "a", AWS_DEFAULT_PROFILE = "b" },
      config = "[profile a]\n[profile b]",
    }
    local cfg = resolve(world)
    assert.equal("a", cfg.profile)
    assert.is_false(cfg.profile_explicit)
    assert.is_true(resolve(world, { profile = "b" }).profile_explicit)
  end)

  it("names a profile that is missing, and the nearest one", function()
    local e = refusal({ env = { AWS_PROFILE = "prodd" }, config = "[profile prod]" })
    assert.equal("no_profile", e.code)
    assert.truthy(e.message:find("AWS_PROFILE", 1, true))
    assert.equal("did you mean prod?", e.hint)
  end)

  it("lets the credentials file win over the config file, key by key", function()
    local cfg = resolve({
      config = "[profile 'a b']\nregion = c-c-1\nca_bundle = /c",
      credentials = "[a b]\nca_bundle = /d",
    }, { profile = "a b" })
    assert.equal("/d", cfg.ca_bundle)
    assert.equal("c-c-1", cfg.region)
  end)

  it("takes names of files from the environment, with ~ and variables expanded", function()
    local seen = {}
    outside.with({
      getenv = function(name)
        return ({
          HOME = "/h",
          D = "/dir",
          AWS_CONFIG_FILE = "$D/c",
          AWS_SHARED_CREDENTIALS_FILE = "~/cred",
        })[name]
      end,
      read_file = function(path)
        seen[#seen + 1] = path
        return ""
      end,
    }, config.resolve)
    table.sort(seen)
    assert.same({ "/dir/c", "/h/cred" }, seen)
  end)

  it("finds a service's endpoint in the order of the SDKs", function()
    local world = {
      env = { AWS_ENDPOINT_URL_DYNAMODB_STREAMS = "http://1", AWS_ENDPOINT_URL = "http://2" },
      config = "[default]\nservices = dev\nendpoint_url = http://4\n"
        .. "[services dev]\ndynamodb_streams =\n  endpoint_url = http://3",
    }
    local function url(options)
      local cfg, found = resolve(world, options), nil
      with(world, function()
        found = cfg:endpoint_url("DynamoDB Streams")
      end)
      return found
    end
    assert.equal("http://0", url({ endpoint_url = "http://0" }))
    assert.equal("http://1", url())
    world.env.AWS_ENDPOINT_URL_DYNAMODB_STREAMS = nil
    assert.equal("http://2", url())
    world.env.AWS_ENDPOINT_URL = nil
    assert.equal("http://3", url())
    world.config = "[default]\nendpoint_url = http://4"
    assert.equal("http://4", url())
    world.env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "true"
    assert.is_nil(url())
    assert.equal("http://0", url({ endpoint_url = "http://0" }))
  end)

  it("says that a services section is missing", function()
    local world = { config = "[default]\nservices = dev" }
    local cfg = resolve(world)
    with(world, function()
      local _, e = errors.try(cfg.endpoint_url, cfg, "SSM")
      assert.equal("no_services", e.code)
    end)
  end)

  it("refuses wrong values, naming setting and source", function()
    for variable, value in pairs({
      AWS_MAX_ATTEMPTS = "many",
      AWS_RETRY_MODE = "eager",
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "yes",
      AWS_NEW_RETRIES_2026 = "2",
    }) do
      local world = { env = { [variable] = value } }
      local cfg, e
      with(world, function()
        cfg, e = errors.try(config.resolve)
        if cfg then
          cfg, e = errors.try(cfg.endpoint_url, cfg, "SSM")
        end
      end)
      assert.equal("bad_setting", e.code)
      assert.truthy(e.message:find(variable, 1, true))
      assert.truthy(e.hint)
    end
  end)

  it("keeps numbers within their limits", function()
    local function refuses(variable, value)
      local world = { env = { ["AWS_" .. variable] = value } }
      local cfg = resolve(world)
      local _, e
      with(world, function()
        _, e = errors.try(cfg.get, cfg, variable:lower())
      end)
      return e and e.hint
    end
    assert.equal("it is a number of at least 0", refuses("METADATA_SERVICE_TIMEOUT", "-1"))
    local size = "REQUEST_MIN_COMPRESSION_SIZE_BYTES"
    assert.equal("it is a whole number from 0 to 10485760", refuses(size, "10485761"))
    assert.is_nil(refuses(size, "10485760"))
  end)

  it("says which word was most likely meant", function()
    local e = refusal({ env = { AWS_RETRY_MODE = "adaptiv" } })
    assert.equal("it is one of standard, legacy, adaptive; did you mean adaptive?", e.hint)
    e = refusal({ config = "[default]\nretry_mode = nonsense" })
    assert.equal("it is one of standard, legacy, adaptive", e.hint)
  end)

  it("refuses an empty AWS_CA_BUNDLE, which others take for trust in everybody", function()
    local environ = function()
      return { AWS_CA_BUNDLE = "" }
    end
    outside.with({ environ = environ }, function()
      assert.matches("^AWS_CA_BUNDLE is empty", refusal({}).message)
    end)
    local e = refusal({ config = "[default]\nca_bundle =" })
    assert.equal("ca_bundle ([default] in ~/.aws/config) is empty", e.message)
  end)

  it("refuses that a proxy reads requests, and accepts the same setting switched off", function()
    local setting = "[default]\nproxies_config =\n  proxy_use_forwarding_for_https = %s"
    local e = refusal({ config = setting:format("true") })
    assert.equal("refused", e.code)
    assert.matches("^proxy_use_forwarding_for_https is true %(%[default%] in ", e.message)
    resolve({ config = setting:format("false") })
  end)

  it("refuses a bearer token of the service in use, and of no other", function()
    local world = { env = { AWS_BEARER_TOKEN_BEDROCK = "hunter2" } }
    local cfg = resolve(world)
    with(world, function()
      cfg:check("SSM", "ssm")
      local _, e = errors.try(cfg.check, cfg, "Bedrock Runtime", "bedrock")
      assert.equal("config", e.kind)
      assert.truthy(e.message:find("AWS_BEARER_TOKEN_BEDROCK is set", 1, true))
      assert.falsy(tostring(e):find("hunter2", 1, true))
    end)
  end)

  it("warns once of settings made in vain where they would be used", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    local world = {
      config = "[default]\ns3 =\n  max_bandwidth = 5MB/s\noutput = json\ntcp_keepalive = true",
    }
    local cfg = resolve(world)
    assert.same({}, log.lines)
    with(world, function()
      cfg:check("S3", "s3")
      cfg:check("S3", "s3")
    end)
    assert.equal(1, #log.lines)
    assert.truthy(log.lines[1]:find("s3_max_bandwidth ([default] in ~/.aws/config)", 1, true))
  end)

  it("asks an instance for the region only when nothing else knows it, and once", function()
    local cfg = resolve({})
    local sent = 0
    outside.with({
      getenv = function() end,
      send = function(request)
        sent = sent + 1
        return {
          status = 200,
          headers = {},
          body = request.method == "PUT" and "token" or "eu-west-3",
        }
      end,
    }, function()
      assert.equal("eu-west-3", cfg:find_region())
      assert.equal("eu-west-3", cfg:find_region())
    end)
    assert.equal(2, sent)
  end)

  it("shows neither secrets nor whole files in its errors", function()
    local e = refusal({
      credentials = "[default]\naws_secret_access_key = wJalr\naws_secret_access_key = wJalr",
    })
    assert.falsy(tostring(e):find("wJalr", 1, true))
    local cfg = resolve({ credentials = "[default]\naws_secret_access_key = wJalr" })
    assert.equal("<secret>", tostring((cfg:key("default", "aws_secret_access_key"))))
  end)
end)
