local age = require("awsbak.core.age")
local file = require("awsbak.core.file")
local key = require("awsbak.core.key")
local keys = require("backup.keys")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

describe("the keys of a host", function()
  local dir, config

  before_each(function()
    dir = scratch.new()
    config = dir:path("config/awsbak")
  end)
  after_each(function()
    dir:close()
  end)

  --- Run `f` with our folder as the configuration folder.
  local function inside(f, ...)
    local variables = { XDG_CONFIG_HOME = dir:path("config") }
    return outside.with({
      getenv = function(name)
        return variables[name]
      end,
      now = function()
        return 1795233600
      end,
    }, f, ...)
  end

  local function raised(f, ...)
    local ok, err = pcall(inside, f, ...)
    assert.is_false(ok, "nothing was raised")
    return err
  end

  local function put(name, text, mode)
    assert(file.mkdirs(config))
    os.remove(config .. "/" .. name)
    assert(file.create_exclusive(config .. "/" .. name, text, mode))
    return config .. "/" .. name
  end

  describe("made by keygen", function()
    it("are an identity file as age has it and a signing key, for the owner alone", function()
      local made = inside(keys.generate)
      local identity = dir:read("config/awsbak/identity.txt")
      assert.matches(
        "^# created: 2026%-11%-21T04:00:00Z\n# public key: age1%w+\nAGE%-SECRET%-KEY%-1%w+\n$",
        identity
      )
      local signing = dir:read("config/awsbak/signing.key")
      assert.matches(
        "^# created: 2026%-11%-21T04:00:00Z\n# public key: awsbaksig1%w+\n"
          .. "AWSBAK%-SIGNING%-KEY%-1%w+\n$",
        signing
      )
      for _, name in ipairs({ "identity.txt", "signing.key" }) do
        assert.equal(384, file.stat(config .. "/" .. name).mode) -- 0600
      end
      assert.equal(448, file.stat(config).mode) -- 0700
      assert.is_truthy(identity:find(made.recipient, 1, true))
      assert.is_truthy(signing:find(made.signer, 1, true))
      assert.same({ made.recipient }, inside(keys.recipients))
      assert.equal(made.signer, select(2, inside(keys.signing)))
      assert.equal("own", inside(keys.trust, made.signer))
    end)

    it("are never replaced", function()
      inside(keys.generate)
      local before = dir:read("config/awsbak/identity.txt")
      local err = raised(keys.generate)
      assert.equal("EEXIST", err.code)
      assert.matches("never replaced", err.message, 1, true)
      assert.equal(before, dir:read("config/awsbak/identity.txt"))
    end)

    it("are completed when one of them is missing", function()
      local first = inside(keys.generate)
      os.remove(config .. "/signing.key")
      local second = inside(keys.generate)
      assert.same({ config .. "/signing.key" }, second.made)
      assert.equal(first.recipient, second.recipient)
      assert.not_equal(first.signer, second.signer)
    end)
  end)

  it("are checked before a missing one is made", function()
    put("signing.key", "not a key\n")
    assert.equal("config", raised(keys.generate).kind)
    assert.is_nil(file.stat(config .. "/identity.txt"))
  end)

  it("are no reason to fail when there are none", function()
    assert.same({}, inside(keys.identities))
    assert.is_nil(inside(keys.signing))
    local _, signer = key.generate()
    assert.equal("unknown", inside(keys.trust, signer))
  end)

  it("say to run keygen when an archive has nobody to be encrypted to", function()
    local err = raised(keys.recipients)
    assert.equal("config", err.kind)
    assert.matches("awsbak keygen", err.hint, 1, true)
  end)

  describe("identity", function()
    local text = age.keygen():reveal()

    it("is refused when others can read it", function()
      local path = put("identity.txt", text, 416) -- 0640
      local err = raised(keys.identities)
      assert.equal("config", err.kind)
      assert.matches("can be read by others (mode 0640)", err.message, 1, true)
      assert.equal("chmod 600 " .. path, err.hint)
    end)

    it("is read from each file named, and from pipes", function()
      local one = dir:path("one")
      assert(file.create_exclusive(one, "# mine\n" .. text .. "\n"))
      assert.equal(2, #inside(keys.identities, { one, one }))
    assert.equal("usage", raised(keys.identities, { "" }).kind)
      local fifo = dir:path("fifo")
      local command = "mkfifo %s; cat %s > %s &"
      os.execute(command:format(shell.quote(fifo), shell.quote(one), shell.quote(fifo)))
      assert.equal(text, inside(keys.identities, { fifo })[1]:reveal())
    end)

    it("that is wrong is named by file and line, and never shown", function()
      local path = put("identity.txt", "\n" .. text:sub(1, -2) .. "\n")
      local err = raised(keys.identities)
      assert.equal(path .. " line 2: not an age identity: it is mistyped or cut", err.message)
      assert.is_nil(tostring(err):find(text:sub(17, 60), 1, true))
      put("identity.txt", "# nothing\n")
      assert.matches("holds no key", raised(keys.identities).message, 1, true)
      assert.equal("ENOENT", raised(keys.identities, { dir:path("missing") }).code)
    end)
  end)

  describe("recipients.txt", function()
    it("comes before our own identity, so that a backup host needs none", function()
      inside(keys.generate)
      local _, other = age.keygen()
      put("recipients.txt", "# the vault\n\n" .. other .. "\r\n")
      assert.same({ other }, inside(keys.recipients))
    end)

    it("may have SSH keys, with their comments", function()
      local line = "ssh-ed25519 "
        .. "AAAAC3NzaC1lZDI1NTE5AAAAIP/CCuRnf0FegyO0Uxu1dQcE7l48VAiGgBTWN3oa/wYJ"
      put("recipients.txt", line .. " me@host, at work\n" .. line .. "\n")
      assert.same({ line, line }, inside(keys.recipients))
      local path = put("recipients.txt", "ssh-ed25519\n")
      assert.matches(path .. ":1: not an age recipient", raised(keys.recipients).message, 1, true)
    end)

    it("is named with the line that is wrong", function()
      local path = put("recipients.txt", "# x\nage1nothing\n")
      local err = raised(keys.recipients)
      assert.equal("config", err.kind)
      assert.equal(path .. ":2: not an age recipient: it is mistyped or cut", err.message)
      local _, other = age.keygen()
      put("recipients.txt", other .. " Bob\n")
      assert.equal(path .. ":1: one key a line", raised(keys.recipients).message)
    end)
  end)

  it("are not trusted where others can change them", function()
    local _, other = age.keygen()
    local path = put("recipients.txt", other .. "\n", 438) -- 0666
    assert.equal(
      path .. " can be changed by others (mode 0666)",
      raised(keys.recipients).message
    )
    os.execute("chmod 644 " .. shell.quote(path) .. "; chmod 777 " .. shell.quote(config))
    local err = raised(keys.recipients)
    assert.equal("chmod go-w " .. config, err.hint)
  end)

  it("are not trusted where they belong to another user", function()
    local _, other = age.keygen()
    local path = put("recipients.txt", other .. "\n")
    if not os.execute("chown 65534 " .. shell.quote(path) .. " 2>/dev/null") then
      return pending("only root can give files away")
    end
    assert.equal(path .. " belongs to another user (uid 65534)", raised(keys.recipients).message)
  end)

  it("are not replaced by our own where recipients.txt is empty", function()
    inside(keys.generate)
    put("recipients.txt", "# nobody\n")
    assert.matches("recipients.txt holds no recipient", raised(keys.recipients).message, 1, true)
  end)

  describe("signers.txt", function()
    it("lists whom we trust, by name", function()
      local _, one = key.generate()
      local _, two = key.generate()
      local _, three = key.generate()
      put("signers.txt", one .. " the vault\n  " .. two .. "\n")
      assert.same({ "listed", "the vault" }, { inside(keys.trust, one) })
      assert.same({ "listed" }, { inside(keys.trust, two) })
      assert.same({ "unknown" }, { inside(keys.trust, three) })
    end)

    it("is named with the line that is wrong", function()
      local path = put("signers.txt", "me\n")
      local _, signer = key.generate()
      local err = raised(keys.trust, signer)
      assert.equal(path .. ":1: not a signer: it should begin with awsbaksig1", err.message)
    end)
  end)

  describe("passphrase file", function()
    it("is taken without its line end, and as it is otherwise", function()
      for text, wanted in pairs({
        ["p w\n"] = "p w",
        ["p\r\n"] = "p",
        ["p\n\n"] = "p\n",
        [" p "] = " p ",
      }) do
        local path = dir:path("pass")
        os.remove(path)
        assert(file.create_exclusive(path, text))
        assert.equal(wanted, inside(keys.passphrase, path):reveal())
      end
    end)

    it("is refused when it is empty, and warned about when others can read it", function()
      local path = dir:path("empty")
      assert(file.create_exclusive(path, "\n"))
      assert.matches("is empty", raised(keys.passphrase, path).message, 1, true)
      local open = dir:path("open")
      assert(file.create_exclusive(open, "p", 420))
      local lines = {}
      log.lines = lines
      inside(keys.passphrase, open)
      log.lines = nil
      assert.matches("can be read by others", table.concat(lines), 1, true)
    end)
  end)
end)
