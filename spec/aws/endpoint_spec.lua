local aws = require("aws")
local endpoint = require("aws.endpoint")
local errors = require("awsbak.errors")
local model = require("aws.model")
local world = require("spec.support.world")

local KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "k", account_id = "111122223333" }

--- The request of a call, in a world of settings: `config` is the text of the profile.
local function build(case)
  local built
  world.with({ config = "[default]\n" .. (case.config or ""), env = case.env or {} }, function()
    local client = aws.client(case.service or "s3", {
      region = case.region ~= "" and (case.region or "eu-west-1") or nil,
      endpoint_url = case.endpoint_url,
      credentials = KEYS,
    })
    built = client.build(case[1], case[2])
  end)
  return built
end

local function url(case)
  return build(case).url
end

local function scope(case)
  for _, pair in ipairs(build(case).headers) do
    if pair[1]:lower() == "authorization" then
      return pair[2]:match("Credential=AKIDEXAMPLE/%d+/([^,]+)")
    end
  end
end

local function s3(bucket, more)
  local case = { "GetObject", { Bucket = bucket, Key = "a/b" } }
  for key, value in pairs(more or {}) do
    case[key] = value
  end
  return case
end

local function kms(more)
  local case = { "ListKeys", {}, service = "kms" }
  for key, value in pairs(more) do
    case[key] = value
  end
  return case
end

