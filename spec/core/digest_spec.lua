local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local sys = require("awsbak.core.sys")

local function hex(name, bytes)
  return codec.hex(digest.digest(name, bytes))
end

-- Check values of FIPS 180-4, RFC 1321 and the catalogue of parametrised CRC algorithms.
local known = {
  sha256 = {
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    [""] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
  sha1 = { abc = "a9993e364706816aba3e25717850c26c9cd0d89d" },
  md5 = { abc = "900150983cd24fb0d6963f7d28e17f72" },
  crc32 = { ["123456789"] = "cbf43926", [""] = "00000000" },
  crc32c = { ["123456789"] = "e3069283", [""] = "00000000" },
  crc64nvme = { ["123456789"] = "ae8b14860a799888", [""] = "0000000000000000" },
}
local CRCS = { "crc32", "crc32c", "crc64nvme" }
for _, name in ipairs(CRCS) do
  known[name .. "-portable"] = known[name]
end

local function random_bytes(count)
  local bytes = {}
  for i = 1, count do
    bytes[i] = string.char(math.random(0, 255))
  end
  return table.concat(bytes)
end

--- The digest of bytes that come in pieces of random lengths, none and one among them.
local function by_pieces(name, bytes)
  local d = digest.new(name)
  local at = 1
  while at <= #bytes do
    local len = math.random(0, math.random(0, #bytes))
    d:add(bytes:sub(at, at + len - 1))
    at = at + len
  end
  return d:final()
end

describe("digest", function()
  it("gives the published check values", function()
    for name, vectors in pairs(known) do
      for bytes, wanted in pairs(vectors) do
        assert.equal(wanted, hex(name, bytes), name)
      end
    end
    assert.equal(64, #digest.digest("sha512", ""))
  end)

  it("does not depend on how the bytes are cut", function()
    local text = ("0123456789abcdef"):rep(9) .. "tail"
    for name in pairs(known) do
      for _, step in ipairs({ 1, 7, 8, 9, 64 }) do
        local d = digest.new(name)
        for at = 1, #text, step do
          d:add(text:sub(at, at + step - 1))
        end
        assert.equal(digest.digest(name, text), d:final(), name .. " by " .. step)
      end
    end
  end)

  it("checks the same by the processor's instructions and by tables, at every length", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local pool = random_bytes(70000)
    local lengths = { 65535, 65536, 65537, 65792 }
    for len = 0, 1100 do
      lengths[#lengths + 1] = len
    end
    for _ = 1, 60 do
      lengths[#lengths + 1] = math.random(65536, 70000) -- from 64 KiB on more at a time
    end
    for _, len in ipairs(lengths) do
      local from = math.random(1, #pool - len + 1)
      local bytes = pool:sub(from, from + len - 1)
      for _, name in ipairs(CRCS) do
        local where = ("seed %d: %s of %d bytes"):format(seed, name, len)
        local expected = digest.digest(name .. "-portable", bytes)
        assert.equal(expected, digest.digest(name, bytes), where)
        assert.equal(expected, by_pieces(name, bytes), where .. " in pieces")
        assert.equal(expected, by_pieces(name .. "-portable", bytes), where .. ", portable")
      end
    end
  end)

  it("raises for a name it does not know", function()
    assert.error_matches(function()
      digest.digest("sha3", "")
    end, "no digest is called 'sha3'")
    assert.error_matches(function()
      digest.new("md4")
    end, "md4")
  end)

  it("raises when used after its end", function()
    local d = digest.new("sha256")
    d:final()
    assert.error_matches(function()
      d:add("x")
    end, "finished")
  end)

  it("combines the checksums of two runs of bytes", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for _ = 1, 200 do
      local name = ({ "crc32", "crc32c", "crc64nvme" })[math.random(3)]
      local first = sys.random(math.random(0, 300))
      local second = sys.random(math.random(0, 1) == 0 and 0 or math.random(0, 60000))
      local sum = digest.combine(
        name,
        digest.digest(name, first),
        digest.digest(name, second),
        #second
      )
      local where = ("seed %d: %s of %d and %d"):format(seed, name, #first, #second)
      assert.equal(codec.hex(digest.digest(name, first .. second)), codec.hex(sum), where)
    end
  end)

  it("combines nothing that is no checksum", function()
    for _, call in ipairs({
      { "sha256", ("x"):rep(32), ("x"):rep(32), 1 },
      { "crc32", "abc", "abcd", 1 },
      { "crc32", "abcd", "abcdefgh", 1 },
      { "crc32", "abcd", "abcd", -1 },
      { "crc33", "abcd", "abcd", 1 },
    }) do
      assert.has_error(function()
        digest.combine(table.unpack(call))
      end)
    end
  end)
end)
