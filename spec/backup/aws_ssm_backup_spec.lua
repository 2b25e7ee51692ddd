local dump = require("backup.aws_ssm_backup")

describe("backup.aws_ssm_backup", function()
  local function refusal(text)
    local ok, e = pcall(dump.parse, text, "old.json")
    assert.is_false(ok)
    assert.equal("integrity", e.kind)
    return e.message
  end

  it("reads name, value, type and description, sorted by name", function()
    local text = '{"/shop/db":{"value":"hunter2","type":"SecureString","description":""},'
      .. '"flat":{"value":"a,b","type":"StringList","description":"two"}}'
    assert.same({
      { name = "/shop/db", type = "SecureString", value = "hunter2" },
      { name = "flat", type = "StringList", value = "a,b", description = "two" },
    }, dump.parse(text, "old.json"))
  end)

  it("takes a bare string for a SecureString", function()
    assert.same(
      { { name = "/a", type = "SecureString", value = "v" } },
      dump.parse('{"/a":"v"}', "x")
    )
  end)

  it("reads an empty dump", function()
    assert.same({}, dump.parse("{}", "x"))
  end)

  it("is recognised by its first bytes, and awsbak's own records are not", function()
    assert.is_true(dump.recognise('{"/a":{"value":"x"'))
    assert.is_true(dump.recognise('{ "/a": "x" }'))
    assert.is_true(dump.recognise("{}"))
    assert.is_false(dump.recognise('{"account":"1","format":"awsbak archive"}\n'))
    assert.is_false(dump.recognise("age-encryption.org/v1\n"))
    assert.is_false(dump.recognise(""))
  end)

  it("refuses a name that is there twice", function()
    local message = refusal('{"/a":"hunter2","/b":"v","/a":"w"}')
    assert.matches('"/a" comes twice', message, 1, true)
    assert.not_matches("hunter2", message)
    assert.matches("twice", refusal('{"/a":{"value":"v","type":"String","value":"w"}}'))
  end)

  it("refuses the rest in one sentence, which names the parameter and not its value", function()
    assert.matches("old.json", refusal("[1]"))
    assert.matches("/a is neither", refusal('{"/a":7}'))
    assert.matches("/a has no type", refusal('{"/a":{"value":"hunter2"}}'))
    assert.matches("/a has no value", refusal('{"/a":{"type":"String","value":3}}'))
    assert.matches("description", refusal('{"/a":{"type":"String","value":"v","description":7}}'))
    assert.not_matches("hunter2", refusal('{"/a":{"value":"hunter2"}}'))
    assert.matches("not a dump", refusal('{"/a":{"value":"hunter2","ty'))
    assert.not_matches("hunter2", refusal('{"/a":{"value":"hunter2","ty'))
  end)
end)
