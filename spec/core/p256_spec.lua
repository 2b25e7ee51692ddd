local codec = require("awsbak.core.codec")
local p256 = require("awsbak.core.p256")
local secret = require("awsbak.core.secret")

-- RFC 6979, A.2.5: the key of P-256, in PEM; and its number as a key of P-384.
local EC = [[
-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49
AwEHoUQDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Z5A/4QCLi8
maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==
-----END EC PRIVATE KEY-----
]]
local PKCS8 = [[
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgya+p2EW6dRZrXCFX
Z7HWk05Qw9s26JsSe4piKxIPZyGhRANCAARg/tS6JVqdMclh63TGNW1owEm4kjth
+mzmaWIuYPKftnkD/hAIuLyZpBrp6VYovGTy8bIMLX6fUXejwpTURiKZ
-----END PRIVATE KEY-----
]]
local LOCKED = [[
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIH0MF8GCSqGSIb3DQEFDTBSMDEGCSqGSIb3DQEFDDAkBBDBtlogAEzUDxGfsgim
BoG5AgIIADAMBggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBKgQQUQeHndS1jkrNHtWz
KmsP0QSBkNTOPBhVGdRYFXRlTIQiGh+HwX3QECWNe+QPhscW3oMBbAHlo0E0UXim
nt6yP/FERa5AzUyofXTdyi97bfGp/mdRNpp5+KxvOaznwHgjqsRbj/LFvg2KV0As
kAWnmvx5BAG3WWe/3qkRg7tEgg7hCxvP1yty7EpHfuc1qjrykAVvFoivK4JTelCE
ajIqR3YfYg==
-----END ENCRYPTED PRIVATE KEY-----
]]
local P384 = [[
-----BEGIN EC PRIVATE KEY-----
MIGkAgEBBDAAAAAAAAAAAAAAAAAAAAAAya+p2EW6dRZrXCFXZ7HWk05Qw9s26JsS
e4piKxIPZyGgBwYFK4EEACKhZANiAAQHwjDSC1rLhOJ1EkXP6mxmKJK8+EhqAYEn
ql4WBJpv3Yq1Mm0PabW3COtZWrTtbvZVd7DbO8vUoKhDBuAzbvZcO3mUn4c7WzTR
tmj+60QUOiW/4HncS+w26C6HrmQkGek=
-----END EC PRIVATE KEY-----
]]
local X = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
local Y = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

describe("a key of P-256", function()
  it("is read from PEM in both forms", function()
    for _, pem in ipairs({ EC, PKCS8, "a comment\n" .. EC }) do
      local key = assert(p256.from_pem(secret.new(pem)))
      local x, y = key:public()
      assert.same({ X, Y }, { codec.hex(x), codec.hex(y) })
    end
  end)

  it("signs with another random number each time", function()
    local key = assert(p256.from_pem(EC))
    local signature = key:sign("sample")
    assert.equal(64, #signature)
    assert.not_equal(signature, key:sign("sample"))
  end)

  it("is refused where there is none of this curve, or one behind a password", function()
    for _, pem in ipairs({
      "",
      "hunter2",
      "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
      EC:sub(1, 100),
      (EC:gsub("\n%w%w%w%w", "\n????", 1)),
      P384,
      LOCKED,
    }) do
      local key, err = p256.from_pem(pem)
      assert.is_nil(key)
      assert.same({ "config", "p256" }, { err.kind, err.code })
      assert.falsy(err.message:find("hunter2", 1, true))
    end
  end)

  it("misused is an error", function()
    assert.has_error(function()
      p256.from_pem(nil)
    end)
    assert.has_error(function()
      p256.from_pem(EC).sign({}, "x")
    end)
  end)
end)
