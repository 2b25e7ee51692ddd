local sigv4 = require("awsbak.core.sigv4")

local EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

local function request(changes)
  local r = {
    method = "GET",
    host = "example.amazonaws.com",
    path = "/",
    query = "",
    headers = {},
    payload_hash = EMPTY,
    access_key = "AKIDEXAMPLE",
    secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    region = "us-east-1",
    service = "service",
    time = 1440938160, -- 2015-08-30T12:36:00Z
  }
  for k, v in pairs(changes or {}) do
    r[k] = v
  end
  return r
end

local function header(list, name)
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name:lower() then
      return pair[2]
    end
  end
end

local function signature(r)
  return header(assert(sigv4.sign(r)), "Authorization"):match("Signature=(%x+)$")
end

describe("sigv4", function()
  it("refuses a time that no calendar has", function()
    for _, time in ipairs({ 0 / 0, 1 / 0, -1 / 0, 1e300, 1e15 }) do
      local _, e = sigv4.sign(request({ time = time }))
      assert.equal("time", e.code)
    end
  end)

  it("takes what the table holds, not what a metamethod makes", function()
    local r = request()
    r.secret_key = nil
    setmetatable(r, {
      __index = function()
        return "made up: " .. #r
      end,
    })
    assert.has_error(function()
      sigv4.sign(r)
    end, "sigv4: 'secret_key' is a string, got nil")
  end)

  it("makes what botocore's signer makes", function()
    for i, v in ipairs(dofile("spec/vectors/sigv4.lua")) do
      local canonical, authorization = v.canonical_request, v.authorization
      v.canonical_request, v.authorization = nil, nil
      v.access_key = "AKIDEXAMPLE"
      v.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
      assert.equal(canonical, assert(sigv4.canonical_request(v)), "vector " .. i)
      assert.equal(authorization, header(assert(sigv4.sign(v)), "Authorization"), "vector " .. i)
    end
  end)

  it("signs the ListUsers example of the IAM user guide", function()
    local r = request({
      host = "iam.amazonaws.com",
      query = "Action=ListUsers&Version=2010-05-08",
      headers = { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } },
      service = "iam",
    })
    assert.equal("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", signature(r))
  end)

  it("signs the examples of the S3 API reference", function()
    local s3 = {
      host = "examplebucket.s3.amazonaws.com",
      access_key = "AKIAIOSFODNN7EXAMPLE",
      secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      service = "s3",
      s3 = true,
      time = 1369353600,
    }
    local get = request(s3)
    get.path, get.headers = "/test.txt", { { "Range", "bytes=0-9" } }
    assert.equal("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", signature(get))
    local lifecycle = request(s3)
    lifecycle.query = "lifecycle"
    assert.equal(
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
      signature(lifecycle)
    )
    local list = request(s3)
    list.query = "max-keys=2&prefix=J"
    assert.equal(
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
      signature(list)
    )
  end)

  it("joins the values of a repeated header in their order", function()
    local r = request({ headers = { { "My-Header", "b" }, { "my-header", " a   c " } } })
    assert.truthy(sigv4.canonical_request(r):find("\nmy-header:b,a c\n", 1, true))
  end)

  it("replaces the headers of an earlier attempt", function()
    local first = request({ session_token = "token" })
    local again = request({ session_token = "token", headers = assert(sigv4.sign(first)) })
    again.headers[#again.headers + 1] = { "x-amz-date", "19700101T000000Z" }
    assert.equal(sigv4.canonical_request(first), sigv4.canonical_request(again))
  end)

  it("signs an S3 path as it is, and another service's resolved and encoded twice", function()
    local path = "/a//./b%20c/../d/"
    assert.truthy(sigv4.canonical_request(request({ path = path, s3 = true })):find(path, 1, true))
    assert.truthy(
      sigv4.canonical_request(request({ path = "/a/./b%20c/" })):find("\n/a/b%2520c/\n", 1, true)
    )
  end)

  it("returns the headers to send", function()
    local h = assert(
      sigv4.sign(request({ s3 = true, session_token = "t", payload_hash = "UNSIGNED-PAYLOAD" }))
    )
    assert.equal("20150830T123600Z", header(h, "x-amz-date"))
    assert.equal("UNSIGNED-PAYLOAD", header(h, "x-amz-content-sha256"))
    assert.equal("t", header(h, "x-amz-security-token"))
  end)

  it("leaves a default port out of the host", function()
    local r = request({ url = "https://example.com:443/x?y" })
    r.host, r.path, r.query = nil, nil, nil
    assert.truthy(sigv4.canonical_request(r):find("host:example.com\n", 1, true))
    r.url = "http://127.0.0.1:5000"
    assert.truthy(sigv4.canonical_request(r):find("host:127.0.0.1:5000\n", 1, true))
  end)

  it("takes keys and tokens that are secrets", function()
    local secret = require("awsbak.core.secret")
    local plain = request({ session_token = "token" })
    local hidden =
      request({ session_token = secret.new("token"), secret_key = secret.new(plain.secret_key) })
    assert.same(sigv4.sign(plain), sigv4.sign(hidden))
  end)

  it("signs with the right key whatever was signed before", function()
    local first = sigv4.sign(request())
    for name, value in pairs({
      region = "us-east-2",
      service = "iam",
      secret_key = "another",
      time = 86400,
    }) do
      local other = sigv4.sign(request({ [name] = value }))
      assert.not_same(first[#first], other[#other], name)
      assert.same(first, sigv4.sign(request()), name)
      assert.same(other, sigv4.sign(request({ [name] = value })), name)
    end
  end)

  it("refuses a URL that is none", function()
    local r = request({ url = "ftp://example.com/" })
    local signed, err = sigv4.sign(r)
    assert.is_nil(signed)
    assert.equal("usage", err.kind)
  end)

  it("raises on misuse, naming the field and never the secret", function()
    local r = request()
    r.region = nil
    assert.has_error(function()
      sigv4.sign(r)
    end, "sigv4: 'region' is a string, got nil")
    local ok, message = pcall(sigv4.sign, request({ secret_key = 12345678 }))
    assert.is_false(ok)
    assert.falsy(message:find("12345678", 1, true))
  end)
end)
