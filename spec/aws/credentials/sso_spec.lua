local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local server = require("spec.support.server")
local task = require("awsbak.task")
local time = require("awsbak.time")
local world = require("spec.support.world")

local NOW = 1800000000
local SSO = "sso_account_id = 123456789012\nsso_role_name = reader\n"
local CORP = "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n"
  .. "sso_region = eu-west-1\nsso_registration_scopes = sso:account:access\n"
local MODERN = "[profile a]\nsso_session = corp\n" .. SSO .. CORP
local LEGACY = "[profile a]\nsso_start_url = https://corp.awsapps.com/start\n"
  .. "sso_region = eu-west-1\n"
  .. SSO

-- printf corp | sha1sum, and of the start URL
local TOKEN = "/home/x/.aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
local LEGACY_TOKEN = "/home/x/.aws/sso/cache/a51746d4aa793ae07b25e90c3a5db96fc7832bd7.json"
-- printf '{"accountId":"123456789012","roleName":"reader","sessionName":"corp"}' | sha1sum
local SESSION = "/home/x/.aws/cli/cache/55baa2978e3b07bfc8c8bec3a298ab6d5406ae36.json"

local ROLE = "GET /federation/credentials"
local CREATE = "POST /token"

describe("credentials of SSO", function()
  local s, send

  setup(function()
    s, send = server.start(), outside.send
  end)

  teardown(function()
    s:close()
  end)

  before_each(function()
    s:clear()
    log.lines = {}
  end)

  after_each(function()
    log.lines = nil
  end)

  --- A token as the CLI writes it, that ends in `minutes`.
  local function token(minutes, change)
    local t = {
      startUrl = "https://corp.awsapps.com/start",
      region = "eu-west-1",
      accessToken = "hunter2-old",
      expiresAt = time.rfc3339(NOW + minutes * 60),
      clientId = "client",
      clientSecret = "hunter2-client",
      refreshToken = "hunter2-refresh",
      registrationExpiresAt = time.rfc3339(NOW + 86400),
    }
    for name, value in pairs(change or {}) do
      t[name] = value or nil
    end
    return json.encode(t)
  end

  local function here(config_text, files)
    return {
      env = { AWS_ENDPOINT_URL = s.url },
      config = config_text,
      files = files,
      now = NOW,
      send = send,
    }
  end

  local function give_role()
    local body = json.encode({
      roleCredentials = {
        accessKeyId = "ASIASSO",
        secretAccessKey = "hunter2",
        sessionToken = "t",
        expiration = (NOW + 3600) * 1000,
      },
    })
    s:script(ROLE, { { body = body, times = -1 } })
  end

  local function give_token(change)
    local body = {
      accessToken = "hunter2-new",
      tokenType = "Bearer",
      expiresIn = 28800,
      refreshToken = "hunter2-next",
    }
    for name, value in pairs(change or {}) do
      body[name] = value or nil
    end
    s:script(CREATE, { { body = json.encode(body), times = -1 } })
  end

  --- The last request of an operation.
  local function last(operation)
    local found
    for _, request in ipairs(s:requests()) do
      found = request.operation == operation and request or found
    end
    return found
  end

  it("are asked for with the token of the session, in the session's region", function()
    give_role()
    local keys = assert(world.keys(here(MODERN, { [TOKEN] = token(60) }), { profile = "a" }))
    assert.equal("ASIASSO", keys.access_key_id)
    assert.equal("hunter2", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal("123456789012", keys.account_id)
    assert.equal(NOW + 3600, keys.expires)
    assert.equal(
      "SSO role reader of account 123456789012, [profile a] in ~/.aws/config",
      keys.source
    )
    local request = last(ROLE)
    assert.equal("hunter2-old", request.headers["x-amz-sso_bearer_token"])
    assert.matches("account_id=123456789012", request.target, 1, true)
    assert.matches("role_name=reader", request.target, 1, true)
    assert.is_nil(request.headers.authorization)
    assert.is_nil(s:counts()[CREATE])
  end)

  it("are shared with the AWS CLI", function()
    give_role()
    local there = here(MODERN, { [TOKEN] = token(60) })
    world.keys(there, { profile = "a" })
    assert.same({
      ProviderType = "sso",
      Credentials = {
        AccessKeyId = "ASIASSO",
        SecretAccessKey = "hunter2",
        SessionToken = "t",
        Expiration = "2027-01-15T09:00:00Z",
        AccountId = "123456789012",
      },
    }, json.decode(there.files[SESSION]))
    there.files[TOKEN] = nil
    assert.equal("ASIASSO", world.keys(there, { profile = "a" }).access_key_id)
    assert.equal(1, s:counts()[ROLE])
  end)

  it("may be set in the profile alone, as before sso_session", function()
    give_role()
    local keys = world.keys(here(LEGACY, { [LEGACY_TOKEN] = token(1) }), { profile = "a" })
    assert.equal("ASIASSO", keys.access_key_id)
    local _, e = world.keys(here(LEGACY, { [LEGACY_TOKEN] = token(0) }), { profile = "a" })
    assert.equal("sso_login", e.code)
    assert.is_nil(s:counts()[CREATE])
  end)

  it("are a role's, too, by source_profile", function()
    give_role()
    local with_keys
    world.assume_with("role", function(_, _, source)
      with_keys = source
      return source
    end, finally)
    local config_text = MODERN .. "[profile b]\nrole_arn = arn:b\nsource_profile = a\n"
    world.keys(here(config_text, { [TOKEN] = token(60) }), { profile = "b" })
    assert.equal("ASIASSO", with_keys.access_key_id)
  end)

  it("are passed over where a profile names neither account nor role", function()
    local there = here("[profile a]\nsso_session = corp\n" .. CORP, {})
    there.credentials = world.STATIC:gsub("default", "a")
    assert.equal("AKIDFILE", world.keys(there, { profile = "a" }).access_key_id)
  end)

  it("need settings that are whole and say one thing", function()
    for config_text, words in pairs({
      ["[profile a]\nsso_session = crop\n" .. SSO .. CORP] = "no [sso-session crop]",
      [MODERN:gsub("sso_account_id.-\n", "")] = "sso_account_id is not set",
      [MODERN:gsub("sso_role_name.-\n", "")] = "sso_role_name is not set",
      ["[profile a]\n" .. SSO] = "sso_start_url is not set",
      [MODERN:gsub("sso_region.-\n", "")] = "sso_region is not set",
      ["[profile a]\nsso_region = x\nsso_session = corp\n" .. SSO .. CORP] = "sso_region is x",
    }) do
      local _, e = world.keys(here(config_text, { [TOKEN] = token(60) }), { profile = "a" })
      assert.same({ "config", "sso" }, { e.kind, e.code })
      assert.matches(words, e.message, 1, true)
    end
  end)

  it("need somebody to sign in when there is no token that can be used", function()
    for _, row in ipairs({
      { nil, "profile a: nobody has signed in to SSO" },
      { "", TOKEN .. " does not hold a JSON object" },
      { "[1", TOKEN .. " does not hold a JSON object" },
      { '"hunter2"', TOKEN .. " does not hold a JSON object" },
      { "{}", TOKEN .. " holds none" },
      { token(60, { accessToken = 5 }), TOKEN .. " holds none" },
      { token(60, { expiresAt = "soon" }), TOKEN .. " holds none" },
      { token(0, { refreshToken = false }), "expired, and cannot be renewed: the token has no" },
      { token(0, { clientSecret = {} }), "the token has no clientSecret" },
      { token(0, { registrationExpiresAt = time.rfc3339(NOW) }), "the registration of its client" },
      { token(0, { registrationExpiresAt = "never" }), "the registration of its client" },
    }) do
      local _, e = world.keys(here(MODERN, { [TOKEN] = row[1] }), { profile = "a" })
      assert.same({ "credentials", "sso_login" }, { e.kind, e.code })
      assert.matches(row[2], e.message, 1, true)
      assert.equal("run `aws sso login --profile a`", e.hint)
      assert.falsy(tostring(e):find("hunter2", 1, true))
    end
    assert.same({}, s:counts())
  end)

  it("need somebody to sign in when the token is refused", function()
    local refusal = { status = 401, headers = { { "x-amzn-ErrorType", "UnauthorizedException" } } }
    refusal.body = '{"message": "Session token not found or invalid"}'
    s:script(ROLE, { refusal })
    local _, e = world.keys(here(MODERN, { [TOKEN] = token(60) }), { profile = "a" })
    assert.equal("sso_login", e.code)
    assert.equal("profile a: the SSO session was refused: it has expired or was ended", e.message)
  end)

  it("come with a token that is renewed fifteen minutes before its end, and kept", function()
    give_role()
    give_token()
    local there = here(MODERN, { [TOKEN] = token(14) })
    assert(world.keys(there, { profile = "a" }))
    assert.same({
      grantType = "refresh_token",
      clientId = "client",
      clientSecret = "hunter2-client",
      refreshToken = "hunter2-refresh",
    }, json.decode(last(CREATE).body))
    assert.equal("hunter2-new", last(ROLE).headers["x-amz-sso_bearer_token"])
    assert.same({
      startUrl = "https://corp.awsapps.com/start",
      region = "eu-west-1",
      accessToken = "hunter2-new",
      expiresAt = "2027-01-15T16:00:00Z",
      clientId = "client",
      clientSecret = "hunter2-client",
      registrationExpiresAt = "2027-01-16T08:00:00Z",
      refreshToken = "hunter2-next",
    }, json.decode(there.files[TOKEN]))
  end)

  it("use a new token that cannot be kept, with a warning", function()
    give_role()
    give_token()
    world.with(here(MODERN, { [TOKEN] = token(0) }), function()
      outside.with({
        write_private = function(path)
          errors.raise({ kind = "io", code = "EROFS", message = "cannot write " .. path })
        end,
      }, function()
        assert.equal("ASIASSO", world.provider({ profile = "a" }):get().access_key_id)
      end)
    end)
    assert.matches("new SSO token is not kept: cannot write " .. TOKEN, log.lines[1], 1, true)
  end)

  it("keep the old token where there is no new one, as long as it lives", function()
    give_role()
    for _, reply in ipairs({
      { status = 400, body = '{"error": "invalid_grant", "error_description": "no"}' },
      { status = 200, body = "<html>Welcome to our hotel</html>" },
      { status = 200, body = "{}" },
    }) do
      reply.times = -1
      s:script(CREATE, { reply })
      local there = here(MODERN, { [TOKEN] = token(1) })
      local keys, e = world.keys(there, { profile = "a" })
      assert.equal("ASIASSO", keys and keys.access_key_id, tostring(e))
      assert.equal(token(1), there.files[TOKEN])
      there.files[SESSION] = nil
    end
  end)

  it("say why a token that has ended could not be renewed", function()
    for kind, reply in pairs({
      credentials = {
        status = 400,
        body = '{"error": "invalid_grant", "error_description": "Invalid refresh token"}',
      },
      reply = { status = 200, body = "<html>Welcome to our hotel</html>" },
    }) do
      reply.times = -1
      s:script(CREATE, { reply })
      local _, e = world.keys(here(MODERN, { [TOKEN] = token(0) }), { profile = "a" })
      assert.equal(kind, e.kind, tostring(e))
      assert.falsy(tostring(e):find("hunter2", 1, true))
    end
  end)

  it("of several profiles renew their common token once", function()
    give_role()
    give_token()
    local config_text = MODERN
      .. "[profile b]\nsso_session = corp\nsso_account_id = 2\nsso_role_name = reader\n"
    local sleep = outside.sleep
    world.with(here(config_text, { [TOKEN] = token(1) }), function()
      outside.with({ sleep = sleep }, function()
        local function get(profile)
          return function()
            return world.provider({ profile = profile }):get().account_id
          end
        end
        assert.same({ "123456789012", "2" }, { task.all({ get("a"), get("b") }) })
      end)
    end)
    assert.equal(1, s:counts()[CREATE])
  end)

  it("tell what the service says of a role that one may not have", function()
    local refusal = { status = 403, headers = { { "x-amzn-ErrorType", "ForbiddenException" } } }
    refusal.body = '{"message": "No access"}'
    s:script(ROLE, { refusal })
    local _, e = world.keys(here(MODERN, { [TOKEN] = token(60) }), { profile = "a" })
    assert.same({ "service", "ForbiddenException" }, { e.kind, e.code })
    assert.is_true(errors.is(e))
  end)
end)
