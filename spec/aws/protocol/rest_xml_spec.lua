local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local protocol = require("aws.protocol")

local s3 = model.load("s3")
local speaks = protocol.get(s3)

local function build(name, input)
  input.Bucket = "b"
  return speaks.build(s3, s3:operation(name), input)
end

local function parse(name, body, headers)
  return speaks.parse(
    s3,
    s3:operation(name),
    { status = 200, headers = headers or {}, body = body }
  )
end

local function failure(f, ...)
  local value, err = errors.try(f, ...)
  assert.is_nil(value)
  return err
end

describe("a request in rest-xml", function()
  it("has labels in the path, greedy ones with their slashes", function()
    assert.equal("/b/a%20b/%C3%BC%2B%3F/../c", build("GetObject", { Key = "a b/ü+?/../c" }).path)
    assert.equal("/b", build("ListObjectsV2", {}).path)
  end)

  it("refuses an empty label: it would name the bucket instead of the object", function()
    local err = failure(build, "DeleteObject", { Key = "" })
    assert.equal("usage", err.kind)
    assert.equal("empty_label", err.code)
    assert.equal(
      "empty_label",
      failure(speaks.build, s3, s3:operation("DeleteBucket"), { Bucket = "" }).code
    )
  end)

  it("refuses a host label that would name another host", function()
    local function prefix(route)
      local input = { RequestRoute = route, RequestToken = "t" }
      return build("WriteGetObjectResponse", input).host_prefix
    end
    assert.equal("io-1.", prefix("io-1"))
    for _, route in ipairs({ "evil.example/", "a:80", "a@b", "a?", "a b", "é", "" }) do
      assert.equal("bad_host_label", failure(prefix, route).code, route)
    end
  end)

  it("has members in the query string, after what the path brings", function()
    assert.same({
      { "list-type", "2" },
      { "max-keys", "5" },
      { "prefix", "a&b" },
      { "fetch-owner", "false" },
    }, build("ListObjectsV2", { Prefix = "a&b", MaxKeys = 5, FetchOwner = false }).query)
    assert.same(
      { { "acl", "" }, { "versionId", "v" } },
      build("GetObjectAcl", { Key = "k", VersionId = "v" }).query
    )
    local request = build("GetObject", { Key = "k", ResponseExpires = 1700000000 })
    assert.same({ { "response-expires", "Tue, 14 Nov 2023 22:13:20 GMT" } }, request.query)
  end)

  it("has members in headers, and a streaming body as it is", function()
    local body = setmetatable({}, { __name = "region" })
    local request = build("PutObject", {
      Key = "k",
      Body = body,
      ContentType = "text/plain",
      ContentLength = 5,
      BucketKeyEnabled = true,
      Metadata = { b = "2", A = "1" },
      Expires = 1700000000,
    })
    assert.same({
      { "Content-Length", "5" },
      { "Content-Type", "text/plain" },
      { "Expires", "Tue, 14 Nov 2023 22:13:20 GMT" },
      { "x-amz-meta-A", "1" },
      { "x-amz-meta-b", "2" },
      { "x-amz-server-side-encryption-bucket-key-enabled", "true" },
    }, request.headers)
    assert.equal(body, request.body)
    assert.is_nil(build("GetObject", { Key = "k" }).body)
  end)

  it("joins lists in headers, quoting what has commas", function()
    assert.same(
      { { "x-amz-object-attributes", 'ETag,"a,b"' } },
      build("GetObjectAttributes", { Key = "k", ObjectAttributes = { "ETag", "a,b" } }).headers
    )
  end)

  it("refuses line breaks in headers", function()
    for _, value in ipairs({ "a\r\nEvil: 1", "a\nb", "a\0b" }) do
      assert.equal(
        "bad_header",
        failure(build, "PutObject", { Key = "k", Metadata = { x = value } }).code
      )
    end
  end)

  it("has XML with namespaces, attributes and escapes", function()
    assert.equal(
      '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object>'
        .. "<Key>&lt;&amp;&#13;&#10;</Key></Object>"
        .. "<Quiet>true</Quiet></Delete>",
      build("DeleteObjects", { Delete = { Objects = { { Key = "<&\r\n" } }, Quiet = true } }).body
    )
    assert.equal(
      '<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><AccessControlList>'
        .. '<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        .. 'xsi:type="CanonicalUser"><ID>1</ID></Grantee>'
        .. "</Grant></AccessControlList></AccessControlPolicy>",
      build("PutBucketAcl", {
        AccessControlPolicy = {
          Grants = { { Grantee = { Type = "CanonicalUser", ID = "1" } } },
        },
      }).body
    )
    local request = build("SelectObjectContent", {
      Key = "k",
      Expression = "e",
      ExpressionType = "SQL",
      InputSerialization = {},
      OutputSerialization = {},
    })
    assert.matches(
      '^<SelectObjectContentRequest xmlns="http://s3[^"]+/2006%-03%-01/"><Expression>e<',
      request.body
    )
  end)

  it("refuses text that XML cannot carry", function()
    for _, key in ipairs({ "a\1", "a\0", "\xff", "\xef\xbf\xbe" }) do
      local err = failure(build, "DeleteObjects", { Delete = { Objects = { { Key = key } } } })
      assert.equal("usage", err.kind)
      assert.equal("not_xml", err.code)
    end
  end)
end)

