local auth = require("aws.auth")
local aws = require("aws")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local network = require("spec.support.network")
local outside = require("awsbak.outside")
local task = require("awsbak.task")

local MRAP = "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap"
local DIRECTORY = "b--use1-az4--x-s3"

--- A client in a world of variables; `f` is called with it.
local function with_client(service, options, variables, f, replies)
  return network.with(replies or {}, function()
    local all = { region = "us-east-1", credentials = network.KEYS }
    for name, value in pairs(options) do
      all[name] = value
    end
    f(aws.client(service, all))
  end, { variables = variables })
end

local function headers_of(service, operation, input, options, variables)
  local built
  with_client(service, options or {}, variables or {}, function(client)
    built = client.build(operation, input)
  end)
  return network.headers(built)
end

local BEARER = {
  metadata = {
    apiVersion = "2026-01-01",
    endpointPrefix = "thing",
    protocol = "rest-json",
    serviceId = "Thing",
    signingName = "thing",
    auth = json.array({ "aws.auth#sigv4", "smithy.api#httpBearerAuth" }),
  },
  operations = { List = { name = "List", http = { method = "GET", requestUri = "/" } } },
  shapes = {},
}

describe("the auth scheme", function()
  it("is what the endpoint's rules say: SigV4A for multi-region access points", function()
    local headers = headers_of("s3", "GetObject", { Bucket = MRAP, Key = "k" })
    assert.matches("^AWS4%-ECDSA%-P256%-SHA256 ", headers.authorization)
    assert.equal("*", headers["x-amz-region-set"])
  end)

  it("follows auth_scheme_preference among those that are offered", function()
    local variables = {
      AWS_AUTH_SCHEME_PREFERENCE = "nonsense, sigv4a",
      AWS_SIGV4A_SIGNING_REGION_SET = "us-*",
    }
    local headers = headers_of("sts", "GetCallerIdentity", {}, {}, variables)
    assert.matches("^AWS4%-ECDSA", headers.authorization)
    assert.equal("us-*", headers["x-amz-region-set"])
    headers = headers_of("kms", "ListKeys", {}, {}, variables)
    assert.matches("^AWS4%-HMAC", headers.authorization)
  end)

  it("is none for calls without keys, and for whoever wants none", function()
    local input = { RoleArn = ("arn:aws:iam::123456789012:role/r"), RoleSessionName = "spec" }
    input.WebIdentityToken = "token"
    assert.is_nil(headers_of("sts", "AssumeRoleWithWebIdentity", input).authorization)
    local read = { Bucket = "vault", Key = "k" }
    assert.is_nil(headers_of("s3", "GetObject", read, { no_sign_request = true }).authorization)
  end)

  it("is a bearer token where one is set and the service takes it", function()
    local headers = headers_of(BEARER, "List", {}, {}, { AWS_BEARER_TOKEN_THING = "t" })
    assert.equal("Bearer t", headers.authorization)
    assert.matches("^AWS4%-HMAC", headers_of(BEARER, "List", {}).authorization)
    local _, err =
      errors.try(headers_of, "kms", "ListKeys", {}, {}, { AWS_BEARER_TOKEN_KMS = "hunter2" })
    assert.equal("AWS_BEARER_TOKEN_KMS is set, but kms takes no bearer tokens", err.message)
  end)

  it("that nobody knows is an error that names it", function()
    local call = {
      service = { config = { get = function() end }, model = { meta = { signing_name = "x" } } },
      operation = {},
      subject = { service = "x" },
    }
    local _, err = errors.try(auth.scheme, call, { auth_schemes = { { name = "quantum" } } })
    assert.equal("x is signed with quantum, which awsbak does not know", err.message)
  end)
end)

describe("the payload's part in a signature", function()
  it("follows payload_signing_enabled where that is set", function()
    local input = { Bucket = "vault", Key = "k", Body = "b" }
    local world = {
      variables = { AWS_CONFIG_FILE = "/c" },
      files = { ["/c"] = "[default]\ns3 =\n  payload_signing_enabled = true" },
    }
    network.with({}, function()
      local s3 = aws.client("s3", { region = "us-east-1", credentials = network.KEYS })
      local hash = network.headers(s3.build("PutObject", input))["x-amz-content-sha256"]
      assert.matches("^%x+$", hash)
    end, world)
  end)
end)

