--- Plugins of age, as programs in PATH: the client's side of their protocol.

local age = require("awsbak.core.age")
local archive = require("backup.archive")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local parties = require("backup.age.parties")
local plugin = require("backup.age.plugin")
local secret = require("awsbak.core.secret")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")
local sys = require("awsbak.core.sys")
local vault = require("spec.support.vault")

local RECORDS = { { name = "/a", value = "1" } }

describe("a plugin of age", function()
  local box, path

  setup(function()
    box = vault.new()
    assert(os.execute(("cp spec/support/age_plugin.py %s && chmod 755 %s"):format(
      shell.quote(box.dir:path("age-plugin-fake")),
      shell.quote(box.dir:path("age-plugin-fake"))
    )))
    path = sys.getenv("PATH")
    sys.setenv("PATH", box.dir:path() .. ":" .. path)
    local configured = outside.getenv
    outside.getenv = function(name)
      return name == "PATH" and sys.getenv("PATH") or configured(name)
    end
  end)
  teardown(function()
    sys.setenv("PATH", path)
    box:close()
  end)

  local function recipient(word)
    return age.bech32("age1fake", word)
  end

  local function identity(word)
    return age.bech32("AGE-PLUGIN-FAKE-", word)
  end

  local function save(recipients)
    return (box:save(RECORDS, { recipients = recipients }))
  end

  local function read(from, identities)
    local a <close> = archive.open(from, { identities = identities })
    a:verify("any")
    local records = {}
    for record in a:records() do
      records[#records + 1] = record
    end
    return records
  end

  local function raised(f, ...)
    local value, err = errors.try(f, ...)
    assert.is_nil(value)
    return err
  end

  it("locks an archive and opens it, beside other recipients", function()
    local own, own_recipient = age.keygen()
    local from = save({ recipient("ok"), own_recipient, recipient("also") })
    assert.same(RECORDS, read(from, { secret.new(identity("ok")) }))
    assert.same(RECORDS, read(from, { own, identity("dies") })) -- it is not asked
    local err = raised(read, save({ own_recipient }), { identity("ok") })
    assert.equal("age_no_match", err.code)
    assert.matches("none of the identities given can open", err.message, 1, true)
  end)

  it("opens a stream, whichever identity stands first", function()
    local own, own_recipient = age.keygen()
    local function through(to, identities)
      local sealed = stream.seal(parties.seal(to))
      local text = stream.pipe(stream.bytes("hello"), sealed, stream.text()).text
      local opened = stream.open(parties.open({ identities = identities }))
      return stream.pipe(stream.bytes(text), opened, stream.text()).text
    end
    assert.equal("hello", through({ recipient("ok") }, { own, secret.new(identity("ok")) }))
    assert.equal("hello", through({ own_recipient }, { identity("dies"), own })) -- it is not asked
    assert.equal("hello", through({ recipient("ok"), own_recipient }, { identity("ok") }))
    local err = raised(through, { own_recipient }, { identity("ok") })
    assert.equal("age_no_match", err.code)
    assert.matches("stage 1 (open): none of the identities given can open", err.message, 1, true)
    err = raised(through, { recipient("ok") }, { identity("dies") })
    assert.matches("stage 1 (open): age-plugin-fake ended before it was done", err.message, 1, true)
    local opened = stream.open({ identities = { identity("ok") } })
    err = raised(stream.pipe, stream.bytes(""), opened, stream.text())
    assert.matches("parties').open(...)", err.hint, 1, true)
    local sealed = stream.seal({ recipients = { recipient("ok") } })
    err = raised(stream.pipe, stream.bytes(""), sealed, stream.text())
    assert.matches("parties').seal(...)", err.hint, 1, true)
  end)

  it("encrypts to an identity, where there is no recipient", function()
    assert.same(RECORDS, read(save({ identity("ok") }), { identity("ok") }))
  end)

  it("is shared with the program age", function()
    if not os.execute("command -v age >/dev/null 2>&1") then
      return pending("needs the program age")
    end
    local key = box.dir:write("key", identity("ok") .. "\n")
    local words = { "age", "-d", "-i", key, "-o", box.dir:path("out"), save({ recipient("ok") }) }
    assert.is_true(os.execute(shell.join(words)))
    assert.equal("\x28\xb5\x2f\xfd", box.dir:read("out"):sub(1, 4)) -- zstd
    words = { "age", "-e", "-r", recipient("ok"), "-o", box.dir:path("in"), box.dir:path("out") }
    assert.is_true(os.execute(shell.join(words)))
    assert.same(RECORDS, read(box.dir:path("in"), { identity("ok") }))
  end)

  it("may ask the user, and say things, which are escaped", function()
    local questions = {}
    local ask = outside.ask_hidden
    outside.ask_hidden = function(prompt)
      questions[#questions + 1] = prompt
      return secret.new(#questions % 2 == 1 and "1234" or "Yes")
    end
    local lines, before = {}, log.lines
    log.lines = lines
    local ok, records = pcall(function()
      return read(save({ recipient("asks") }), { identity("asks") })
    end)
    log.lines, outside.ask_hidden = before, ask
    assert.is_true(ok, tostring(records))
    assert.same(RECORDS, records)
    assert.same({
      "age-plugin-fake: PIN? ",
      "age-plugin-fake: sure? [y: yes, n: no] ",
      "age-plugin-fake: PIN? ",
      "age-plugin-fake: sure? [y: yes, n: no] ",
    }, questions)
    assert.equal("age-plugin-fake: touch \\x1b it", lines[1])
    assert.is_nil(table.concat(lines):find("\27", 1, true))
  end)

  it("is told that there is no terminal, and says what follows", function()
    local ask = outside.ask_hidden
    outside.ask_hidden = function()
      return nil, { kind = "usage", code = "no_terminal", message = "there is none" }
    end
    local err = raised(save, { recipient("asks") })
    outside.ask_hidden = ask
    assert.equal("age-plugin-fake cannot encrypt: no PIN", err.message)
  end)

  local FAULTS = {
    garbage = "does not speak the protocol of plugins",
    damaged = "sent a stanza that is damaged",
    long = "sent a stanza of more than 4096 lines",
    chatty = "sent more than 1024 commands",
    dies = "ended before it was done",
    flood = "sent more than 1048576 bytes at once",
  }

  for word, message in pairs(FAULTS) do
    it("that fails is told of: " .. word, function()
      local err = raised(save, { recipient(word) })
      assert.equal("plugin", err.code)
      assert.equal("age-plugin-fake " .. message, err.message)
      err = raised(read, save({ recipient("ok") }), { identity(word) })
      assert.equal("age-plugin-fake " .. message, err.message)
    end)
  end

  it("that says it failed is believed, whatever else it gave", function()
    local err = raised(save, { recipient("error") })
    local why = "the device \27 is not there" -- to be escaped by who prints it
    assert.equal("age-plugin-fake cannot encrypt: " .. why, err.message)
    err = raised(read, save({ recipient("ok") }), { identity("error") })
    assert.equal("age-plugin-fake cannot decrypt: " .. why, err.message)
  end)

  it("that gives too much, too little or the wrong thing is told of", function()
    for word, message in pairs({
      many = "gave 2 stanzas for 1 recipients",
      none = "gave 0 stanzas for 1 recipients",
      other = "sent a stanza for a file that it was not given",
      huge = "gave more than 131072 bytes for the header of a file",
    }) do
      assert.equal("age-plugin-fake " .. message, raised(save, { recipient(word) }).message)
    end
    local err = raised(read, save({ recipient("ok") }), { identity("short") })
    assert.equal("age-plugin-fake gave a file key that is none", err.message)
  end)

  it("may say that its recipients go with no others", function()
    local own, own_recipient = age.keygen()
    assert.same(RECORDS, read(save({ recipient("label") }), { identity("ok") }))
    for _, others in ipairs({ { own_recipient }, { age.recipient(own), own_recipient } }) do
      local err = raised(save, { recipient("label"), table.unpack(others) })
      local message = "recipients of age-plugin-fake do not go with the others of the file"
      assert.equal("recipients", err.code)
      assert.equal(message .. " (label z)", err.message)
    end
    local err = raised(save, { recipient("labels") })
    assert.equal("age-plugin-fake sent labels twice", err.message)
  end)

  it("that is silent is not waited for forever, and is killed", function()
    local before = plugin.silence
    plugin.silence = 0.2
    local err = raised(save, { recipient("silent") })
    plugin.silence = before
    assert.equal("timeout", err.kind)
    assert.equal("age-plugin-fake said nothing for 0.2 s", err.message)
  end)

  it("that is not installed is named, and not looked for in the working directory", function()
    local err = raised(save, { age.bech32("age1absent", "x") })
    assert.equal("config", err.kind)
    assert.equal("there is no program age-plugin-absent in PATH", err.message)

    local before = sys.getenv("PATH")
    local here = sys.cwd() .. "/age-plugin-here"
    local _gone <close> = setmetatable({}, {
      __close = function()
        sys.setenv("PATH", before)
        os.remove(here)
      end,
    })
    local script <close> = assert(io.open(here, "w"))
    script:write("#!/bin/sh\n")
    os.execute("chmod 755 " .. shell.quote(here))
    for _, relative in ipairs({ ".", "./", "", "spec/.." }) do
      sys.setenv("PATH", relative .. ":" .. before .. ":" .. relative)
      err = raised(save, { age.bech32("age1here", "x") })
      assert.equal("there is no program age-plugin-here in PATH", err.message)
    end
    os.execute("chmod 644 " .. shell.quote(box.dir:path("age-plugin-fake")))
    err = raised(save, { recipient("ok") })
    os.execute("chmod 755 " .. shell.quote(box.dir:path("age-plugin-fake")))
    assert.equal("there is no program age-plugin-fake in PATH", err.message)
  end)

  it("leaves nothing behind when it fails", function()
    local target = box.dir:path("new.age")
    local err = raised(archive.create, target, box:options({ recipients = { recipient("dies") } }))
    assert.equal("plugin", err.code)
    assert.is_nil((file.stat(target)))
  end)
end)
