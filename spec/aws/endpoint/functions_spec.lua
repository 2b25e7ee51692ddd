local functions = require("aws.endpoint.functions")

local hostable = functions["aws.isVirtualHostableS3Bucket"]
local parse_arn = functions["aws.parseArn"]
local partition = functions["aws.partition"]

describe("a function of endpoint rules:", function()
  it("substring counts from 0, from either end, and has nothing beyond", function()
    assert.equal("bc", functions.substring("abcd", 1, 3, false))
    assert.equal("abcd", functions.substring("abcd", 0, 4, false))
    assert.equal("bc", functions.substring("abcd", 1, 3, true))
    assert.equal("cd", functions.substring("abcd", 0, 2, true))
    assert.equal("abcd", functions.substring("abcd", 0, 4, true))
    assert.is_nil(functions.substring("abcd", 0, 5, false))
    assert.is_nil(functions.substring("abcd", 2, 2, false))
    assert.is_nil(functions.substring("abc\u{e4}", 0, 2, false))
  end)

  it("getAttr finds members and items", function()
    local value = { name = "n", list = { "a", "b" }, inner = { list = { "c" } } }
    assert.equal("n", functions.getAttr(value, "name"))
    assert.equal("b", functions.getAttr(value, "list[1]"))
    assert.equal("c", functions.getAttr(value, "inner.list[0]"))
    assert.equal("b", functions.getAttr(value.list, "[1]"))
    assert.is_nil(functions.getAttr(value, "list[2]"))
    assert.is_nil(functions.getAttr(value, "none[0]"))
  end)

  it("isValidHostLabel knows the length and form of labels", function()
    for text, is_valid in pairs({
      a = true,
      ["a-1"] = true,
      [("x"):rep(63)] = true,
      [("x"):rep(64)] = false,
      ["-a"] = false,
      ["a-"] = false,
      ["a_b"] = false,
      ["a.b"] = false,
      [""] = false,
    }) do
      assert.equal(is_valid, functions.isValidHostLabel(text, false), text)
    end
    assert.is_true(functions.isValidHostLabel("a.b-c", true))
    assert.is_false(functions.isValidHostLabel("a..b", true))
    assert.is_false(functions.isValidHostLabel(nil, true))
  end)

  it("isVirtualHostableS3Bucket wants small letters and no address", function()
    assert.is_true(hostable("abc", false))
    assert.is_true(hostable("a.bc", true))
    for _, bucket in ipairs({ "ab", "Abc", "a.bc", "127.0.0.1", "abc-" }) do
      assert.is_false(hostable(bucket, false), bucket)
    end
    assert.is_false(hostable("127.0.0.1", true))
  end)

  it("parseURL takes URLs without a query apart", function()
    assert.same({
      scheme = "https",
      authority = "h.example:8443",
      path = "/a",
      normalizedPath = "/a/",
      isIp = false,
    }, functions.parseURL("https://h.example:8443/a"))
    assert.equal("/", functions.parseURL("http://h").normalizedPath)
    for _, address in ipairs({ "http://127.0.0.1", "http://127.0.0.1:80/a", "https://[::1]:80" }) do
      assert.is_true(functions.parseURL(address).isIp, address)
    end
    for _, text in ipairs({ "ftp://h", "h", "https://h?q", "https://h:x", "https://" }) do
      assert.is_nil(functions.parseURL(text), text)
    end
  end)

  it("parseArn wants partition, service and resource", function()
    assert.same({
      partition = "aws",
      service = "s3",
      region = "",
      accountId = "",
      resourceId = { "a", "b", "c" },
    }, parse_arn("arn:aws:s3:::a/b:c"))
    for _, text in ipairs({ "arn:aws:s3:::", "arn::s3:::a", "arn:aws::::a", "aws:s3:::a", "x" }) do
      assert.is_nil(parse_arn(text), text)
    end
  end)

  it("partition knows regions, those to come, and takes aws for the rest", function()
    for region, name in pairs({
      ["eu-west-1"] = "aws",
      ["eu-nowhere-9"] = "aws",
      ["aws-cn-global"] = "aws-cn",
      ["cn-south-7"] = "aws-cn",
      ["us-gov-north-1"] = "aws-us-gov",
      ["us-iso-north-1"] = "aws-iso",
      ["us-isob-east-1"] = "aws-iso-b",
      ["eu-isoe-west-1"] = "aws-iso-e",
      ["us-isof-south-1"] = "aws-iso-f",
      ["eusc-de-east-1"] = "aws-eusc",
      ["moon-base-1"] = "aws",
      ["eu-west-1x"] = "aws",
    }) do
      assert.equal(name, partition(region).name, region)
    end
  end)

  it("uriEncode leaves only what never needs encoding", function()
    assert.equal("a-._~%2F%20%C3%A4%25", functions.uriEncode("a-._~/ \u{e4}%"))
    assert.is_nil(functions.uriEncode(nil))
  end)
end)
