local age = require("awsbak.core.age")

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
