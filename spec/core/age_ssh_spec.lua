--- SSH keys as age recipients and identities, beside the programs age and ssh-keygen.

local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local codec = require("awsbak.core.codec")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local function run(...)
  return (os.execute(shell.join({ ... }) .. " >/dev/null 2>&1 </dev/null"))
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null 2>&1")
end

-- What ssh-keygen is told to make each kind of key.
local KINDS = {
  ["ssh-ed25519"] = { "-t", "ed25519" },
  ["ssh-rsa"] = { "-t", "rsa", "-b", "3072" },
  ["ssh-rsa in PEM"] = { "-t", "rsa", "-b", "2048", "-m", "PEM" },
  ["ssh-rsa in PKCS #8"] = { "-t", "rsa", "-b", "2048", "-m", "PKCS8" },
}

describe("SSH keys", function()
  if not (has("ssh-keygen") and has("age")) then
    pending("needs the programs ssh-keygen and age")
    return
  end

  local dir

  setup(function()
    dir = scratch.new()
  end)
  teardown(function()
    dir:close()
  end)

  -- Make a key once: path of the file, its text, the line of its public half.
  local function keygen(name, ...)
    local path = dir:path((name:gsub("%W", "_")))
    if not dir:read((name:gsub("%W", "_"))) then
      assert(run("ssh-keygen", "-q", "-N", "", "-C", "me@host", "-f", path, ...))
    end
    local short = path:match("[^/]+$")
    return path, dir:read(short), dir:read(short .. ".pub"):gsub("\n$", "")
  end

  local function only(text)
    local list = assert(age.identities(text))
    assert.equal(1, #list)
    return list[1]
  end

  for kind, options in pairs(KINDS) do
    it("of the kind " .. kind .. " open what age sealed, and age what we sealed", function()
      local path, text, line = keygen(kind, table.unpack(options))
      local plain = ("x"):rep(70000)
      local sealed =
        dir:write("ours", archives.seal(plain, { recipients = { line }, zstd = false }))
      assert.is_true(run("age", "-d", "-i", path, "-o", dir:path("opened"), sealed))
      assert.is_true(plain == dir:read("opened"))

      local _, other = age.keygen()
      local file = dir:write("plain", plain)
      assert.is_true(
        run("age", "-e", "-r", other, "-R", path .. ".pub", "-o", dir:path("theirs"), file)
      )
      local released, failure = archives.open(dir:path("theirs"), { identities = { only(text) } })
      assert.is_nil(failure)
      assert.is_true(plain == released)
    end)

    it("of the kind " .. kind .. " tell whom they open for", function()
      local _, text, line = keygen(kind, table.unpack(options))
      assert.equal(line:match("^%S+ %S+"), age.recipient(only(text)))
      assert.is_true(age.check_recipient(line))
    end)
  end

  it("in PKCS #8 of Ed25519 are read", function()
    assert(run("openssl", "genpkey", "-algorithm", "ed25519", "-out", dir:path("pkcs8")))
    local identity = only(dir:read("pkcs8"))
    local recipients = { assert(age.recipient(identity)) }
    local sealed = dir:write("sealed", archives.seal("x", { recipients = recipients }))
    assert.equal("x", (archives.open(sealed, { identities = { identity } })))
  end)

  it("stand beside recipients and identities of other kinds", function()
    local _, ed_text, ed_line = keygen("ssh-ed25519", "-t", "ed25519")
    local _, rsa_text, rsa_line = keygen("ssh-rsa", "-t", "rsa", "-b", "3072")
    local identity, recipient = age.keygen()
    local other, other_recipient = age.keygen()
    local all = { other_recipient, rsa_line, recipient, ed_line }
    local sealed = dir:write("sealed", archives.seal("x", { recipients = all }))
    for _, text in ipairs({ only(ed_text), only(rsa_text), identity, other }) do
      assert.equal("x", (archives.open(sealed, { identities = { text } })))
    end
  end)

  it("that the file is not for open nothing", function()
    local _, text = keygen("ssh-ed25519", "-t", "ed25519")
    local _, _, other = keygen("other", "-t", "ed25519")
    local _, rsa_text = keygen("ssh-rsa", "-t", "rsa", "-b", "3072")
    local sealed = dir:write("sealed", archives.seal("x", { recipients = { other } }))
    local released, failure =
      archives.open(sealed, { identities = { only(text), only(rsa_text) } })
    assert.equal("", released)
    assert.equal("age_no_match", failure.code)
  end)

  it("notice a stanza of theirs that was altered", function()
    local _, text, line = keygen("ssh-ed25519", "-t", "ed25519")
    local sealed = archives.seal("x", { recipients = { line } })
    local tag, share = sealed:match("%-> ssh%-ed25519 (%S+) (%S+)\n")
    local damage = {
      [tag .. " " .. share] = { tag, tag .. " AAAA", tag .. " " .. share .. " x" },
      [share] = { codec.base64(("\0"):rep(32)):gsub("=", "") },
    }
    for from, list in pairs(damage) do
      for _, to in ipairs(list) do
        local at, last = sealed:find(from, 1, true)
        local path = dir:write("bad", sealed:sub(1, at - 1) .. to .. sealed:sub(last + 1))
        local released, failure = archives.open(path, { identities = { only(text) } })
        assert.equal("", released)
        assert.equal("age_header", failure.code)
      end
    end
  end)

  it("that are locked, of another type or damaged are refused by what they are", function()
    local path, _, _ = keygen("locked", "-t", "ed25519")
    assert(run("ssh-keygen", "-q", "-p", "-P", "", "-N", "horse", "-f", path))
    local _, ecdsa, ecdsa_line = keygen("ecdsa", "-t", "ecdsa")
    local _, small, small_line = keygen("small", "-t", "rsa", "-b", "1024")
    local pem = keygen("locked pem", "-t", "rsa", "-b", "2048", "-m", "PEM")
    assert(run("ssh-keygen", "-q", "-p", "-m", "PEM", "-P", "", "-N", "horse", "-f", pem))
    local _, text, line = keygen("ssh-ed25519", "-t", "ed25519")
    local identities = {
      [dir:read("locked")] = "locked with a passphrase",
      [dir:read("locked_pem")] = "locked with a passphrase",
      [ecdsa] = "of type ecdsa-sha2-nistp256: only ssh-ed25519 and ssh-rsa",
      [small] = "fewer than 2048 bits",
      [text:sub(1, -40)] = "damaged or cut",
      [text .. "x"] = "damaged or cut",
      ["-----BEGIN CERTIFICATE-----\n"] = "no private SSH key",
    }
    for bytes, message in pairs(identities) do
      local list, err = age.identities(bytes)
      assert.is_nil(list)
      assert.equal("key", err.code)
      assert.matches(message, err.message, 1, true)
    end
    local blob = codec.unbase64(line:match(" (%S+)"))
    local off_curve = blob:sub(1, -33) .. "\2" .. ("\0"):rep(31)
    local recipients = {
      [ecdsa_line] = "of a type that age does not have",
      [small_line] = "fewer than 2048 bits",
      [line:sub(1, 40)] = "mistyped or cut",
      ["ssh-rsa " .. line:match(" (%S+)")] = "mistyped or cut",
      ["ssh-ed25519 " .. codec.base64(off_curve)] = "no point of the curve",
    }
    for bytes, message in pairs(recipients) do
      local ok, err = age.check_recipient(bytes)
      assert.is_nil(ok)
      assert.equal("key", err.code)
      assert.matches(message, err.message, 1, true)
    end
  end)

  it("with a byte altered are never taken for the same key", function()
    local _, text, line = keygen("ssh-ed25519", "-t", "ed25519")
    local body = text:match("KEY%-%-%-%-%-\n(.-)%-%-%-%-%-END"):gsub("\n", "")
    local wire = codec.unbase64(body)
    local form = "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n"
    for at = 1, #wire do
      local altered = wire:sub(1, at - 1)
        .. string.char(wire:byte(at) ~ 1)
        .. wire:sub(at + 1)
      local list = age.identities(form:format(codec.base64(altered)))
      local comment = wire:find("me@host", 1, true)
      if not (list and at >= comment and at < comment + 7) then
        assert.is_nil(list, "byte " .. at)
      else
        assert.equal(line:match("^%S+ %S+"), age.recipient(list[1]))
      end
    end
  end)
end)
