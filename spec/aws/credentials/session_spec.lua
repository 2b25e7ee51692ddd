local credentials = require("aws.credentials")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local secret = require("awsbak.core.secret")
local task = require("awsbak.task")
local time = require("awsbak.time")
local world = require("spec.support.world")

local NOW = 1800000000
local ROLE = "[profile a]\nrole_arn = arn:aws:iam::1:role/a\nsource_profile = default\n"
-- printf '{"RoleArn": "arn:aws:iam::1:role/a"}' | sha1sum
local FILE = "/home/x/.aws/cli/cache/dba69865ffc54a09cfca6f6c96dfb29bb352e96f.json"

--- What the CLI keeps of a session that ends in `minutes`.
local function kept(minutes, change)
  local document = {
    Credentials = {
      AccessKeyId = "ASIAKEPT",
      SecretAccessKey = "s",
      SessionToken = "t",
      Expiration = time.rfc3339(NOW + minutes * 60),
      AccountId = "1",
    },
    AssumedRoleUser = { Arn = "arn:aws:sts::1:assumed-role/a/x" },
  }
  for name, value in pairs(change or {}) do
    document.Credentials[name] = value
  end
  return json.encode(document)
end

describe("sessions of roles in the AWS CLI's cache", function()
  local asked

  before_each(function()
    log.lines, asked = {}, 0
  end)

  after_each(function()
    log.lines, log.level = nil, nil
  end)

  --- Let STS give ASIA1, ASIA2, ... for an hour.
  local function with_sts()
    world.assume_with("role", function(_, _, _, source)
      asked = asked + 1
      return credentials.keys({
        access_key_id = "ASIA" .. asked,
        secret_access_key = "new",
        session_token = "token",
        expires = outside.now() + 3600,
        account_id = "1",
      }, source)
    end, finally)
  end

  local function here(text)
    return { config = ROLE, credentials = world.STATIC, files = { [FILE] = text } }
  end

  it("are used while they are good for fifteen minutes", function()
    with_sts()
    local keys = assert(world.keys(here(kept(15)), { profile = "a" }))
    assert.equal("ASIAKEPT", keys.access_key_id)
    assert.equal("s", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal("1", keys.account_id)
    assert.equal(NOW + 900, keys.expires)
    assert.matches(FILE, keys.source, 1, true)
    assert.equal("ASIA1", world.keys(here(kept(14.9)), { profile = "a" }).access_key_id)
    assert.same({}, log.lines)
  end)

  it("may have been written with any spelling of UTC", function()
    with_sts()
    for _, zone in ipairs({ "UTC", "+00:00", "Z" }) do
      local there = here(kept(0, { Expiration = "2027-01-15T09:00:00" .. zone }))
      assert.equal("ASIAKEPT", world.keys(there, { profile = "a" }).access_key_id)
    end
  end)

  it("are written when they are new", function()
    with_sts()
    local there = here(nil)
    world.keys(there, { profile = "a" })
    assert.same({
      Credentials = {
        AccessKeyId = "ASIA1",
        SecretAccessKey = "new",
        SessionToken = "token",
        Expiration = "2027-01-15T09:00:00Z",
        AccountId = "1",
      },
    }, json.decode(there.files[FILE]))
    assert.matches("^ASIA1$", world.keys(there, { profile = "a" }).access_key_id)
    assert.equal(1, asked)
  end)

  it("that are damaged are named and replaced", function()
    with_sts()
    for _, text in ipairs({
      "",
      "<html>",
      "[]",
      '"hunter2"',
      '{"Credentials": "hunter2"}',
      "{}",
      kept(60, { SecretAccessKey = 5 }),
      kept(60, { AccessKeyId = json.null }),
      kept(60, { SecretAccessKey = "hunter2\n" }),
      kept(60, { Expiration = "soon" }),
      kept(60):sub(1, 70),
    }) do
      local there = here(text)
      local keys = assert(world.keys(there, { profile = "a" }))
      assert.equal("ASIA" .. asked, keys.access_key_id)
      assert.matches('"AccessKeyId":"' .. keys.access_key_id, there.files[FILE], 1, true)
    end
    local said = table.concat(log.lines, "\n")
    assert.matches(FILE, said, 1, true)
    assert.falsy(said:find("hunter2", 1, true))
  end)

  it("that others may read are used, with a warning", function()
    with_sts()
    local there = here(kept(60))
    there.stats = { [FILE] = { type = "file", mode = tonumber("644", 8) } }
    assert.equal("ASIAKEPT", world.keys(there, { profile = "a" }).access_key_id)
    assert.matches(FILE .. " holds keys and is open to others", log.lines[1], 1, true)
  end)

  it("that cannot be written are used all the same", function()
    with_sts()
    log.level = "info"
    local there = here(nil)
    world.with(there, function()
      outside.with({
        write_private = function(path)
          errors.raise({ kind = "io", code = "EROFS", message = "cannot write " .. path })
        end,
      }, function()
        assert.equal("ASIA1", world.provider({ profile = "a" }):get().access_key_id)
      end)
    end)
    assert.matches("not kept: cannot write " .. FILE, table.concat(log.lines, "\n"), 1, true)
  end)

  it("are neither read nor written where there is no home", function()
    with_sts()
    local keys
    outside.with({
      getenv = function() end,
      read_file = function(path)
        return path:match("config$") and ROLE or path:match("credentials$") and world.STATIC
      end,
      write_private = function(path)
        error("written: " .. path)
      end,
    }, function()
      keys = world.provider({ profile = "a" }):get()
    end)
    assert.equal("ASIA1", keys.access_key_id)
  end)

  it("are not used when a service has called their keys expired", function()
    with_sts()
    world.with(here(kept(60)), function()
      local p = world.provider({ profile = "a" })
      assert.equal("ASIAKEPT", p:get().access_key_id)
      assert.is_true(p:refresh())
      assert.equal("ASIA1", p:get().access_key_id)
      -- Another client with the same keys is helped by what the first one got.
      local other = world.provider({ profile = "a" })
      other.current = credentials.keys(
        { access_key_id = "ASIAKEPT", secret_access_key = secret.new("s") },
        "before"
      )
      assert.is_true(other:refresh())
      assert.equal("ASIA1", other:get().access_key_id)
    end)
    assert.equal(1, asked)
  end)

  it("are asked for once by clients that want the same at one time", function()
    world.assume_with("role", function(_, _, _, source)
      asked = asked + 1
      task.sleep(0)
      return credentials.keys({
        access_key_id = "ASIA" .. asked,
        secret_access_key = "new",
        expires = NOW + 3600,
      }, source)
    end, finally)
    local sleep = outside.sleep
    world.with(here(nil), function()
      outside.with({ sleep = sleep }, function()
        local function get()
          return world.provider({ profile = "a" }):get().access_key_id
        end
        assert.same({ "ASIA1", "ASIA1", "ASIA1" }, { task.all({ get, get, get }) })
      end)
    end)
    assert.equal(1, asked)
  end)

  it("of a role spare the way to it: nothing is asked of the profiles behind", function()
    with_sts()
    local there = here(kept(60))
    there.config = ROLE:gsub("= default", "= b")
      .. "[profile b]\ncredential_process = /no/such/program"
    assert.equal("ASIAKEPT", world.keys(there, { profile = "a" }).access_key_id)
  end)
end)

describe("MFA codes", function()
  local MFA = ROLE .. "mfa_serial = arn:aws:iam::1:mfa/me\n"
  local sent

  --- A world where somebody types `answer`, or nobody sits at the terminal.
  local function here(answer)
    sent = {}
    world.assume_with("role", function(_, input, _, source)
      sent[#sent + 1] = { input.SerialNumber, input.TokenCode }
      return credentials.keys({
        access_key_id = "ASIA" .. #sent,
        secret_access_key = "new",
        expires = outside.now() + 3600,
      }, source)
    end, finally)
    return {
      config = MFA,
      credentials = world.STATIC,
      now = NOW,
      answer = function(prompt)
        assert.equal("Enter MFA code for arn:aws:iam::1:mfa/me: ", prompt)
        return answer and secret.new(answer),
          not answer and { kind = "usage", code = "no_terminal", message = "no terminal" } or nil
      end,
    }
  end

  it("are asked for once; other clients find the session", function()
    local there = here(" 123456 ")
    assert.equal("ASIA1", world.keys(there, { profile = "a" }).access_key_id)
    assert.equal("ASIA1", world.keys(there, { profile = "a" }).access_key_id)
    assert.same({ { "arn:aws:iam::1:mfa/me", "123456" } }, sent)
  end)

  it("that cannot be asked for are an error with the way out", function()
    local _, e = world.keys(here(nil), { profile = "a" })
    assert.same({ "credentials", "mfa" }, { e.kind, e.code })
    assert.equal(
      "profile a wants an MFA code, and there is no terminal to ask on",
      e.message
    )
    assert.matches("aws sts get-caller-identity --profile a", e.hint, 1, true)
  end)

  it("are six digits", function()
    for _, answer in ipairs({ "", "12345", "1234567", "hunter" }) do
      local _, e = world.keys(here(answer), { profile = "a" })
      assert.equal("the answer is no MFA code", e.message)
    end
  end)

  it("are not asked for again in a run, but a session made elsewhere is taken up", function()
    local there = here("123456")
    world.with(there, function()
      local p = world.provider({ profile = "a" })
      p:get()
      there.now = NOW + 51 * 60
      there.answer = function()
        error("asked")
      end
      local _, e = errors.try(p.get, p)
      assert.equal("mfa", e.code)
      assert.matches("near its end", e.message, 1, true)
      local path = next(there.files)
      there.files[path] = kept(120)
      assert.equal("ASIAKEPT", p:get().access_key_id)
    end)
  end)
end)
