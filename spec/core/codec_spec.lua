local codec = require("awsbak.core.codec")

local function all_bytes()
  local bytes = {}
  for i = 0, 255 do
    bytes[#bytes + 1] = string.char(i)
  end
  return table.concat(bytes)
end

describe("base64", function()
  it("gives the text of RFC 4648, section 10", function()
    local vectors = {
      [""] = "",
      f = "Zg==",
      fo = "Zm8=",
      foo = "Zm9v",
      foob = "Zm9vYg==",
      fooba = "Zm9vYmE=",
      foobar = "Zm9vYmFy",
    }
    for plain, text in pairs(vectors) do
      assert.equal(text, codec.base64(plain))
      assert.equal(plain, codec.unbase64(text))
    end
  end)

  it("brings every byte back", function()
    assert.equal(all_bytes(), codec.unbase64(codec.base64(all_bytes())))
  end)

  it("refuses every text the encoder would not write", function()
    for _, text in ipairs({
      "Zg",
      "Zg=",
      "Zg===",
      "Zh==",
      "Zm9=",
      "Zm9v ",
      "Zm9v\n",
      "Z-9v",
      "=Zg=",
      "Zg==Zg==",
      "A",
      "====",
    }) do
      local bytes, err = codec.unbase64(text)
      assert.is_nil(bytes, text)
      assert.equal("reply", err.kind)
      assert.equal("base64", err.code)
    end
  end)
end)

describe("hex", function()
  it("is written in lower case and read in either", function()
    assert.equal("00ff7a", codec.hex("\0\255z"))
    assert.equal("\0\255z", codec.unhex("00Ff7A"))
    assert.equal("", codec.unhex(""))
  end)

  it("refuses odd lengths and other characters", function()
    for _, text in ipairs({ "0", "0g", " 00", "0x00", "00\0" }) do
      assert.is_nil((codec.unhex(text)))
    end
  end)
end)

describe("percent-encoding", function()
  it("keeps unreserved characters alone", function()
    local unreserved = "AZaz09-_.~"
    assert.equal(unreserved, codec.uri(unreserved))
    assert.equal("a%20b%2F%2B%25%C3%A9%00", codec.uri("a b/+%é\0"))
  end)

  it("keeps slashes where asked to", function()
    assert.equal("/a/b%20c", codec.uri("/a/b c", true))
  end)

  it("brings every byte back", function()
    assert.equal(all_bytes(), codec.unuri(codec.uri(all_bytes())))
    assert.equal("a+b", codec.unuri("a+b"))
  end)

  it("refuses a percent sign without two digits", function()
    for _, text in ipairs({ "%", "a%2", "%zz", "%2%20" }) do
      assert.is_nil((codec.unuri(text)))
    end
  end)
end)

describe("a codec", function()
  it("raises when it is not given a string", function()
    assert.error(function()
      codec.base64(12)
    end)
    assert.error(function()
      codec.hex(nil)
    end)
  end)
end)
