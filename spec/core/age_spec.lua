local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

describe("age keys", function()
  it("are what age's own documentation shows", function()
    local identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
    local recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    assert.equal(recipient, age.recipient(identity))
    assert.is_true(age.check_recipient(recipient))
  end)

  it("are new each time, and the identity is a secret that prints nothing", function()
    local identity, recipient = age.keygen()
    assert.equal("<secret>", tostring(identity))
    assert.matches("^AGE%-SECRET%-KEY%-1[0-9A-Z]+$", identity:reveal())
    assert.equal(recipient, age.recipient(identity))
    assert.not_equal(recipient, select(2, age.keygen()))
  end)

  it("are refused when a single character differs", function()
    local _, recipient = age.keygen()
    for at = 1, #recipient do
      local other = recipient:sub(at, at) == "q" and "p" or "q"
      assert.is_nil(
        (age.check_recipient(recipient:sub(1, at - 1) .. other .. recipient:sub(at + 1)))
      )
    end
    assert.is_nil((age.check_recipient(recipient:upper())))
    assert.is_nil((age.check_recipient(recipient:sub(1, -2))))
    assert.is_nil((age.check_recipient(recipient .. "q")))
    assert.is_nil((age.check_recipient("")))
  end)

  it("that are of another kind are refused by what they look like", function()
    local identity = age.keygen():reveal()
    local yubikey = "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5y"
    local looks = {
      [identity] = "not an age recipient but an age identity",
      [yubikey] = "an age plugin's recipient",
      ["age1pq1qqq"] = "a post-quantum age recipient",
      ["ssh-ed25519 AAAA"] = "an SSH key that is mistyped or cut",
      ["age1abc"] = "not an age recipient: it is mistyped or cut",
      ["me@example.com"] = "not an age recipient: it should begin with age1",
    }
    for text, message in pairs(looks) do
      local ok, err = age.check_recipient(text)
      assert.is_nil(ok)
      assert.equal("config", err.kind)
      assert.matches(message, err.message, 1, true)
      assert.is_nil(err.message:find(identity, 1, true))
    end
  end)

  it("are read from identity files, past comments and blank lines", function()
    local identity = age.keygen():reveal()
    local list =
      age.identities("# created: today\r\n\n  " .. identity .. " \r\n# end\n" .. identity)
    assert.equal(2, #list)
    assert.equal(identity, list[2]:reveal())
    assert.same({}, age.identities("# nothing\n"))
  end)

  it("that are wrong in a file are named by their line, not shown", function()
    local identity = age.keygen():reveal()
    local list, err = age.identities("# one\n" .. identity .. "\n" .. identity:lower() .. "\n")
    assert.is_nil(list)
    assert.equal("line 3: not an age identity: it is mistyped or cut", err.message)
  end)
end)

describe("a plugin's texts", function()
  it("are read back, whatever their bytes", function()
    for _, bytes in ipairs({ "", "\0", "abc", ("\255"):rep(1000) }) do
      assert.same({ "x-1", bytes }, { age.plugin(age.bech32("age1x-1", bytes)) })
      assert.same({ "x-1", bytes }, { age.plugin(age.bech32("AGE-PLUGIN-X-1-", bytes)) })
    end
  end)

  it("are told from other keys, and from mistyped ones", function()
    local identity, recipient = age.keygen()
    for _, other in ipairs({ identity, recipient, "age1pq1qqq", "ssh-rsa 1", "", "age1", "1" }) do
      assert.same({}, { age.plugin(other) })
    end
    local text = age.bech32("age1x", "abc")
    local bad = {
      text:sub(1, -2),
      text .. "q",
      text:sub(1, -2) .. (text:sub(-1) == "q" and "p" or "q"),
      text:upper():gsub("^AGE1", "age1"),
      age.bech32("AGE-PLUGIN-X/Y-", "abc"),
      age.bech32("AGE-PLUGIN-", "abc"),
      age.bech32("age1x y", "abc"),
      age.bech32("age1" .. ("x"):rep(65), ""),
    }
    for _, mistyped in ipairs(bad) do
      local name, err = age.plugin(mistyped)
      assert.is_nil(name)
      assert.equal("key", err and err.code, mistyped)
    end
  end)

  it("may be in identity files", function()
    local text = age.bech32("AGE-PLUGIN-X-", "abc")
    assert.equal(text, age.identities("# x\n" .. text .. "\n")[1]:reveal())
    local _, err = age.identities("\n" .. text .. "q\n")
    assert.equal("line 2: the age plugin's identity is mistyped or cut", err.message)
  end)
end)

describe("a file key wrapped by others", function()
  local identity, recipient = age.keygen()
  local STANZA = "-> other one\nAAAA\n"
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  it("opens the file, with its stanzas in the header beside ours", function()
    local file_key = age.file_key()
    assert.equal(16, #file_key)
    for _, armor in ipairs({ false, true }) do
      local sealed = archives.seal("plain", {
        recipients = { recipient },
        file_key = file_key,
        stanzas = { STANZA, STANZA },
        armor = armor,
      })
      local path = dir:write("sealed", sealed)
      assert.equal("plain", (archives.open(path, { identities = { identity } })))
      assert.equal("plain", (archives.open(path, { file_key = file_key })))
      local _, failure = archives.open(path, { file_key = age.file_key() })
      assert.equal("age_mac", failure.code)
      local handle <close> = assert(file.open(path))
      local reader <close> = assert(stream.reader(handle, {}))
      task.await(reader:look())
      local stanzas = age.stanzas(reader:header())
      assert.equal("X25519", stanzas[1][1])
      assert.same({ "other", "one", text = STANZA }, stanzas[2])
      assert.same({ "other", "one", text = STANZA }, stanzas[3])
      assert.equal(3, #stanzas)
    end
  end)

  it("is not taken with more stanzas than half a header", function()
    local many = {}
    for i = 1, 128 * 1024 // #STANZA + 1 do
      many[i] = STANZA
    end
    local _, err = stream.writer({ file_key = age.file_key(), stanzas = many })
    assert.equal("stanzas", err.code)
    assert.matches("more than 131072 bytes in all", err.message, 1, true)
  end)

  it("is not taken without stanzas, nor with what is none", function()
    local file_key = age.file_key()
    local bad = {
      "",
      "other\nAAAA\n",
      STANZA .. STANZA,
      "-> other\nAA\n\n",
      "-> other\nA\n",
      "-> X25519 x\n\n",
      "-> scrypt x\n\n",
      "-> other",
    }
    for _, text in ipairs(bad) do
      local writer, err = stream.writer({ file_key = file_key, stanzas = { text } })
      assert.is_nil(writer)
      assert.equal("age_header", err.code)
    end
    for _, options in ipairs({
      { file_key = file_key },
      { stanzas = { STANZA } },
      { file_key = file_key, stanzas = {} },
      { file_key = file_key, stanzas = { STANZA }, passphrase = "x" },
    }) do
      assert.has_error(function()
        stream.writer(options)
      end)
    end
    local handle <close> = assert(file.open(dir:write("x", "x")))
    assert.equal("file_key", select(2, stream.reader(handle, { file_key = "short" })).code)
  end)

  it("is looked for in files that are encrypted, before they are read", function()
    local path = dir:write("plain", "not age")
    local handle <close> = assert(file.open(path))
    local reader <close> = assert(stream.reader(handle, {}))
    task.await(reader:look())
    assert.is_nil(reader:header())
    task.await(reader:fill())
    assert.equal("not age", reader:take())
    assert.has_error(function()
      task.await(reader:look())
    end)
  end)
end)
