-- Roles and the signer against moto: keys that STS gives are used to sign with, and kept.

local config = require("aws.config")
local credentials = require("aws.credentials")
local moto = require("spec.support.moto")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

describe("credentials of roles against moto", function()
  local endpoint

  setup(function()
    endpoint = moto.fresh()
  end)

  --- Keys and identity with these variables and this config file.
  local function identity(world)
    local env = world.env or {}
    env.AWS_ENDPOINT_URL = endpoint
    env.AWS_REGION = "eu-west-1"
    env.AWS_EC2_METADATA_DISABLED = "true"
    local keys, arn
    outside.with({
      getenv = function(name)
        return env[name]
      end,
      read_file = function(path)
        local text = (world.files or {})[path] or (path:match("config$") and world.config)
        return text, not text and { kind = "io", code = "ENOENT", message = "no file" } or nil
      end,
    }, function()
      local provider = credentials.provider(config.resolve({ profile = world.profile }))
      keys = provider:get()
      local sts = require("aws.sts").new({ credentials = provider })
      arn = sts.get_caller_identity({}).Arn
    end)
    return arn, keys
  end

  it("are assumed with another profile's", function()
    local arn, keys = identity({
      profile = "a",
      config = "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/x\n"
        .. "source_profile = b\n"
        .. "role_session_name = me\n"
        .. "[profile b]\naws_access_key_id = AKID\naws_secret_access_key = s",
    })
    assert.equal("arn:aws:sts::123456789012:assumed-role/x/me", arn)
    assert.equal("123456789012", keys.account_id)
    assert.is_true(keys.expires > outside.now() + 600)
    assert.equal("<secret>", tostring(keys.secret_access_key))
  end)

  it("are assumed with a web identity", function()
    local arn = identity({
      env = {
        AWS_WEB_IDENTITY_TOKEN_FILE = "/token",
        AWS_ROLE_ARN = "arn:aws:iam::123456789012:role/web",
      },
      files = { ["/token"] = "token\n" },
    })
    assert.truthy(arn:match("^arn:aws:sts::123456789012:assumed%-role/web/awsbak%-session%-%d+$"))
  end)

  local KEYS = "local config = require('aws.config').resolve({ profile = 'a' }) "
    .. "print(require('aws.credentials').provider(config):get().access_key_id)"

  --- A home whose profile a assumes a role.
  local function home_with(more)
    local home = scratch.new()
    outside.write_private(
      home:path(".aws/config"),
      "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = b\n"
        .. "region = eu-west-1\n"
        .. (more or "")
        .. "[profile b]\naws_access_key_id = AKID\naws_secret_access_key = s\n"
    )
    return home
  end

  it("are kept for the programs that come after", function()
    local home <close> = home_with()
    local env = { AWS_ENDPOINT_URL = endpoint }
    local first = program.run({ "-e", KEYS }, { home = home:path(), env = env })
    assert.matches("^ASIA", first.stdout, first.stderr)
    local second = program.run({ "-e", KEYS }, { home = home:path(), env = env })
    assert.equal(first.stdout, second.stdout)
    local names = outside.list(home:path(".aws/cli/cache"))
    assert.equal(1, #names)
    local file = home:path(".aws/cli/cache/" .. names[1])
    assert.equal(tonumber("600", 8), outside.stat(file).mode)
  end)

  it("ask for an MFA code on the terminal, and do not show it", function()
    local home <close> = home_with("mfa_serial = arn:aws:iam::123456789012:mfa/me\n")
    local words = {
      "python3",
      "spec/support/terminal.py",
      "/usr/bin/env",
      "HOME=" .. home:path(),
      "AWS_CONFIG_FILE=" .. home:path(".aws/config"),
      "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
      "AWS_ENDPOINT_URL=" .. endpoint,
      program.path(),
      "-e",
      KEYS,
    }
    local typed = home:write("typed", "123456\n")
    local pipe <close> = io.popen(("%s < %s"):format(shell.join(words), shell.quote(typed)))
    assert.matches(
      "^Enter MFA code for arn:aws:iam::123456789012:mfa/me: \nASIA%w+\n$",
      pipe:read("a")
    )
  end)
end)
