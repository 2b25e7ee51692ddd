local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")
local task = require("awsbak.task")
local world = require("spec.support.world")

describe("credentials", function()
  it("come from the environment first, secrets hidden at once", function()
    local keys = world.keys({
      env = {
        AWS_ACCESS_KEY_ID = "AKIDENV",
        AWS_SECRET_ACCESS_KEY = "s",
        AWS_SESSION_TOKEN = "t",
        AWS_ACCOUNT_ID = "1",
      },
      credentials = world.STATIC,
    })
    assert.equal("AKIDENV", keys.access_key_id)
    assert.equal("<secret>", tostring(keys.secret_access_key))
    assert.equal("s", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal("1", keys.account_id)
    assert.equal("environment", keys.source)
  end)

  it("of the environment do not count where a profile is named by flag or option", function()
    local here = {
      env = { AWS_ACCESS_KEY_ID = "AKIDENV", AWS_SECRET_ACCESS_KEY = "s" },
      credentials = world.STATIC,
    }
    assert.equal("AKIDFILE", world.keys(here, { profile = "default" }).access_key_id)
  end)

  it("count an empty variable as unset", function()
    local here =
      { env = { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "" }, credentials = world.STATIC }
    assert.equal("AKIDFILE", world.keys(here).access_key_id)
  end)

  it("name the half that is missing", function()
    local _, e = world.keys({ env = { AWS_ACCESS_KEY_ID = "AKID" } })
    assert.equal("partial", e.code)
    assert.truthy(e.message:find("secret access key", 1, true))
    local _, f = world.keys({
      credentials = "[default]\naws_access_key_id = AKID",
      config = "[default]\naws_secret_access_key = s",
    })
    assert.equal("partial", f.code)
  end)

  it("come from the config file when nothing before has them", function()
    assert.equal("AKIDFILE", world.keys({ config = world.STATIC }).access_key_id)
  end)

  it("that are nowhere are one sentence with what to do; the steps are told at -v", function()
    log.lines, log.level = {}, "info"
    finally(function()
      log.lines, log.level = nil, nil
    end)
    local _, e = world.keys({})
    assert.equal("credentials", e.kind)
    assert.equal("no AWS credentials were found for profile default", e.message)
    assert.truthy(e.hint:find("awsbak doctor", 1, true))
    local said = table.concat(log.lines, "\n")
    for _, word in ipairs({ "environment: AWS_ACCESS_KEY_ID is not set", "EC2 instance:" }) do
      assert.truthy(said:find(word, 1, true), word)
    end
  end)

  it("with a line feed in them are said to have one, not to be missing", function()
    for variable, what in pairs({
      AWS_ACCESS_KEY_ID = "the access key id holds a control character",
      AWS_SECRET_ACCESS_KEY = "the secret access key holds a control character",
      AWS_SESSION_TOKEN = "the session token holds a control character",
    }) do
      local env =
        { AWS_ACCESS_KEY_ID = "AKID", AWS_SECRET_ACCESS_KEY = "s", AWS_SESSION_TOKEN = "t" }
      env[variable] = "hunter2\n"
      local _, e = world.keys({ env = env })
      assert.equal("environment: " .. what, e.message)
      assert.falsy(tostring(e):find("hunter2", 1, true))
    end
  end)

  it("in a file that is open to others are used, with one warning in a process", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    local path = "/home/open/.aws/credentials"
    local here = {
      env = { HOME = "/home/open" },
      credentials = world.STATIC,
      stats = { [path] = { type = "file", mode = tonumber("644", 8) } },
    }
    assert.equal("AKIDFILE", world.keys(here).access_key_id)
    assert.equal("AKIDFILE", world.keys(here).access_key_id)
    assert.equal(1, #log.lines)
    assert.truthy(
      log.lines[1]:find(path .. " holds keys and is open to others (mode 0644)", 1, true)
    )
  end)

  it("in a file of our own, or in no file, are no reason to warn", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    for _, st in ipairs({
      { type = "file", mode = tonumber("600", 8) },
      { type = "device", mode = tonumber("666", 8) },
    }) do
      world.keys({
        env = { HOME = "/home/own" },
        credentials = world.STATIC,
        stats = { ["/home/own/.aws/credentials"] = st },
      })
    end
    assert.same({}, log.lines)
  end)

  it("given as an option are used as they are", function()
    local keys = world.keys(
      {},
      { credentials = { access_key_id = "AKIDGIVEN", secret_access_key = secret.new("s") } }
    )
    assert.equal("AKIDGIVEN", keys.access_key_id)
  end)

  it("tell their steps", function()
    world.with({ credentials = world.STATIC }, function()
      local p = world.provider()
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

describe("credentials that expire", function()
  --- A provider whose role gives keys for `minutes`, and a count of how often it was asked.
  local function expiring(here, minutes)
    here.config = "[default]\nrole_arn = arn:r\ncredential_source = Environment"
    here.env.AWS_ACCESS_KEY_ID, here.env.AWS_SECRET_ACCESS_KEY = "AKIDENV", "s"
    here.now = 1800000000
    here.asked = 0
    -- A profile named by option: else the environment's own keys would win.
    world.assume_with("role", function()
      here.asked = here.asked + 1
      if here.fail then
        errors.raise({ kind = "network", code = "connect", message = "no network" })
      end
      return credentials.keys({
        access_key_id = "ASIA" .. here.asked,
        secret_access_key = "s",
        expires = here.now + minutes * 60,
      }, "role")
    end, finally)
    return world.provider({ profile = "default" })
  end

  it("are kept until fifteen minutes before", function()
    local here = {}
    world.with(here, function()
      local p = expiring(here, 60)
      p:get()
      here.now = here.now + 44 * 60
      assert.equal("ASIA1", p:get().access_key_id)
      here.now = here.now + 2 * 60
      assert.equal("ASIA2", p:get().access_key_id)
    end)
  end)

  it("stay in use when early renewal fails, and are asked for once a minute", function()
    local here = {}
    world.with(here, function()
      log.lines = {}
      finally(function()
        log.lines = nil
      end)
      local p = expiring(here, 60)
      p:get()
      here.fail, here.now = true, here.now + 46 * 60
      assert.equal("ASIA1", p:get().access_key_id)
      assert.equal("ASIA1", p:get().access_key_id)
      assert.equal(2, here.asked)
      here.now = here.now + 61
      p:get()
      assert.equal(3, here.asked)
    end)
  end)

  it("must be renewed ten minutes before", function()
    local here = {}
    world.with(here, function()
      local p = expiring(here, 60)
      p:get()
      here.fail, here.now = true, here.now + 51 * 60
      local _, e = errors.try(p.get, p)
      assert.equal("network", e.kind)
    end)
  end)

  it("are refreshed once for refusals that come together", function()
    local here = {}
    world.with(here, function()
      local p = expiring(here, 60)
      p:get()
      assert.is_true(p:refresh())
      assert.is_true(p:refresh())
      assert.equal(2, here.asked)
    end)
  end)

  it("are not helped by a refresh that brings the same keys, but by a new file", function()
    local here = { credentials = world.STATIC }
    world.with(here, function()
      local p = world.provider()
      p:get()
      assert.is_false(p:refresh())
      here.credentials = world.STATIC:gsub("AKIDFILE", "AKIDNEW")
      assert.is_true(p:refresh())
      assert.equal("AKIDNEW", p:get().access_key_id)
    end)
  end)

  --- Run `f` with a provider whose role is loaded by `load`.
  local function with_role(load, f)
    world.assume_with("role", load, finally)
    local config = "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]"
      .. "\naws_access_key_id = A\naws_secret_access_key = s"
    outside.with({
      getenv = function() end,
      read_file = function(path)
        return path:match("config$") and config or ""
      end,
    }, function()
      f(world.provider({ profile = "a" }))
    end)
  end

  local function some_keys()
    return credentials.keys({ access_key_id = "ASIA", secret_access_key = "s" }, "role")
  end

  it("are looked for once by tasks that want them at the same time", function()
    local asked = 0
    with_role(function()
      asked = asked + 1
      task.sleep(0)
      return some_keys()
    end, function(p)
      local function get()
        return p:get().access_key_id
      end
      assert.same({ "ASIA", "ASIA", "ASIA" }, { task.all({ get, get, get }) })
    end)
    assert.equal(1, asked)
  end)

  it("that cannot be had are looked for once too: the error is each task's", function()
    local asked = 0
    with_role(function()
      asked = asked + 1
      task.sleep(0)
      errors.raise({ kind = "network", code = "connect", message = "no network" })
    end, function(p)
      local function get()
        local _, e = errors.try(p.get, p)
        return e
      end
      local a, b, c = task.all({ get, get, get })
      assert.same({ "connect", "connect", "connect" }, { a.code, b.code, c.code })
      assert.is_false(rawequal(a, b))
    end)
    assert.equal(1, asked)
  end)

  it("are looked for again when the task that looked was cancelled", function()
    local asked = 0
    with_role(function()
      asked = asked + 1
      task.sleep(asked == 1 and 60 or 0)
      return some_keys()
    end, function(p)
      task.run(function()
        local first = task.spawn(p.get, p)
        while asked == 0 do
          task.sleep(0)
        end
        local second = task.spawn(p.get, p)
        task.sleep(0)
        task.cancel(first)
        assert.equal("ASIA", task.await(second).access_key_id)
      end)
    end)
    assert.equal(2, asked)
  end)

  it("are refused once expired", function()
    local env = {
      AWS_ACCESS_KEY_ID = "A",
      AWS_SECRET_ACCESS_KEY = "s",
      AWS_CREDENTIAL_EXPIRATION = "2020-01-01T00:00:00Z",
    }
    local _, e = world.keys({ env = env })
    assert.equal("expired", e.code)
    env.AWS_CREDENTIAL_EXPIRATION = "tomorrow"
    local _, f = world.keys({ env = env })
    assert.equal("config", f.kind)
  end)
end)
