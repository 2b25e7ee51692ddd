local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local server = require("spec.support.server")
local task = require("awsbak.task")
local time = require("awsbak.time")
local world = require("spec.support.world")

local NOW = 1800000000
local SESSION = "arn:aws:iam::123456789012:user/me"
local CONFIG = "[profile a]\nregion = eu-west-1\nlogin_session = " .. SESSION .. "\n"
-- printf arn:aws:iam::123456789012:user/me | sha256sum
local NAME = "286187707741fc2ccb93cf9e56dbd0ee0a16208feed5fbc8ae1baa86d44c283f.json"
local FILE = "/home/x/.aws/login/cache/" .. NAME
local CREATE = "POST /v1/token"

-- RFC 6979, A.2.5.
local PEM = [[
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49
AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8
maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==
-----END EC PRIVATE KEY-----
]]

describe("credentials of a login session", function()
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

  --- A session as the CLI writes it, whose keys end in `minutes`.
  local function session(minutes, change, key_change)
    local t = {
      accessToken = {
        accessKeyId = "ASIAOLD",
        secretAccessKey = "hunter2-old",
        sessionToken = "t",
        accountId = "123456789012",
        expiresAt = time.rfc3339(NOW + minutes * 60),
      },
      tokenType = "aws_sigv4",
      clientId = "arn:aws:signin:::devtools/same-device",
      refreshToken = "hunter2-refresh",
      idToken = "kept",
      dpopKey = PEM,
    }
    for name, value in pairs(change or {}) do
      t[name] = value or nil
    end
    for name, value in pairs(key_change or {}) do
      t.accessToken[name] = value or nil
    end
    return json.encode(t)
  end

  local function here(text)
    return {
      env = { AWS_ENDPOINT_URL = s.url },
      config = CONFIG,
      files = { [FILE] = text },
      now = NOW,
      send = send,
    }
  end

  local function renewed()
    return json.encode({
      accessToken = { accessKeyId = "ASIANEW", secretAccessKey = "hunter2", sessionToken = "t2" },
      tokenType = "aws_sigv4",
      expiresIn = 900,
      refreshToken = "hunter2-next",
    })
  end

  local function refused(reason)
    return {
      status = 400,
      headers = { { "x-amzn-ErrorType", "AccessDeniedException" } },
      body = json.encode({ error = reason, message = "no" }),
    }
  end

  local function decoded(text)
    text = text:gsub("-", "+"):gsub("_", "/")
    return codec.unbase64(text .. ("="):rep(-#text % 4))
  end

  it("are those in its file while they are good for five minutes", function()
    local keys = assert(world.keys(here(session(5.1)), { profile = "a" }))
    assert.equal("ASIAOLD", keys.access_key_id)
    assert.equal("hunter2-old", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal("123456789012", keys.account_id)
    assert.equal(NOW + 306, keys.expires)
    assert.equal("login session, [profile a] in ~/.aws/config", keys.source)
    assert.same({}, s:counts())
  end)

  it("are looked for in AWS_LOGIN_CACHE_DIRECTORY", function()
    local there = here(nil)
    there.env.AWS_LOGIN_CACHE_DIRECTORY = "$HOME/elsewhere"
    there.files["/home/x/elsewhere/" .. NAME] = session(10)
    assert.equal("ASIAOLD", world.keys(there, { profile = "a" }).access_key_id)
  end)

  it("are renewed with the refresh token and a proof of the key, and kept", function()
    s:script(CREATE, { { body = renewed() } })
    local there = here(session(5))
    local keys = assert(world.keys(there, { profile = "a" }))
    assert.equal("ASIANEW", keys.access_key_id)
    assert.equal(NOW + 900, keys.expires)
    local request = s:requests()[1]
    assert.same({
      clientId = "arn:aws:signin:::devtools/same-device",
      grantType = "refresh_token",
      refreshToken = "hunter2-refresh",
    }, json.decode(request.body))
    assert.is_nil(request.headers.authorization)
    local kept = json.decode(there.files[FILE])
    assert.same({
      accessKeyId = "ASIANEW",
      secretAccessKey = "hunter2",
      sessionToken = "t2",
      accountId = "123456789012",
      expiresAt = "2027-01-15T08:15:00Z",
    }, kept.accessToken)
    assert.same({ "hunter2-next", "kept", PEM }, { kept.refreshToken, kept.idToken, kept.dpopKey })
  end)

  it("prove anew with each attempt that they have the key", function()
    s:script(CREATE, { { status = 500, body = "" }, { body = renewed() } })
    assert(world.keys(here(session(1)), { profile = "a" }))
    local tokens = {}
    for i, request in ipairs(s:requests()) do
      local head, claims, signature = request.headers.dpop:match("^([^.]+)%.([^.]+)%.([^.]+)$")
      assert.same({
        typ = "dpop+jwt",
        alg = "ES256",
        jwk = {
          kty = "EC",
          crv = "P-256",
          x = "YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y",
          y = "eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk",
        },
      }, json.decode(decoded(head)))
      assert.equal(64, #decoded(signature))
      local said = json.decode(decoded(claims))
      assert.same({ "POST", s.url .. "/v1/token", NOW }, { said.htm, said.htu, said.iat })
      tokens[i] = said.jti
    end
    assert.equal(2, #tokens)
    assert.not_equal(tokens[1], tokens[2])
  end)

  it("are renewed in the last five minutes, and must be in the last one", function()
    local there = here(session(15))
    s:script(CREATE, { { status = 400, body = "{}", times = -1 } })
    world.with(there, function()
      local p = world.provider({ profile = "a" })
      p:get()
      there.now = NOW + 9 * 60
      p:get()
      assert.same({}, s:counts())
      there.now = NOW + 11 * 60
      assert.equal("ASIAOLD", p:get().access_key_id)
      assert.equal(1, s:counts()[CREATE])
      there.now = NOW + 14 * 60
      local _, e = errors.try(p.get, p)
      assert.equal("service", e.kind)
    end)
  end)

  it("are renewed when a service calls them expired", function()
    s:script(CREATE, { { body = renewed() } })
    world.with(here(session(15)), function()
      local p = world.provider({ profile = "a" })
      p:get()
      assert.is_true(p:refresh())
      assert.equal("ASIANEW", p:get().access_key_id)
    end)
  end)

  it("are renewed once for clients that want it at one time", function()
    s:script(CREATE, { { body = renewed(), times = -1 } })
    local sleep = outside.sleep
    world.with(here(session(1)), function()
      outside.with({ sleep = sleep }, function()
        local function get()
          return world.provider({ profile = "a" }):get().access_key_id
        end
        assert.same({ "ASIANEW", "ASIANEW" }, { task.all({ get, get }) })
      end)
    end)
    assert.equal(1, s:counts()[CREATE])
  end)

  it("need somebody to sign in when there is no session that can be used", function()
    for _, row in ipairs({
      { nil, "profile a: there is no login session" },
      { "<html>", FILE .. " does not hold a JSON object" },
      { "{}", FILE .. " has no refreshToken" },
      { session(9, { dpopKey = false }), FILE .. " has no dpopKey" },
      { session(9, { accessToken = "hunter2" }), FILE .. " has no accessToken.accessKeyId" },
      { session(9, {}, { accountId = false }), FILE .. " has no accessToken.accountId" },
      { session(9, {}, { expiresAt = "soon" }), FILE .. " has no time in accessToken.expiresAt" },
      { session(1, { dpopKey = "hunter2" }), FILE .. " cannot be used" },
    }) do
      local _, e = world.keys(here(row[1]), { profile = "a" })
      assert.same({ "credentials", "login" }, { e.kind, e.code }, tostring(e))
      assert.matches(row[2], e.message, 1, true)
      assert.equal("run `aws login --profile a`", e.hint)
      assert.falsy(tostring(e):find("hunter2", 1, true))
    end
    assert.same({}, s:counts())
  end)

  it("tell why they were refused", function()
    for reason, words in pairs({
      TOKEN_EXPIRED = "profile a: the login session has expired",
      USER_CREDENTIALS_CHANGED = "profile a: the password was changed since the login",
      INSUFFICIENT_PERMISSIONS = "profile a: the login session may not be renewed",
    }) do
      s:script(CREATE, { refused(reason) })
      local _, e = world.keys(here(session(1)), { profile = "a" })
      assert.same({ "credentials", words }, { e.kind, e.message })
    end
    s:script(CREATE, { refused("AUTHCODE_EXPIRED") })
    local _, e = world.keys(here(session(1)), { profile = "a" })
    assert.same({ "service", "AccessDeniedException" }, { e.kind, e.code })
  end)

  it("are not taken from an answer that is none", function()
    for _, body in ipairs({ "<html>Welcome to our hotel</html>", "{}" }) do
      s:script(CREATE, { { body = body, times = -1 } })
      local there = here(session(1))
      local _, e = world.keys(there, { profile = "a" })
      assert.equal("reply", e.kind, tostring(e))
      assert.equal(session(1), there.files[FILE])
    end
  end)
end)
