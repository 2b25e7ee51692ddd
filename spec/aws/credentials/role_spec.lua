local codec = require("awsbak.core.codec")
local credentials = require("aws.credentials")
local digest = require("awsbak.core.digest")
local settings = require("awsbak.settings")
local world = require("spec.support.world")

describe("credentials of a role", function()
  local ROLE = "[profile a]\nrole_arn = arn:aws:iam::1:role/a\n"

  it("are assumed with those of source_profile", function()
    local asked
    world.assume_with("role", function(_, input, source)
      asked = { input = input, with = source.access_key_id }
      return credentials.keys({ access_key_id = "ASIA", secret_access_key = "s" }, "role")
    end, finally)
    local here = {
      config = ROLE
        .. "source_profile = default\nexternal_id = e\n"
        .. "duration_seconds = 900\nrole_session_name = me",
      credentials = world.STATIC,
    }
    assert.equal("ASIA", world.keys(here, { profile = "a" }).access_key_id)
    assert.equal("AKIDFILE", asked.with)
    assert.same({
      RoleArn = "arn:aws:iam::1:role/a",
      ExternalId = "e",
      DurationSeconds = 900,
      RoleSessionName = "me",
    }, asked.input)
  end)

  it("are not asked for where --endpoint-url says, but at configured endpoints", function()
    local role = "role_arn = arn:aws:iam::123456789012:role/a\n"
    local sso = "sso_account_id = 123456789012\nsso_role_name = r\n"
      .. "sso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n"
    local ways = {
      { role .. "web_identity_token_file = token\n", "https://sts.us-east-1.amazonaws.com" },
      { role .. "source_profile = default\n", "https://sts.us-east-1.amazonaws.com" },
      { sso, "https://portal.sso.eu-west-1.amazonaws.com" },
    }
    local start = codec.hex(digest.digest("sha1", "https://corp.awsapps.com/start"))
    local token = '{"accessToken":"secret","expiresAt":"2099-01-01T00:00:00Z"}'
    local function asked(settings_of, env)
      local host
      local here = {
        config = "[profile a]\n" .. settings_of,
        credentials = world.STATIC,
        env = env,
        files = { token = "secret", ["/home/x/.aws/sso/cache/" .. start .. ".json"] = token },
        send = function(request)
          host = request.url:match("^%l+://[^/]*")
          return { status = 400, headers = {}, body = "" }
        end,
      }
      local flags = { endpoint_url = "http://minio.example:9000", region = "us-east-1" }
      local _, err = settings.with(flags, world.keys, here, { profile = "a" })
      assert.equal("400", err.code)
      return host
    end
    for _, way in ipairs(ways) do
      assert.equal(way[2], asked(way[1]))
      local configured = "http://127.0.0.1:4566"
      assert.equal(configured, asked(way[1], { AWS_ENDPOINT_URL = configured }))
    end
  end)

  it("are assumed through several profiles", function()
    local chain = {}
    world.assume_with("role", function(_, input, source)
      chain[#chain + 1] = source.access_key_id .. ">" .. input.RoleArn:match("[^/]*$")
      return credentials.keys({ access_key_id = "ASIA" .. #chain, secret_access_key = "s" }, "role")
    end, finally)
    local here = {
      config = ROLE
        .. "source_profile = b\n"
        .. "[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = default",
      credentials = world.STATIC,
    }
    world.keys(here, { profile = "a" })
    assert.same({ "AKIDFILE>b", "ASIA1>a" }, chain)
  end)

  it("may have role and keys in one profile", function()
    world.assume_with("role", function(_, _, source)
      return source
    end, finally)
    local here = {
      config = ROLE
        .. "source_profile = a\naws_access_key_id = AKIDSELF\naws_secret_access_key = s",
    }
    assert.equal("AKIDSELF", world.keys(here, { profile = "a" }).access_key_id)
  end)

  it("are refused where source_profile goes in a circle, which is named", function()
    local function profile(name, source)
      return ("[profile %s]\nrole_arn = arn:%s\nsource_profile = %s\n"):format(name, name, source)
    end
    for loop, config_text in pairs({
      ["a -> a"] = profile("a", "a"),
      ["a -> b -> a"] = profile("a", "b") .. profile("b", "a"),
      ["b -> c -> d -> b"] = profile("a", "b")
        .. profile("b", "c")
        .. profile("c", "d")
        .. profile("d", "b"),
    }) do
      local _, e = world.keys({ config = config_text }, { profile = "a" })
      assert.equal("role", e.code)
      assert.equal("source_profile goes in a circle: " .. loop, e.message)
    end
  end)

  it("are refused where the source is missing, double, unknown or without keys", function()
    for tail, words in pairs({
      [""] = "neither source_profile nor credential_source",
      ["source_profile = b\ncredential_source = Environment"] = "both",
      ["source_profile = nobody"] = "does not exist",
      ["credential_source = Enviroment"] = "Enviroment",
      ["credential_source = Environment"] = "AWS_ACCESS_KEY_ID is not set",
      ["source_profile = b\n[profile b]\nregion = x"] = "has no keys",
    }) do
      local _, e = world.keys({ config = ROLE .. tail }, { profile = "a" })
      assert.truthy(e.message:find(words, 1, true), e.message)
    end
  end)

  it("are refused where the role cannot be one, and the file is named", function()
    local here = {
      config = "[profile a]\nregion = eu-west-1\nrole_arn = admin\nsource_profile = default",
      credentials = world.STATIC,
    }
    local _, e = world.keys(here, { profile = "a" })
    assert.equal("config", e.kind)
    assert.equal(
      "sts AssumeRole: RoleArn must have a length of at least 20;"
        .. " this is role admin, [profile a] in ~/.aws/config: correct it",
      tostring(e)
    )
  end)

  it("are assumed with the environment's where credential_source says so", function()
    local with_keys
    world.assume_with("role", function(_, _, source)
      with_keys = source.access_key_id
      return source
    end, finally)
    local env = { AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = "s" }
    world.keys({ env = env, config = ROLE .. "credential_source = Environment" }, { profile = "a" })
    assert.equal("AKIDENV", with_keys)
  end)

  it("read the web identity token anew each time", function()
    local tokens = {}
    world.assume_with("web_identity", function(_, input)
      tokens[#tokens + 1] = input.WebIdentityToken
      return credentials.keys({ access_key_id = "ASIA" .. #tokens, secret_access_key = "s" }, "web")
    end, finally)
    local here = {
      env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/token", AWS_ROLE_ARN = "arn:r" },
      files = { ["/token"] = "one\n" },
    }
    world.with(here, function()
      local p = world.provider()
      p:get()
      here.files["/token"] = "two"
      assert.is_true(p:refresh())
    end)
    assert.same({ "one", "two" }, tokens)
  end)

  it("need a role beside a web identity token", function()
    local _, e =
      world.keys({ env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/token" }, files = { ["/token"] = "t" } })
    assert.equal("web_identity", e.code)
    local _, f =
      world.keys({ env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/gone", AWS_ROLE_ARN = "arn:r" } })
    assert.matches("^web identity: /gone ", f.message)
  end)
end)
