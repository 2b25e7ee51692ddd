local codec = require("awsbak.core.codec")
local key = require("awsbak.core.key")

describe("a signing key", function()
  local private, signer = key.generate()

  it("signs what its signer verifies", function()
    local signature = key.sign(private, "message")
    assert.equal(64, #signature)
    assert.is_true(key.verify(signer, "message", signature))
  end)

  it("is a secret, and its signer is not", function()
    assert.equal("<secret>", tostring(private))
    assert.equal(signer, key.signer(private))
    assert.matches("^awsbaksig1", signer)
    assert.is_true(key.check_signer(signer))
  end)

  it("is not believed for another message, signature or signer", function()
    local signature = key.sign(private, "message")
    local _, other = key.generate()
    assert.is_false(key.verify(signer, "massage", signature))
    assert.is_false(key.verify(other, "message", signature))
    assert.is_false(key.verify(signer, "message", signature:sub(1, 63)))
    assert.is_false(key.verify(signer, "message", ""))
    for at = 1, 64 do
      local flipped = string.char(signature:byte(at) ~ 1)
      assert.is_false(
        key.verify(signer, "message", signature:sub(1, at - 1) .. flipped .. signature:sub(at + 1))
      )
    end
  end)

  it("agrees with RFC 8032, section 7.1, test 2", function()
    local seed = "AWSBAK-SIGNING-KEY-1FNXS3XEGL7TD48DKCDRWCY2WPADC5VVLXK46VFX63NMW6NAC5MASLUVFN6"
    local public = "awsbaksig184qp0slggwy44y4hp2n56xm7hjwfstx09mzfdrxqe42lz2h5vcxqvzr8dc"
    local wanted = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      .. "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    local signature = key.sign(seed, "\x72")
    assert.equal(public, key.signer(seed))
    assert.equal(wanted, codec.hex(signature))
    assert.is_true(key.verify(public, "\x72", signature))
  end)

  it("is refused when mistyped", function()
    local ok, err = key.sign(private:reveal():sub(1, -2) .. "B", "")
    assert.is_nil(ok)
    assert.equal("config", err.kind)
    assert.matches("mistyped or cut", err.message, 1, true)
  end)

  it("is refused where a signer is wanted, without being shown", function()
    local ok, err = key.verify(private:reveal(), "", "")
    assert.is_nil(ok)
    assert.matches("not a signer but a signing key", err.message, 1, true)
    assert.is_nil(err.message:find(private:reveal():sub(25), 1, true))
  end)
end)
