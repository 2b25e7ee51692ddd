local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local network = require("spec.support.network")
local plan = require("awsbak.plan")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")

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

describe("a body that is a region of a file", function()
  local dir, region

  before_each(function()
    dir = scratch.new()
    local f <close> = assert(file.open(dir:write("file", "<" .. BODY .. ">")))
    region = assert(f:region(1, #BODY))
  end)

  after_each(function()
    dir:close()
  end)

  local function s3_at(url, options)
    local all = { region = "eu-west-1", credentials = network.KEYS, endpoint_url = url }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return aws.client("s3", all)
  end

  it("is sent, signed and summed as a string is, at each attempt", function()
    local peer <close> = server.start()
    peer:script("PUT /vault/k", { { status = 503, body = "" }, { body = "" } })
    s3_at(peer.url).put_object({ Bucket = "vault", Key = "k", Body = region })
    local requests = peer:requests()
    assert.equal(2, #requests)
    for _, request in ipairs(requests) do
      assert.equal(BODY, request.body)
      assert.equal(TRUE_HASH, request.headers["x-amz-content-sha256"])
      local sum = codec.base64(digest.digest("crc32", BODY))
      assert.equal(sum, request.headers["x-amz-checksum-crc32"])
    end
  end)

  it("fails the call when the file becomes shorter", function()
    dir:write("file", "short")
    local peer <close> = server.start()
    local s3 = s3_at(peer.url)
    local _, err = errors.try(s3.put_object, { Bucket = "vault", Key = "k", Body = region })
    assert.same({ "io", "short", "PutObject" }, { err.kind, err.code, err.operation })
    assert.same({}, peer:requests())
  end)

  it("is taken for what is streamed, and for no other bytes", function()
    local kms = aws.client("kms", { region = "eu-west-1", credentials = network.KEYS })
    local _, err = errors.try(kms.build, "Encrypt", { KeyId = "k", Plaintext = region })
    assert.equal("Plaintext must be a string of bytes, not a userdata", err.message)
    local s3 = s3_at("http://127.0.0.1:9")
    _, err = errors.try(s3.build, "PutObject", { Bucket = "b", Key = region, Body = region })
    assert.equal("Key must be a string, not a userdata", err.message)
    _, err = errors.try(s3.build, "PutObject", { Bucket = "b", Key = "k", Body = io.stdout })
    assert.equal("Body must be a string of bytes, not a userdata", err.message)
  end)

  it("is shown in a plan by its size", function()
    plan.take()
    local s3 = s3_at("http://127.0.0.1:9", { dry_run = true })
    s3.put_object({ Bucket = "b", Key = "k", Body = region })
    assert.equal(("<%d bytes>"):format(#BODY), plan.take()[1].input.Body)
  end)
end)

describe("the digest of a region", function()
  it("is made once, with others that were asked for before", function()
    local body = require("aws.body")
    local dir <close> = scratch.new()
    local handle <close> = assert(file.open(dir:write("file", BODY)))
    local first = assert(handle:region(0, #BODY))
    body.digest("sha256", first)
    body.digest("crc32", first)
    local region = assert(handle:region(0, #BODY))
    assert.equal(digest.digest("crc32", BODY), body.digest("crc32", region))
    dir:write("file", "") -- nothing can be read of it any more
    assert.equal(TRUE_HASH, codec.hex(body.digest("sha256", region)))
    assert.equal(digest.digest("crc32", BODY), body.digest("crc32", region))
    local _, err = errors.try(body.digest, "md5", region)
    assert.same({ "io", "short" }, { err.kind, err.code })
  end)
end)
