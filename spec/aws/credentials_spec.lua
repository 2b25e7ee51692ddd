local config = require("aws.config")
local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")

--- A world of variables, files and a clock: { env, config, credentials, files, now }.
local function with(world, f)
  local env = world.env or {}
  world.env = env
  env.HOME = env.HOME or "/home/x"
  env.AWS_EC2_METADATA_DISABLED = env.AWS_EC2_METADATA_DISABLED or "true"
  outside.with({
    getenv = function(name)
      return env[name] ~= "" and env[name] or nil
    end,
    read_file = function(path)
      local text = (world.files or {})[path]
      if path:match("%.aws/config$") then
        text = world.config
      elseif path:match("%.aws/credentials$") then
        text = world.credentials
      end
      return text,
        not text and { kind = "io", code = "ENOENT", message = path .. " is not there" } or nil
    end,
    now = function()
      return world.now or 1800000000
    end,
    monotonic = function()
      return world.now or 1800000000
    end,
    sleep = function(seconds)
      world.slept = (world.slept or 0) + seconds
    end,
    random = function()
      return 0
    end,
    send = function(request)
      return world.send(request)
    end,
  }, f)
end

local function provider(options)
  return credentials.provider(config.resolve(options))
end

local function get(world, options)
  local keys, err
  with(world, function()
    keys, err = errors.try(function()
      return provider(options):get()
    end)
  end)
  return keys, err
end

--- Let `f` stand for assuming a role, as long as the spec runs.
local function assume_with(name, f)
  local module = require("aws.credentials.assume")
  local original = module[name]
  module[name] = f
  finally(function()
    module[name] = original
  end)
end

local STATIC = "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\n"

