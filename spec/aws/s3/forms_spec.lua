local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local network = require("spec.support.network")

local function client(service)
  return aws.client(service or "s3", { region = "eu-west-1", credentials = network.KEYS })
end

--- Call an operation; what it gives, and the request.
local function call(operation, input, body, service)
  local output
  local sent = network.with({ { body = body or "" } }, function()
    output = client(service).call(operation, input)
  end)
  return output, sent[1]
end

describe("S3's own forms", function()
  it("send a customer's key in base64, with its MD5, and leave a prepared one alone", function()
    local key = ("k"):rep(32)
    local input = { Bucket = "vault", Key = "a", SSECustomerKey = key }
    local _, request = call("HeadObject", input)
    local headers = network.headers(request)
    local prefix = "x-amz-server-side-encryption-customer-key"
    assert.equal(codec.base64(key), headers[prefix])
    assert.equal(codec.base64(digest.digest("md5", key)), headers[prefix .. "-md5"])
    assert.equal(key, input.SSECustomerKey)
    input.SSECustomerKeyMD5 = "mine"
    headers = network.headers(select(2, call("HeadObject", input)))
    assert.equal(key, headers[prefix])
    assert.equal("mine", headers[prefix .. "-md5"])
  end)

  it("take a customer's key of any bytes", function()
    local key = "\r\n\0\255\254" .. ("\128"):rep(27)
    local input = { Bucket = "vault", Key = "a", CopySource = "b/c" }
    input.SSECustomerKey, input.CopySourceSSECustomerKey = key, key
    local headers = network.headers(select(2, call("CopyObject", input, "<CopyObjectResult/>")))
    local name = "server-side-encryption-customer-key"
    assert.equal(codec.base64(key), headers["x-amz-" .. name])
    assert.equal(codec.base64(key), headers["x-amz-copy-source-" .. name])
    local _, err = errors.try(call, "HeadObject", { Bucket = "b", Key = "k", SSECustomerKey = 1 })
    assert.matches("SSECustomerKey must be a string", tostring(err), 1, true)
  end)

  it("keep a customer's key from a network without TLS, but for this machine", function()
    local key = ("k"):rep(32)
    local function built(endpoint_url)
      local s3 = aws.client("s3", {
        region = "eu-west-1",
        credentials = network.KEYS,
        endpoint_url = endpoint_url,
      })
      return errors.try(s3.build, "HeadObject", { Bucket = "b", Key = "k", SSECustomerKey = key })
    end
    local _, err = built("http://storage.example:9000")
    assert.equal("insecure_key", err.code)
    assert.matches("SSECustomerKey would be sent to ", tostring(err), 1, true)
    assert.is_nil(tostring(err):find(key, 1, true))
    assert.is_table(built("https://storage.example:9000"))
    assert.is_table(built("http://127.0.0.1:9000"))
    local s3 = aws.client("s3", {
      region = "eu-west-1",
      credentials = network.KEYS,
      endpoint_url = "http://storage.example:9000",
    })
    local copy = { Bucket = "b", Key = "k", CopySource = "b/j", CopySourceSSECustomerKey = key }
    _, err = errors.try(s3.build, "CopyObject", copy)
    assert.equal("insecure_key", err.code)
  end)

  it("quote the source of a copy, but not its version", function()
    local body = "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"
    local sources = {
      ["old/a b+é?versionId=x.y"] = "old/a%20b%2B%C3%A9?versionId=x.y",
      ["old/a?b"] = "old/a%3Fb",
      ["old/a?versionId=1?versionId=2"] = "old/a%3FversionId%3D1?versionId=2",
      ["old/a?versionId=1?versionId="] = "old/a%3FversionId%3D1",
      ["old/a?versionId="] = "old/a",
      ["old/a\r\nb?versionId=1"] = "old/a%0D%0Ab?versionId=1",
    }
    for source, expected in pairs(sources) do
      local input = { Bucket = "vault", Key = "b", CopySource = source }
      local _, request = call("CopyObject", input, body)
      assert.equal(expected, network.headers(request)["x-amz-copy-source"])
    end
  end)

  it("ask for keys encoded, and give them as they are", function()
    local body = "<ListBucketResult><EncodingType>url</EncodingType><Delimiter>%2F</Delimiter>"
      .. "<Contents><Key>a+b%2B%01</Key></Contents></ListBucketResult>"
    local output, request = call("ListObjectsV2", { Bucket = "vault" }, body)
    assert.matches("encoding-type=url", request.url, 1, true)
    assert.equal("a b+\1", output.Contents[1].Key)
    assert.equal("/", output.Delimiter)
    output = call("ListObjectsV2", { Bucket = "vault", EncodingType = "url" }, body)
    assert.equal("a+b%2B%01", output.Contents[1].Key)
  end)

  it("ask for the keys of unfinished uploads encoded, too", function()
    local body = "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
      .. "<NextKeyMarker>%00</NextKeyMarker><Upload><Key>a%01+b</Key></Upload>"
      .. "</ListMultipartUploadsResult>"
    local output, request = call("ListMultipartUploads", { Bucket = "vault" }, body)
    assert.matches("encoding-type=url", request.url, 1, true)
    assert.equal("a\1 b", output.Uploads[1].Key)
    assert.equal("\0", output.NextKeyMarker)
  end)

  it("refuse metadata that no header can carry", function()
    local input = { Bucket = "vault", Key = "a", Metadata = { name = "é" } }
    local _, err = errors.try(call, "PutObject", input)
    assert.equal("metadata", err.code)
  end)
end)

describe("EC2's own forms", function()
  it("send user data in base64", function()
    local input = { MinCount = 1, MaxCount = 1, UserData = "#!/bin/sh" }
    local _, request = call("RunInstances", input, "<RunInstancesResponse/>", "ec2")
    assert.matches("UserData=" .. codec.uri(codec.base64("#!/bin/sh")), request.body, 1, true)
  end)

  it("prove the right to copy a snapshot from another region", function()
    local input = { SourceRegion = "us-west-2", SourceSnapshotId = "snap-1" }
    local _, request = call("CopySnapshot", input, "<CopySnapshotResponse/>", "ec2")
    assert.matches("DestinationRegion=eu%-west%-1", request.body)
    local there = "PresignedUrl=https%3A%2F%2Fec2.us-west-2.amazonaws.com%2F%3FAction"
    assert.matches(there, request.body, 1, true)
    assert.matches("X-Amz-Signature%3D", request.body, 1, true)
  end)

  it("give the console's text", function()
    local body = "<GetConsoleOutputResponse><output>aGk=</output></GetConsoleOutputResponse>"
    local output = call("GetConsoleOutput", { InstanceId = "i-1" }, body, "ec2")
    assert.equal("hi", output.Output)
  end)
end)

describe("IAM's own forms", function()
  it("give policies as JSON text", function()
    local body = [[<GetRoleResponse><GetRoleResult><Role><Path>/</Path><RoleName>r</RoleName>
      <AssumeRolePolicyDocument>%7B%22a%22%3A1%7D</AssumeRolePolicyDocument></Role></GetRoleResult>
      </GetRoleResponse>]]
    local output = call("GetRole", { RoleName = "r" }, body, "iam")
    assert.equal('{"a":1}', output.Role.AssumeRolePolicyDocument)
  end)
end)