describe("an endpoint", function()
  it("is the region's host in the region's partition", function()
    for region, host in pairs({
      ["eu-west-1"] = "kms.eu-west-1.amazonaws.com",
      ["moon-base-1"] = "kms.moon-base-1.amazonaws.com",
      ["cn-north-1"] = "kms.cn-north-1.amazonaws.com.cn",
      ["us-gov-west-1"] = "kms.us-gov-west-1.amazonaws.com",
      ["us-isob-east-1"] = "kms.us-isob-east-1.sc2s.sgov.gov",
      ["us-iso-east-1"] = "kms.us-iso-east-1.c2s.ic.gov",
      ["eusc-de-east-1"] = "kms.eusc-de-east-1.amazonaws.eu",
    }) do
      assert.equal("https://" .. host .. "/", url(kms({ region = region })))
    end
  end)

  it("is of the variant that is asked for", function()
    local fips, dual = { AWS_USE_FIPS_ENDPOINT = "true" }, { AWS_USE_DUALSTACK_ENDPOINT = "true" }
    local west = "us-west-2"
    local fips_host = "https://kms-fips.us-west-2.amazonaws.com/"
    assert.equal(fips_host, url(kms({ region = west, env = fips })))
    assert.equal(fips_host, url(kms({ region = "fips-us-west-2" })))
    assert.equal("https://kms.us-west-2.api.aws/", url(kms({ region = west, env = dual })))
    assert.equal(
      "http://127.0.0.1:5000/",
      url(kms({ env = fips, endpoint_url = "http://127.0.0.1:5000" }))
    )
  end)

  it("is of the variant that the client is made for, whatever the settings", function()
    local built
    world.with({ env = { AWS_USE_FIPS_ENDPOINT = "true" } }, function()
      built = aws.client("kms", {
        region = "us-west-2",
        credentials = KEYS,
        use_fips_endpoint = false,
        use_dualstack_endpoint = true,
      }).build("ListKeys", {})
    end)
    assert.equal("https://kms.us-west-2.api.aws/", built.url)
  end)

  it("of a service that is one for all regions is signed for its own", function()
    local case = { "ListUsers", {}, service = "iam" }
    assert.equal("https://iam.amazonaws.com/", url(case))
    assert.equal("us-east-1/iam/aws4_request", scope(case))
    case.region = ""
    assert.equal("https://iam.amazonaws.com/", url(case))
    assert.equal("us-east-1/iam/aws4_request", scope(case))
  end)

  it("of STS is the region's, or the old global one where that is asked for", function()
    local case = { "GetCallerIdentity", {}, service = "sts" }
    assert.equal("https://sts.eu-west-1.amazonaws.com/", url(case))
    case.env = { AWS_STS_REGIONAL_ENDPOINTS = "legacy" }
    assert.equal("https://sts.amazonaws.com/", url(case))
    assert.equal("us-east-1/sts/aws4_request", scope(case))
  end)

  it("is a configured URL when there is one, base path included", function()
    local case = kms({ endpoint_url = "HTTP://127.0.0.1:5000/base/" })
    assert.equal("http://127.0.0.1:5000/base/", url(case))
    assert.equal("eu-west-1/kms/aws4_request", scope(case))
  end)

  it("of DynamoDB is the account's, unless that is switched off", function()
    local case = { "GetItem", { TableName = "t", Key = {} }, service = "dynamodb" }
    assert.equal("https://111122223333.ddb.eu-west-1.amazonaws.com/", url(case))
    case.config = "account_id_endpoint_mode = disabled"
    assert.equal("https://dynamodb.eu-west-1.amazonaws.com/", url(case))
  end)

  it("begins with the operation's prefix, but for an address", function()
    local case = { "StartLiveTail", { logGroupIdentifiers = { "g" } }, service = "logs" }
    assert.equal("https://stream-logs.eu-west-1.amazonaws.com/", url(case))
    case.env = { AWS_DISABLE_HOST_PREFIX_INJECTION = "true" }
    assert.equal("https://logs.eu-west-1.amazonaws.com/", url(case))
    case.env = nil
    for _, address in ipairs({ "http://127.0.0.1:5000", "http://10.0.0.7", "http://[::1]:5000" }) do
      case.endpoint_url = address
      assert.equal(address .. "/", url(case))
    end
  end)

  it("says what to do without a region", function()
    local _, e = errors.try(url, kms({ region = "" }))
    assert.equal("no_region", e.code)
    assert.truthy(e.hint:find("AWS_REGION", 1, true))
  end)

  it("that the rules refuse is an error with their words and what to do", function()
    local _, e = errors.try(
      url,
      s3("vault", { region = "cn-north-1", config = "s3 =\n  use_accelerate_endpoint = true" })
    )
    assert.equal("config", e.kind)
    assert.matches("S3 Accelerate cannot be used in this region", e.message, 1, true)
    assert.equal(
      "s3_use_accelerate_endpoint is true ([default] in ~/.aws/config); "
        .. "region is cn-north-1 (option region)",
      e.hint
    )
  end)

  it("that the rules refuse for what the call names is a mistake in the call", function()
    local _, e = errors.try(url, s3("vault--x-s3"))
    assert.equal("usage", e.kind)
    assert.matches("Unrecognized S3Express bucket name format", e.message, 1, true)
  end)

  it("stays one of FIPS when a bucket is in another region", function()
    local elsewhere
    world.with({}, function()
      local service = require("aws.service").new("s3", {
        region = "fips-us-gov-west-1",
        credentials = KEYS,
      })
      service:connect()
      elsewhere = service:endpoint({
        service = service,
        operation = service.model:operation("HeadBucket"),
        input = { Bucket = "vault" },
        request = { path = "/vault" },
        region = "us-gov-east-1",
      }).url
    end)
    assert.equal("https://vault.s3-fips.us-gov-east-1.amazonaws.com", elsewhere)
  end)

  it("of a model without rules has the usual form", function()
    local bare = model.from_botocore({
      metadata = { endpointPrefix = "thing", protocol = "json", serviceId = "Thing" },
      operations = {},
      shapes = {},
    })
    for host, parameters in pairs({
      ["thing.cn-north-1.amazonaws.com.cn"] = {},
      ["thing-fips.cn-north-1.amazonaws.com.cn"] = { UseFIPS = true },
      ["thing.cn-north-1.api.amazonwebservices.com.cn"] = { UseDualStack = true },
    }) do
      parameters.Region = "cn-north-1"
      local found = endpoint.find(bare, endpoint.rule_set(bare), parameters)
      assert.equal("https://" .. host, found.endpoint.url)
    end
  end)
end)

