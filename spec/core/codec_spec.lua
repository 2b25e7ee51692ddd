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

  it("writes every other byte as two digits", function()
    local text = codec.uri(all_bytes())
    assert.is_nil(text:find("[^%w%-_.~%%]"))
    local back = text:gsub("%%(%x%x)", function(digits)
      return string.char(tonumber(digits, 16))
    end)
    assert.equal(all_bytes(), back)
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
