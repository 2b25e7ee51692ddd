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

describe("gunzip", function()
  -- Made by Python: gzip.compress(b"hello " * 1000, mtime=0), and of nothing.
  local TEXT = ("hello "):rep(1000)
  local PACKED = codec.unbase64(
    "H4sIAAAAAAACA+3EMQ0AAAgDMCuYI+FYgv8PEbzt0elka2zbtm3btm3b9uMDwTcMQHAXAAA="
  )
  local NOTHING = codec.unbase64("H4sIAAAAAAACAwMAAAAAAAAAAAA=")

  local function fails(bytes, max)
    local text, err = codec.gunzip(bytes, max)
    assert.is_nil(text)
    return err.kind .. " " .. err.code
  end

  it("gives the content back", function()
    assert.equal(TEXT, codec.gunzip(PACKED, 1 << 20))
    assert.equal("", codec.gunzip(NOTHING, 1))
  end)

  it("gives no more than it may", function()
    assert.equal(TEXT, codec.gunzip(PACKED, #TEXT))
    assert.equal("reply too_large", fails(PACKED, #TEXT - 1))
    assert.equal("reply too_large", fails(PACKED, 1))
  end)

  it("refuses a file that ends early, at each byte", function()
    for n = 0, #PACKED - 1 do
      assert.equal("integrity gzip_truncated", fails(PACKED:sub(1, n), 1 << 20), n)
    end
  end)

  it("refuses what is not gzip, is damaged, or goes on", function()
    for _, bytes in ipairs({
      "hello",
      PACKED .. "x",
      PACKED:sub(1, -9) .. "xxxx" .. PACKED:sub(-4), -- another checksum
      PACKED:sub(1, 20) .. "\xff\xff" .. PACKED:sub(23),
    }) do
      assert.equal("integrity gzip_corrupt", fails(bytes, 1 << 20))
    end
  end)
end)