describe("a bucket", function()
  local HOST <const> = "s3.eu-west-1.amazonaws.com"

  it("is in the host where TLS names and rules allow", function()
    assert.equal("https://vault." .. HOST .. "/a/b", url(s3("vault")))
    local list = { "ListObjectsV2", { Bucket = "vault" } }
    assert.equal("https://vault." .. HOST .. "/?list-type=2&encoding-type=url", url(list))
    assert.equal("https://" .. HOST .. "/my.vault/a/b", url(s3("my.vault")))
    assert.equal("https://" .. HOST .. "/Old_one/a/b", url(s3("Old_one")))
    local path = "s3 =\n  addressing_style = path"
    assert.equal("https://" .. HOST .. "/vault/a/b", url(s3("vault", { config = path })))
    list.config = path
    assert.equal("https://" .. HOST .. "/vault?list-type=2&encoding-type=url", url(list))
  end)

  it("is in the path of a configured endpoint unless told", function()
    local there = { region = "x-y-1", endpoint_url = "http://minio.lan:9000" }
    assert.equal("http://minio.lan:9000/vault/a/b", url(s3("vault", there)))
    there.config = "s3 =\n  addressing_style = virtual"
    assert.equal("http://vault.minio.lan:9000/a/b", url(s3("vault", there)))
    for _, address in ipairs({ "http://127.0.0.1:9000", "http://10.0.0.7", "http://[::1]" }) do
      there.endpoint_url = address
      assert.equal(address .. "/vault/a/b", url(s3("vault", there)))
    end
  end)

  it("may be reached by dual-stack, acceleration and the old global endpoint", function()
    for setting, host in pairs({
      ["use_dualstack_endpoint = true"] = "vault.s3.dualstack.us-east-1.amazonaws.com",
      ["use_accelerate_endpoint = true"] = "vault.s3-accelerate.amazonaws.com",
      ["us_east_1_regional_endpoint = legacy"] = "vault.s3.amazonaws.com",
    }) do
      local case = s3("vault", { region = "us-east-1", config = "s3 =\n  " .. setting })
      assert.equal("https://" .. host .. "/a/b", url(case))
    end
  end)

  it("may be an access point, in its own region", function()
    local point = "arn:aws:s3:us-west-2:123456789012:accesspoint/point"
    local host = "https://point-123456789012.s3-accesspoint.us-west-2.amazonaws.com"
    assert.equal(host .. "/a/b", url(s3(point)))
    assert.equal("us-west-2/s3/aws4_request", scope(s3(point)))
    local _, e = errors.try(url, s3(point, { config = "s3 =\n  use_arn_region = false" }))
    assert.equal("config", e.kind)
    local outpost = "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/"
      .. "accesspoint/reports"
    assert.equal(
      "https://reports-123456789012.op-01234567890123456.s3-outposts.us-west-2.amazonaws.com/a/b",
      url(s3(outpost))
    )
    local lambda = "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/lam"
    assert.equal(
      "https://lam-123456789012.s3-object-lambda.us-west-2.amazonaws.com/a/b",
      url(s3(lambda))
    )
  end)

  it("is refused when it is the name of none", function()
    for _, bucket in ipairs({ "..", "a/b", "b?c", "arn:aws:sqs:eu-west-1:1:x" }) do
      local _, e = errors.try(url, s3(bucket))
      assert.is_true(e.kind == "usage" or e.kind == "config", bucket)
    end
  end)
end)

describe("an endpoint URL", function()
  it("that would send keys to another host is refused", function()
    for _, case in ipairs({
      kms({ region = "x.evil.example/" }),
      kms({ region = "-x" }),
      kms({ region = "127" }),
      kms({ endpoint_url = "http://user@host" }),
      kms({ endpoint_url = "http://host\0.evil.example" }),
      kms({ endpoint_url = "file:///etc" }),
      kms({ endpoint_url = "127.0.0.1:5000" }),
    }) do
      local _, e = errors.try(url, case)
      assert.equal("config", e.kind)
      assert.truthy(e.hint)
    end
  end)

  it("that is wrong is refused for its reason, and a password in it is not shown", function()
    for given, reason in pairs({
      ["http://me:hunter2@host"] = "user and password cannot be part of it",
      ["http://me:hunt/er2@host"] = "its port is not a number from 1 to 65535",
      ["http://host:99999"] = "its port is not a number from 1 to 65535",
      ["http://host:0"] = "its port is not a number from 1 to 65535",
      ["http://[::1]:x"] = "its port is not a number from 1 to 65535",
      ["http://:80"] = "it names no host",
      ["http:///base"] = "it names no host",
      ["http://host/a b"] = "it has a blank or a control character in it",
      ["http://host?x=1"] = "a query or fragment cannot be part of it",
      ["http://host/#here"] = "a query or fragment cannot be part of it",
      ["ftp://host"] = "it does not begin with http:// or https://",
      ["host:80"] = "it does not begin with http:// or https://",
    }) do
      local _, e = errors.try(endpoint.parse_url, given, "AWS_ENDPOINT_URL")
      assert.matches("(AWS_ENDPOINT_URL) is not an endpoint URL: " .. reason, e.message, 1, true)
      assert.is_nil(e.message:find("hunt", 1, true), e.message)
    end
    assert.same({ "http://[::1]:80", "/a" }, { endpoint.parse_url("HTTP://[::1]:80/a") })
    assert.same({ "https://host", "" }, { endpoint.parse_url("https://host") })
  end)
end)