describe("a presigned URL", function()
  local function presign(service, operation, input, options)
    local url, request
    with_client(service, {}, {}, function(client)
      url, request = client.presign(operation, input, options)
    end)
    return url, request
  end

  it("is good for as long as wanted, and has no headers to send", function()
    local url, request = presign("s3", "get_object", { Bucket = "vault", Key = "a b" }, {
      expires = 60,
    })
    assert.matches("^https://vault%.s3%.us%-east%-1%.amazonaws%.com/a%%20b%?X%-Amz%-Algorithm", url)
    assert.matches("&X%-Amz%-Expires=60&X%-Amz%-SignedHeaders=host&X%-Amz%-Signature=%x+$", url)
    assert.same({}, request.headers)
    assert.equal("GET", request.method)
  end)

  it("names the headers that must be sent with it", function()
    local url, request = presign("s3", "put_object", {
      Bucket = "vault",
      Key = "k",
      ContentType = "text/plain",
    })
    assert.equal("PUT", request.method)
    assert.same({ { "Content-Type", "text/plain" } }, request.headers)
    assert.matches("SignedHeaders=content%-type%%3Bhost&", url)
  end)

  it("takes the form of query protocols into the URL", function()
    local url, request = presign("sts", "get_caller_identity", {})
    assert.matches("%?Action=GetCallerIdentity&Version=2011%-06%-15&X%-Amz%-Algorithm", url)
    assert.equal("GET", request.method)
  end)

  it("cannot be made of what has a body, nor for longer than a week", function()
    local _, err = errors.try(presign, "ssm", "get_parameter", { Name = "/a" })
    assert.matches("its input travels in the body", err.message, 1, true)
    for _, expires in ipairs({ 0, -1, 604801, 1.5, "x" }) do
      _, err = errors.try(presign, "s3", "list_buckets", {}, { expires = expires })
      assert.equal("presign", err.code)
    end
  end)
end)

describe("a directory bucket", function()
  local function session(name)
    return {
      body = ([[<CreateSessionResult><Credentials><SessionToken>token %s</SessionToken>
        <SecretAccessKey>s</SecretAccessKey><AccessKeyId>%s</AccessKeyId>
        <Expiration>2026-11-21T04:05:00Z</Expiration></Credentials></CreateSessionResult>]]):format(
        name,
        name
      ),
    }
  end
  local EMPTY = { body = "<ListBucketResult/>" }

  it("is asked with the keys of a session, which is kept until it ends", function()
    local replies = { session("ONE"), EMPTY, EMPTY, session("TWO"), EMPTY }
    local sent = with_client("s3", {}, {}, function(s3)
      s3.list_objects_v2({ Bucket = DIRECTORY })
      s3.list_objects_v2({ Bucket = DIRECTORY })
      outside.with({
        now = function()
          return network.NOW + 290
        end,
      }, function()
        s3.list_objects_v2({ Bucket = DIRECTORY })
      end)
    end, replies)
    assert.equal(5, #sent)
    assert.matches("/%?session=$", sent[1].url)
    assert.matches("Credential=AKIDEXAMPLE/", network.headers(sent[1]).authorization)
    for i, name in pairs({ [2] = "ONE", [3] = "ONE", [5] = "TWO" }) do
      local headers = network.headers(sent[i])
      assert.matches("Credential=" .. name .. "/.*/s3express/aws4_request", headers.authorization)
      assert.equal("token " .. name, headers["x-amz-s3session-token"])
      assert.is_nil(headers["x-amz-security-token"])
    end
  end)

  it("asks for one session when many tasks want one", function()
    local replies = { session("ONE"), EMPTY, EMPTY, EMPTY }
    local sent = with_client("s3", {}, {}, function(s3)
      task.run(function()
        for _ = 1, 3 do
          task.spawn(s3.list_objects_v2, { Bucket = DIRECTORY })
        end
      end)
    end, replies)
    assert.equal(4, #sent)
  end)

  it("is signed with the keys themselves where sessions are switched off", function()
    local variables = { AWS_S3_DISABLE_EXPRESS_SESSION_AUTH = "true" }
    local sent = with_client("s3", {}, variables, function(s3)
      s3.list_objects_v2({ Bucket = DIRECTORY })
    end, { EMPTY })
    assert.matches("/s3express/aws4_request", network.headers(sent[1]).authorization)
  end)
end)