describe("a reply in rest-xml", function()
  it("has flattened lists, and attributes by their local name", function()
    local output = parse(
      "ListObjectsV2",
      [[<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
      <IsTruncated>true</IsTruncated><Contents><Key>a</Key><Size>9007199254740993</Size></Contents>
      <Contents><Key/></Contents></ListBucketResult>]]
    )
    assert.same(
      { IsTruncated = true, Contents = { { Key = "a", Size = 9007199254740993 }, { Key = "" } } },
      output
    )
    assert.equal(json.array_mt, getmetatable(output.Contents))
    output = parse(
      "GetBucketAcl",
      [[<A><AccessControlList><Grant>
      <Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group">
      <URI>u</URI></Grantee>
      </Grant></AccessControlList></A>]]
    )
    assert.same({ Grants = { { Grantee = { Type = "Group", URI = "u" } } } }, output)
  end)

  it("has members in headers", function()
    local output = parse("HeadObject", "", {
      { "content-length", "5" },
      { "last-modified", "Tue, 14 Nov 2023 22:13:20 GMT" },
      { "x-amz-meta-a", "1" },
      { "x-amz-delete-marker", "false" },
      { "expires", "tomorrow" },
    })
    assert.same({
      ContentLength = 5,
      LastModified = 1700000000,
      Metadata = { a = "1" },
      DeleteMarker = false,
      ExpiresString = "tomorrow",
    }, output)
    local err = failure(parse, "HeadObject", "", { { "content-length", "five" } })
    assert.matches("ContentLength is text that is not long", err.message)
  end)

  it("hands a streaming body through", function()
    local reader = {}
    assert.equal(reader, parse("GetObject", reader).Body)
    assert.equal('{"Version":1}', parse("GetBucketPolicy", '{"Version":1}').Policy)
  end)

  it("is the value itself where the root is", function()
    assert.same(
      { LocationConstraint = "eu-west-1" },
      parse("GetBucketLocation", "<LocationConstraint>eu-west-1</LocationConstraint>")
    )
    assert.same(
      { LocationConstraint = "" },
      parse("GetBucketLocation", '<LocationConstraint xmlns="x"/>')
    )
  end)

  it("may be empty of members, but not of a document that is promised", function()
    assert.same({}, parse("GetBucketVersioning", "<VersioningConfiguration/>"))
    assert.same({}, parse("PutBucketTagging", ""))
    assert.equal("empty_reply", failure(parse, "ListObjectsV2", "").code)
    assert.equal("empty_reply", failure(parse, "CopyObject", "").code)
  end)

  it("is refused when it is a web page or another document", function()
    for _, name in ipairs({
      "ListObjectsV2",
      "PutObject",
      "DeleteObject",
      "PutBucketTagging",
      "CopyObject",
      "DeleteBucket",
    }) do
      assert.equal("foreign_reply", failure(parse, name, "<html><body/></html>").code)
      assert.equal("foreign_reply", failure(parse, name, "<!DOCTYPE html><html><br></html>").code)
      assert.equal("foreign_reply", failure(parse, name, "Please log in").code)
    end
    assert.equal(
      "foreign_reply",
      failure(parse, "ListObjectsV2", "<Status><Ok>1</Ok></Status>").code
    )
    assert.equal("foreign_reply", failure(parse, "CopyObject", "<Status><Ok>1</Ok></Status>").code)
  end)

  it("is S3's own when its root is called as the shape or the member, whatever is in it", function()
    local newer = "<Newer>1</Newer>"
    local name = "OwnershipControls"
    local body = ("<%s>%s</%s>"):format(name, newer, name)
    assert.same({ [name] = {} }, parse("GetBucketOwnershipControls", body))
    name = "DeleteObjectsOutput"
    assert.same({}, parse("DeleteObjects", ("<%s>%s</%s>"):format(name, newer, name)))
  end)

  it("is an error when it says so with status 200", function()
    local body = "<Error><Code>InternalError</Code><Message>We failed</Message></Error>"
    for _, name in ipairs({ "CopyObject", "CompleteMultipartUpload", "PutObject" }) do
      local err = failure(parse, name, body, { { "x-amz-request-id", "r" } })
      assert.equal("service", err.kind)
      assert.equal("InternalError", err.code)
      assert.equal("r", err.request_id)
    end
  end)
end)

describe("an error in rest-xml", function()
  local function fault(name, status, body)
    return speaks.fault(
      s3,
      s3:operation(name),
      { status = status, headers = { { "x-amz-request-id", "r" } }, body = body }
    )
  end

  it("has what S3 says", function()
    local told = fault(
      "GetObject",
      404,
      [[<?xml version="1.0" encoding="UTF-8"?>
      <Error><Code>NoSuchKey</Code><Message>no</Message><Key>k</Key>
      <RequestId>r</RequestId><HostId>h</HostId></Error>]]
    )
    assert.same({
      code = "NoSuchKey",
      message = "no",
      request_id = "r",
      retryable = false,
      fields = { Key = "k", HostId = "h" },
    }, told)
    assert.equal(
      "eu-west-1",
      fault(
        "GetObject",
        301,
        "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>"
      ).fields.Region
    )
  end)

  it("of a HEAD, or without a readable body, is its status", function()
    assert.same(
      { code = "404", message = "the service answered with status 404", request_id = "r" },
      fault("HeadObject", 404, "")
    )
    assert.equal("503", fault("GetObject", 503, "<html>Slow down</html>").code)
  end)
end)
