local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local network = require("spec.support.network")
local server = require("spec.support.server")

local BODY = "what is kept"

local function client(more)
  local options = { region = "us-east-1", credentials = network.KEYS, attempts = 1 }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return aws.client("s3", options)
end

local function crc32(text)
  return codec.base64(digest.digest("crc32", text))
end

describe("the checksum of a reply", function()
  local running

  setup(function()
    running = server.start()
  end)

  teardown(function()
    running:close()
  end)

  --- Get an object whose reply has these headers.
  local function get(headers, variables)
    running:script("GET /vault/k", { { body = BODY, headers = headers } })
    local body, request
    local world = { variables = variables or {} }
    network.with({}, function()
      request = client().build("GetObject", { Bucket = "vault", Key = "k" })
    end, world)
    local s3 = client({ endpoint_url = running.url })
    local reply <close> = s3.get_object({ Bucket = "vault", Key = "k" }).Body
    body = reply:all(1000)
    return body, network.headers(request)
  end

  it("is asked for, and agrees", function()
    local body, sent = get({ ["x-amz-checksum-crc32"] = crc32(BODY) })
    assert.equal(BODY, body)
    assert.equal("ENABLED", sent["x-amz-checksum-mode"])
  end)

  it("that does not agree makes the end of the body an error", function()
    local _, err = errors.try(get, { ["x-amz-checksum-crc32"] = crc32("something else") })
    assert.equal("integrity", err.kind)
    assert.equal("GetObject", err.operation)
    assert.matches("another crc32 than the service says", err.message, 1, true)
  end)

  it("of an object's parts says nothing of the whole", function()
    assert.equal(BODY, (get({ ["x-amz-checksum-crc32"] = crc32("parts") .. "-3" })))
  end)

  it("is not asked for when only required ones are wanted", function()
    local variables = { AWS_RESPONSE_CHECKSUM_VALIDATION = "when_required" }
    local _, sent = get({}, variables)
    assert.is_nil(sent["x-amz-checksum-mode"])
  end)
end)

describe("the checksum of a request", function()
  it("stays where S3 insists on it, when only required ones are wanted", function()
    local inputs = {
      DeleteObjects = { Bucket = "vault", Delete = { Objects = { { Key = "k" } } } },
      PutBucketVersioning = { Bucket = "vault", VersioningConfiguration = { Status = "Enabled" } },
    }
    for operation, input in pairs(inputs) do
      local request
      network.with({}, function()
        request = client().build(operation, input)
      end, { variables = { AWS_REQUEST_CHECKSUM_CALCULATION = "when_required" } })
      local sent = network.headers(request)["x-amz-checksum-crc32"]
      assert.equal(crc32(request.body), sent, operation)
    end
  end)
end)

describe("the checksum of a request", function()
  it("is sent by any service whose model asks for it", function()
    local description = {
      metadata = {
        apiVersion = "2020-01-01",
        endpointPrefix = "demo",
        protocol = "rest-xml",
        serviceId = "Demo",
        signatureVersion = "v4",
      },
      operations = {
        PutIt = {
          name = "PutIt",
          http = { method = "PUT", requestUri = "/" },
          httpChecksum = { requestChecksumRequired = true },
          input = { shape = "It" },
        },
      },
      shapes = {
        It = { type = "structure", members = { Text = { shape = "Text" } } },
        Text = { type = "string" },
      },
    }
    local request
    network.with({}, function()
      local options = { region = "us-east-1", credentials = network.KEYS }
      request = aws.client(description, options).build("PutIt", { Text = "x" })
    end)
    assert.equal(crc32(request.body), network.headers(request)["x-amz-checksum-crc32"])
  end)
end)

describe("a server that wants Content-MD5", function()
  it("gets it, when it says so, and once", function()
    local refusal = {
      status = 400,
      body = "<Error><Code>MissingContentMD5</Code><Message>m</Message></Error>",
    }
    local input = { Bucket = "vault", Delete = { Objects = { { Key = "k" } } } }
    local sent = network.with({ refusal, { body = "<DeleteResult/>" } }, function()
      client().delete_objects(input)
    end)
    assert.is_nil(network.headers(sent[1])["content-md5"])
    local md5 = codec.base64(digest.digest("md5", sent[2].body))
    assert.equal(md5, network.headers(sent[2])["content-md5"])
    network.with({ refusal, refusal }, function()
      local _, err = errors.try(client().delete_objects, input)
      assert.equal("MissingContentMD5", err.code)
    end)
  end)

  it("may say so in words, and other words ask for nothing", function()
    local input = { Bucket = "vault", Delete = { Objects = { { Key = "k" } } } }
    local function refusal(message)
      local body = "<Error><Code>InvalidRequest</Code><Message>%s</Message></Error>"
      return { status = 400, body = body:format(message) }
    end
    local wanted = "Missing required header for this request: Content-MD5"
    local sent = network.with({ refusal(wanted), { body = "<DeleteResult/>" } }, function()
      client().delete_objects(input)
    end)
    assert.is_string(network.headers(sent[2])["content-md5"])
    network.with({ refusal("Nothing of it is valid") }, function()
      local _, err = errors.try(client().delete_objects, input)
      assert.equal("InvalidRequest", err.code)
    end)
  end)
end)
