local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")

local ssm = { endpoint_prefix = "ssm" }
local s3 = { endpoint_prefix = "s3", signing_name = "s3" }

local function where(service, params)
  local e = endpoint.resolve(service, params)
  return e.url .. e.path
end

describe("endpoint", function()
  it("is the region's host in the region's partition", function()
    for region, host in pairs({
      ["eu-west-1"] = "ssm.eu-west-1.amazonaws.com",
      ["moon-base-1"] = "ssm.moon-base-1.amazonaws.com",
      ["cn-north-1"] = "ssm.cn-north-1.amazonaws.com.cn",
      ["us-gov-west-1"] = "ssm.us-gov-west-1.amazonaws.com",
      ["us-isob-east-1"] = "ssm.us-isob-east-1.sc2s.sgov.gov",
      ["us-iso-east-1"] = "ssm.us-iso-east-1.c2s.ic.gov",
      ["eusc-de-east-1"] = "ssm.eusc-de-east-1.amazonaws.eu",
    }) do
      assert.equal("https://" .. host .. "/", where(ssm, { region = region }))
    end
  end)

  it("signs a global service for its own region", function()
    local e = endpoint.resolve({ endpoint_prefix = "iam" }, { region = "eu-west-1" })
    assert.equal("https://iam.amazonaws.com", e.url)
    assert.equal("us-east-1", e.signing_region)
  end)

  it("is a configured URL when there is one, base path included", function()
    local e =
      endpoint.resolve(ssm, { region = "eu-west-1", endpoint_url = "HTTP://127.0.0.1:5000/base/" })
    assert.equal("http://127.0.0.1:5000", e.url)
    assert.equal("/base/", e.path)
    assert.equal("eu-west-1", e.signing_region)
  end)

  it("puts a bucket into the host where TLS names and rules allow", function()
    local region = "eu-west-1"
    local host = "s3.eu-west-1.amazonaws.com"
    assert.equal(
      "https://vault." .. host .. "/a/b",
      where(s3, { region = region, bucket = "vault", path = "/vault/a/b" })
    )
    assert.equal(
      "https://vault." .. host .. "/",
      where(s3, { region = region, bucket = "vault", path = "/vault" })
    )
    assert.equal(
      "https://" .. host .. "/my.vault/a",
      where(s3, { region = region, bucket = "my.vault", path = "/my.vault/a" })
    )
    assert.equal(
      "https://" .. host .. "/Old_one/a",
      where(s3, { region = region, bucket = "Old_one", path = "/Old_one/a" })
    )
    local path = { region = region, bucket = "vault", path = "/vault/a", addressing_style = "path" }
    assert.equal("https://" .. host .. "/vault/a", where(s3, path))
  end)

  it("leaves the bucket in the path of a configured endpoint unless told", function()
    local params = {
      region = "x-y-1",
      bucket = "vault",
      path = "/vault/a",
      endpoint_url = "http://minio.lan:9000",
    }
    assert.equal("http://minio.lan:9000/vault/a", where(s3, params))
    params.addressing_style = "virtual"
    assert.equal("http://vault.minio.lan:9000/a", where(s3, params))
    params.endpoint_url = "http://127.0.0.1:9000"
    assert.equal("http://127.0.0.1:9000/vault/a", where(s3, params))
  end)

  it("refuses what would send keys to another host", function()
    for _, params in ipairs({
      { region = "x.evil.example/" },
      { region = "-x" },
      { region = "eu-west-1", endpoint_url = "http://user@host" },
      { region = "eu-west-1", endpoint_url = "file:///etc" },
      { region = "eu-west-1", endpoint_url = "127.0.0.1:5000" },
    }) do
      local _, e = errors.try(endpoint.resolve, ssm, params)
      assert.equal("config", e.kind)
      assert.truthy(e.hint)
    end
    for _, bucket in ipairs({
      "..",
      "a/b",
      "arn:aws:s3:eu-west-1:1:accesspoint/x",
      "b--usw2-az1--x-s3",
    }) do
      local _, e =
        errors.try(endpoint.resolve, s3, { region = "eu-west-1", bucket = bucket, path = "/x" })
      assert.equal("usage", e.kind)
    end
  end)

  it("says what to do without a region", function()
    local _, e = errors.try(endpoint.resolve, ssm, {})
    assert.equal("no_region", e.code)
    assert.truthy(e.hint:find("AWS_REGION", 1, true))
  end)
end)
