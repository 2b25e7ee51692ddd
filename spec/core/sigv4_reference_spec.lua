local json = require("awsbak.core.json")
local reference = require("spec.support.reference")
local scratch = require("spec.support.scratch")
local sigv4 = require("awsbak.core.sigv4")

local SCRIPT = "reference_signing.py"

--- A query as a set of pairs: the order before the signature's own parameters is botocore's affair.
local function parameters(query)
  local set, count = {}, 0
  for pair in query:gmatch("[^&]+") do
    set[pair:find("=", 1, true) and pair or pair .. "="] = true
    count = count + 1
  end
  return set, count
end

--- Whether a query has a parameter twice.
local function has_twins(query)
  local seen = {}
  for name in query:gmatch("([^&=]+)=[^&]*") do
    if seen[name] then
      return true
    end
    seen[name] = true
  end
  return false
end

local function header(list, name)
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name:lower() then
      return pair[2]
    end
  end
end

describe("signatures beside botocore's and awscrt's", function()
  local python, reason = reference.python()
  local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())

  local function cases(command, count)
    if not python then
      pending(reason)
    end
    return reference.ask(("%s %s %d"):format(command, seed, count), SCRIPT)
  end

  it("sign the same headers", function()
    for _, case in ipairs(cases("sign", 300)) do
      local added = assert(sigv4.sign(case.request))
      local where = ("seed %s, %s"):format(seed, json.encode(case))
      for _, name in ipairs({
        "Authorization",
        "X-Amz-Content-Sha256",
        "X-Amz-Date",
        "X-Amz-Security-Token",
      }) do
        assert.equal(header(case.headers, name), header(added, name), where)
      end
    end
  end)

  it("presign the same queries", function()
    local compared = 0
    for _, case in ipairs(cases("presign", 300)) do
      local query = assert(sigv4.presign(case.request, case.seconds))
      local where = ("seed %s, %s"):format(seed, json.encode(case))
      -- botocore keeps one of several parameters of the same name
      if not has_twins(case.request.url:match("%?(.*)$") or "") then
        assert.same(parameters(case.query), parameters(query), where)
        compared = compared + 1
      end
      assert.matches("&?X%-Amz%-Algorithm=AWS4%-HMAC%-SHA256&", query)
    end
    assert.is_true(compared > 200)
  end)

  it("sign S3 Express the same", function()
    for _, case in ipairs(cases("express", 100)) do
      local added = assert(sigv4.sign(case.request))
      local where = ("seed %s, %s"):format(seed, json.encode(case))
      for _, name in ipairs({ "Authorization", "x-amz-s3session-token", "X-Amz-Date" }) do
        assert.equal(header(case.headers, name), header(added, name), where)
      end
      assert.is_nil(header(added, "X-Amz-Security-Token"))
    end
  end)

  it("sign with SigV4A and the key that awscrt derives, in headers and in queries", function()
    local dir <close> = scratch.new()
    local signed = cases("sigv4a", 60)
    for _, case in ipairs(signed) do
      if case.seconds then
        case.query = assert(sigv4.presign(case.request, case.seconds))
      else
        case.headers = assert(sigv4.sign(case.request))
      end
    end
    local path = dir:write("signed.json", json.encode(signed))
    assert.equal(#signed, reference.ask("check " .. path, SCRIPT))
  end)
end)

-- The worked examples of "Signature calculations for the authorization header: transferring payload
-- in multiple chunks", without and with trailing headers (Amazon S3 API reference).
describe("an aws-chunked body", function()
  local HOUR_ZERO <const> = 1369353600 -- 2013-05-24T00:00:00Z

  local function upload(payload_hash, headers)
    local list = {
      { "content-encoding", "aws-chunked" },
      { "content-length", "66824" },
      { "x-amz-decoded-content-length", "66560" },
      { "x-amz-storage-class", "REDUCED_REDUNDANCY" },
    }
    for _, pair in ipairs(headers or {}) do
      list[#list + 1] = pair
    end
    return {
      method = "PUT",
      url = "https://s3.amazonaws.com/examplebucket/chunkObject.txt",
      headers = list,
      payload_hash = payload_hash,
      access_key = "AKIAIOSFODNN7EXAMPLE",
      secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      region = "us-east-1",
      service = "s3",
      time = HOUR_ZERO,
      s3 = true,
    }
  end

  local function signatures(request)
    local seed = header(assert(sigv4.sign(request)), "Authorization"):match("Signature=(%x+)$")
    local chain = { seed }
    for _, data in ipairs({ ("a"):rep(65536), ("a"):rep(1024), "" }) do
      chain[#chain + 1] = assert(sigv4.sign_piece(request, "chunk", chain[#chain], data))
    end
    return chain
  end

  it("is signed chunk by chunk as AWS's example is", function()
    assert.same({
      "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    }, signatures(upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")))
  end)

  it("is signed with its trailing headers as AWS's example is", function()
    local request = upload(
      "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      { { "x-amz-trailer", "x-amz-checksum-crc32c" } }
    )
    table.remove(request.headers, 2) -- that example signs no content-length
    local chain = signatures(request)
    assert.same({
      "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    }, chain)
    assert.equal(
      "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
      sigv4.sign_piece(request, "trailer", chain[4], "x-amz-checksum-crc32c:sOO8/Q==\n")
    )
  end)
end)
