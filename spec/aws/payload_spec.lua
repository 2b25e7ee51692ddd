local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local network = require("spec.support.network")

local BODY = "what is put"
local TRUE_HASH = codec.hex(digest.digest("sha256", BODY))

--- Headers of a PutObject to `endpoint`, with these environment variables.
local function put(endpoint, variables)
  local request
  network.with({}, function()
    local s3 = aws.client("s3", {
      region = "eu-west-1",
      credentials = network.KEYS,
      endpoint_url = endpoint,
    })
    request = s3.build("PutObject", { Bucket = "vault", Key = "k", Body = BODY })
  end, { variables = variables })
  return network.headers(request)
end

describe("the payload S3 is sent", function()
  it("is protected over https by a checksum, and not hashed a second time", function()
    local headers = put(nil)
    assert.equal("UNSIGNED-PAYLOAD", headers["x-amz-content-sha256"])
    assert.equal(codec.base64(digest.digest("crc32", BODY)), headers["x-amz-checksum-crc32"])
  end)

  it("is covered by the signature when it has no checksum", function()
    local headers = put(nil, { AWS_REQUEST_CHECKSUM_CALCULATION = "when_required" })
    assert.is_nil(headers["x-amz-checksum-crc32"])
    assert.equal(TRUE_HASH, headers["x-amz-content-sha256"])
  end)

  it("is covered by the signature over http", function()
    assert.equal(TRUE_HASH, put("http://127.0.0.1:9")["x-amz-content-sha256"])
  end)
end)