describe("credentials", function()
  it("come from the environment first, secrets hidden at once", function()
    local keys = get({
      env = {
        AWS_ACCESS_KEY_ID = "AKIDENV",
        AWS_SECRET_ACCESS_KEY = "s",
        AWS_SESSION_TOKEN = "t",
        AWS_ACCOUNT_ID = "1",
      },
      credentials = STATIC,
    })
    assert.equal("AKIDENV", keys.access_key_id)
    assert.equal("<secret>", tostring(keys.secret_access_key))
    assert.equal("s", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal("1", keys.account_id)
    assert.equal("environment", keys.source)
  end)

  it("of the environment do not count where a profile is named by flag or option", function()
    local world =
      { env = { AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = "s" }, credentials = STATIC }
    assert.equal("AKIDFILE", get(world, { profile = "default" }).access_key_id)
  end)

  it("count an empty variable as unset", function()
    local world =
      { env = { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" }, credentials = STATIC }
    assert.equal("AKIDFILE", get(world).access_key_id)
  end)

  it("name the half that is missing", function()
    local _, e = get({ env = { AWS_ACCESS_KEY_ID = "AKID" } })
    assert.equal("partial", e.code)
    assert.truthy(e.message:find("secret access key", 1, true))
    local _, f = get({
      credentials = "[default]\naws_access_key_id = AKID",
      config = "[default]\naws_secret_access_key = s",
    })
    assert.equal("partial", f.code)
  end)

  it("come from the config file when nothing before has them", function()
    assert.equal("AKIDFILE", get({ config = STATIC }).access_key_id)
  end)

  it("say everything that was tried when there are none, and what to do", function()
    local _, e = get({})
    assert.equal("credentials", e.kind)
    for _, word in ipairs({
      "environment: AWS_ACCESS_KEY_ID is not set",
      "role:",
      "credentials file:",
      "EC2 instance:",
    }) do
      assert.truthy(e.message:find(word, 1, true), word)
    end
    assert.truthy(e.hint:find("awsbak doctor", 1, true))
  end)

  it("of SSO and login sessions, and MFA, are refused clearly", function()
    for _, text in ipairs({
      "[default]\nsso_session = corp",
      "[default]\nsso_start_url = https://x",
      "[default]\nlogin_session = arn",
      "[default]\nrole_arn = r\nsource_profile = default\nmfa_serial = m\naws_access_key_id = a",
    }) do
      local _, e = get({ config = text })
      assert.truthy(e.message:find("yet", 1, true), text)
      assert.truthy(e.hint)
    end
  end)

  it("given as an option are used as they are", function()
    local keys = get(
      {},
      { credentials = { access_key_id = "AKIDGIVEN", secret_access_key = secret.new("s") } }
    )
    assert.equal("AKIDGIVEN", keys.access_key_id)
  end)

  it("tell their steps", function()
    with({ credentials = STATIC }, function()
      local p = provider()
      p:get()
      local outcomes = {}
      for _, entry in ipairs(p:trace()) do
        outcomes[entry.step] = entry.outcome
      end
      assert.equal("passed over", outcomes.environment)
      assert.equal("used", outcomes["credentials file"])
      assert.equal("not asked", outcomes["EC2 instance"])
    end)
  end)
end)

describe("credentials of a role", function()
  local ROLE = "[profile a]\nrole_arn = arn:aws:iam::1:role/a\n"

  it("are assumed with those of source_profile", function()
    local asked
    assume_with("role", function(_, input, source)
      asked = { input = input, with = source.access_key_id }
      return credentials.keys({ access_key_id = "ASIA", secret_access_key = "s" }, "role")
    end)
    local world = {
      config = ROLE
        .. "source_profile = default\nexternal_id = e\n"
        .. "duration_seconds = 900\nrole_session_name = me",
      credentials = STATIC,
    }
    assert.equal("ASIA", get(world, { profile = "a" }).access_key_id)
    assert.equal("AKIDFILE", asked.with)
    assert.same({
      RoleArn = "arn:aws:iam::1:role/a",
      ExternalId = "e",
      DurationSeconds = 900,
      RoleSessionName = "me",
    }, asked.input)
  end)

  it("are assumed through several profiles", function()
    local chain = {}
    assume_with("role", function(_, input, source)
      chain[#chain + 1] = source.access_key_id .. ">" .. input.RoleArn:match("[^/]*$")
      return credentials.keys({ access_key_id = "ASIA" .. #chain, secret_access_key = "s" }, "role")
    end)
    local world = {
      config = ROLE
        .. "source_profile = b\n"
        .. "[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = default",
      credentials = STATIC,
    }
    get(world, { profile = "a" })
    assert.same({ "AKIDFILE>b", "ASIA1>a" }, chain)
  end)

  it("may have role and keys in one profile", function()
    assume_with("role", function(_, _, source)
      return source
    end)
    local world = {
      config = ROLE
        .. "source_profile = a\naws_access_key_id = AKIDSELF\naws_secret_access_key = s",
    }
    assert.equal("AKIDSELF", get(world, { profile = "a" }).access_key_id)
  end)

  it("are refused where profiles name each other", function()
    for _, config_text in ipairs({
      ROLE .. "source_profile = a",
      ROLE .. "source_profile = b\n[profile b]\nrole_arn = arn:b\nsource_profile = a",
    }) do
      local _, e = get({ config = config_text }, { profile = "a" })
      assert.equal("role", e.code)
      assert.truthy(e.message:find("name each other", 1, true))
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
      local _, e = get({ config = ROLE .. tail }, { profile = "a" })
      assert.truthy(e.message:find(words, 1, true), e.message)
    end
  end)

  it("are assumed with the environment's where credential_source says so", function()
    local with_keys
    assume_with("role", function(_, _, source)
      with_keys = source.access_key_id
      return source
    end)
    local env = { AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = "s" }
    get({ env = env, config = ROLE .. "credential_source = Environment" }, { profile = "a" })
    assert.equal("AKIDENV", with_keys)
  end)

  it("read the web identity token anew each time", function()
    local tokens = {}
    assume_with("web_identity", function(_, input)
      tokens[#tokens + 1] = input.WebIdentityToken
      return credentials.keys({ access_key_id = "ASIA" .. #tokens, secret_access_key = "s" }, "web")
    end)
    local world = {
      env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/token", AWS_ROLE_ARN = "arn:r" },
      files = { ["/token"] = "one\n" },
    }
    with(world, function()
      local p = provider()
      p:get()
      world.files["/token"] = "two"
      assert.is_true(p:refresh())
    end)
    assert.same({ "one", "two" }, tokens)
  end)

  it("need a role beside a web identity token", function()
    local _, e =
      get({ env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/token" }, files = { ["/token"] = "t" } })
    assert.equal("web_identity", e.code)
    local _, f = get({ env = { AWS_WEB_IDENTITY_TOKEN_FILE = "/gone", AWS_ROLE_ARN = "arn:r" } })
    assert.truthy(f.message:find("/gone", 1, true))
  end)
end)

describe("credentials that expire", function()
  --- A provider whose role gives keys for `minutes`, and a count of how often it was asked.
  local function expiring(world, minutes)
    world.config = "[default]\nrole_arn = arn:r\ncredential_source = Environment"
    world.env.AWS_ACCESS_KEY_ID, world.env.AWS_SECRET_ACCESS_KEY = "AKIDENV", "s"
    world.now = 1800000000
    world.asked = 0
    -- A profile named by option: else the environment's own keys would win.
    assume_with("role", function()
      world.asked = world.asked + 1
      if world.fail then
        errors.raise({ kind = "network", code = "connect", message = "no network" })
      end
      return credentials.keys({
        access_key_id = "ASIA" .. world.asked,
        secret_access_key = "s",
        expires = world.now + minutes * 60,
      }, "role")
    end)
    return provider({ profile = "default" })
  end

  it("are kept until fifteen minutes before", function()
    local world = {}
    with(world, function()
      local p = expiring(world, 60)
      p:get()
      world.now = world.now + 44 * 60
      assert.equal("ASIA1", p:get().access_key_id)
      world.now = world.now + 2 * 60
      assert.equal("ASIA2", p:get().access_key_id)
    end)
  end)

  it("stay in use when early renewal fails, and are asked for once a minute", function()
    local world = {}
    with(world, function()
      require("awsbak.log").lines = {}
      finally(function()
        require("awsbak.log").lines = nil
      end)
      local p = expiring(world, 60)
      p:get()
      world.fail, world.now = true, world.now + 46 * 60
      assert.equal("ASIA1", p:get().access_key_id)
      assert.equal("ASIA1", p:get().access_key_id)
      assert.equal(2, world.asked)
      world.now = world.now + 61
      p:get()
      assert.equal(3, world.asked)
    end)
  end)

  it("must be renewed ten minutes before", function()
    local world = {}
    with(world, function()
      local p = expiring(world, 60)
      p:get()
      world.fail, world.now = true, world.now + 51 * 60
      local _, e = errors.try(p.get, p)
      assert.equal("network", e.kind)
    end)
  end)

  it("are refreshed once for refusals that come together", function()
    local world = {}
    with(world, function()
      local p = expiring(world, 60)
      p:get()
      assert.is_true(p:refresh())
      assert.is_true(p:refresh())
      assert.equal(2, world.asked)
    end)
  end)

  it("are not helped by a refresh that brings the same keys, but by a new file", function()
    local world = { credentials = STATIC }
    with(world, function()
      local p = provider()
      p:get()
      assert.is_false(p:refresh())
      world.credentials = STATIC:gsub("AKIDFILE", "AKIDNEW")
      assert.is_true(p:refresh())
      assert.equal("AKIDNEW", p:get().access_key_id)
    end)
  end)

  it("are refused once expired", function()
    local env = {
      AWS_ACCESS_KEY_ID = "A",
      AWS_SECRET_ACCESS_KEY = "s",
      AWS_CREDENTIAL_EXPIRATION = "2020-01-01T00:00:00Z",
    }
    local _, e = get({ env = env })
    assert.equal("expired", e.code)
    env.AWS_CREDENTIAL_EXPIRATION = "tomorrow"
    local _, f = get({ env = env })
    assert.equal("config", f.kind)
  end)
end)

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
    local keys = get({ env = env, send = served(requests) })
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
    get({ env = env, files = { ["/tok"] = "file" }, send = served(requests) })
    assert.same({ "Authorization", "file" }, requests[1].headers[2])
  end)

  it("refuse a token with a line break, without showing it", function()
    local env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI = "http://localhost/x",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "tok\r\nX: y",
    }
    local _, e = get({ env = env, send = served({}) })
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
    local world = {
      env = { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "/x" },
      send = served(requests, "no", 500),
    }
    local _, e = get(world)
    assert.equal(3, #requests)
    assert.equal(2, world.slept)
    assert.truthy(e.message:find("500", 1, true))
    world.send = served(requests, '{"AccessKeyId":"x"}')
    local _, f = get(world)
    assert.truthy(f.message:find("SecretAccessKey", 1, true))
  end)
end)

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
    local world = world_with()
    local keys = get(world)
    assert.equal("EC2 instance role my-role", keys.source)
    assert.same({
      "PUT http://169.254.169.254/latest/api/token",
      "GET http://169.254.169.254" .. ROLES,
      "GET http://169.254.169.254" .. ROLES .. "my-role",
    }, world.requests)
  end)

  it("are not looked for where that is switched off", function()
    local world = world_with(nil, { AWS_EC2_METADATA_DISABLED = "true" })
    local _, e = get(world)
    assert.equal("no_credentials", e.code)
    assert.same({}, world.requests)
  end)

  it("fall back to version 1 where there is no token service, unless that is disabled", function()
    assert.equal("ASIA", get(world_with({ ["/latest/api/token"] = 404 })).access_key_id)
    local _, e =
      get(world_with({ ["/latest/api/token"] = 404 }, { AWS_EC2_METADATA_V1_DISABLED = "true" }))
    assert.equal("imds", e.code)
  end)

  it("are passed over where nobody answers, as often as settings say", function()
    local world = world_with({
      ["/latest/api/token"] = errors.new({
        kind = "timeout",
        code = "timeout_connect",
        message = "no answer",
      }),
    }, { AWS_METADATA_SERVICE_NUM_ATTEMPTS = "3" })
    local _, e = get(world)
    assert.truthy(e.message:find("no metadata service answers", 1, true))
    assert.equal(3, #world.requests)
  end)

  it("are passed over where the instance has no role", function()
    local _, e = get(world_with({ [ROLES] = 404 }))
    assert.truthy(e.message:find("no role", 1, true))
  end)

  it("live on a while when the service gives old ones", function()
    local old =
      '{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2020-01-01T00:00:00Z"}'
    local keys = get(world_with({ [ROLES .. "my-role"] = old }))
    assert.equal(1800000000 + 15 * 60 + 120, keys.expires)
  end)

  it("come from another address where settings say so", function()
    local world = world_with(nil, { AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE = "IPv6" })
    get(world)
    assert.equal("PUT http://[fd00:ec2::254]/latest/api/token", world.requests[1])
    world = world_with(nil, { AWS_EC2_METADATA_SERVICE_ENDPOINT = "http://127.0.0.1:1338/" })
    get(world)
    assert.equal("PUT http://127.0.0.1:1338/latest/api/token", world.requests[1])
  end)
end)
