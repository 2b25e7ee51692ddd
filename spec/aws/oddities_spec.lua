local config = require("aws.config")
local oddities = require("aws.oddities")
local outside = require("awsbak.outside")

--- The notes on settings in a world of this environment and config file, by setting.
local function notes(env, text, options)
  local found = {}
  env.HOME = "/home/x"
  outside.with({
    getenv = function(name)
      return env[name]
    end,
    environ = function()
      return env
    end,
    stat = function() end,
    read_file = function(path)
      if path == "/home/x/.aws/config" then
        return text or ""
      end
      return nil, { kind = "io", code = "ENOENT", message = "no file" }
    end,
  }, function()
    for _, oddity in ipairs(oddities.of(config.load(options))) do
      assert.is_nil(found[oddity.name])
      found[oddity.name] = oddity.note
    end
  end)
  return found
end

describe("oddities of settings", function()
  it("are none where nothing is odd", function()
    assert.same({}, notes({}))
    local nested = "[default]\ns3 =\n  addressing_style = path"
    assert.same({}, notes({ AWS_REGION = "eu-west-1" }, nested))
    assert.same(
      {},
      notes({
        AWS_LAMBDA_FUNCTION_VERSION = "1",
        AWS_ENDPOINT_URL_SSM = "http://127.0.0.1:1",
        AWS_BEARER_TOKEN_BEDROCK = "x",
        TERM = "xterm",
      })
    )
  end)

  it("are two profiles", function()
    local both = "[profile a]\n[profile b]"
    local found = notes({ AWS_PROFILE = "a", AWS_DEFAULT_PROFILE = "b" }, both)
    assert.equal(
      "AWS_PROFILE is a but AWS_DEFAULT_PROFILE is b, which boto3 takes",
      found.profile
    )
    assert.same({}, notes({ AWS_PROFILE = "a", AWS_DEFAULT_PROFILE = "a" }, both))
  end)

  it("are keys in the environment beside a profile that has others", function()
    local env = { AWS_PROFILE = "a", AWS_ACCESS_KEY_ID = "AKID" }
    assert.matches("not those of profile a", notes(env, "[profile a]").profile)
    assert.same({}, notes(env, "[profile a]", { profile = "a" }))
  end)

  it("are endpoints that are ignored, unless an option names them", function()
    local env = {
      AWS_ENDPOINT_URL = "http://127.0.0.1:1",
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "true",
    }
    assert.matches("^ignored, because of", notes(env).endpoint_url)
    assert.same({}, notes(env, "", { endpoint_url = "http://127.0.0.1:2" }))
    env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS = "false"
    assert.same({}, notes(env))
  end)

  it("are settings that another one makes void", function()
    local found = notes({
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/a",
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://127.0.0.1/b",
    })
    assert.equal(
      "not looked at, because container_relative_uri is set"
        .. " (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)",
      found.container_full_uri
    )
  end)

  it("are files that a variable names and that are not there", function()
    local found = notes({ AWS_CONFIG_FILE = "~/none" })
    assert.matches("^AWS_CONFIG_FILE names a file that is not there", found.config_file)
  end)

  it("are names that look misspelt", function()
    local found = notes(
      { AWS_REGOIN = "eu-west-1" },
      "[default]\nregon = x\nmy_own_tool = y\ns3 =\n  adressing_style = path"
    )
    assert.equal("there is no such setting (a variable); is it AWS_REGION?", found.AWS_REGOIN)
    assert.matches("is it region%?$", found.regon)
    assert.matches("^there is no such setting %(s3 of ", found.adressing_style)
    assert.matches("is it addressing_style%?$", found.adressing_style)
    assert.is_nil(found.my_own_tool)
  end)

  it("say nothing of settings that are wrong, which is said elsewhere", function()
    assert.same({}, notes({ AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = "ipv5" }))
  end)
end)
