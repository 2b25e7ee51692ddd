local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local protocol = require("aws.protocol")

local sts = model.load("sts")
local speaks = protocol.get(sts)
local ASSUME = sts:operation("AssumeRole")

local function failure(body)
  local output, err =
    errors.try(speaks.parse, sts, ASSUME, { status = 200, headers = {}, body = body })
  assert.is_nil(output)
  assert.equal("reply", err.kind)
  return err
end

describe("a request in the query protocol", function()
  it("is a form with action, version and flattened members", function()
    local request = speaks.build(sts, ASSUME, {
      RoleArn = "arn:aws:iam::1:role/a b",
      RoleSessionName = "s",
      DurationSeconds = 900,
      PolicyArns = {},
      Tags = { { Key = "k", Value = "" }, { Key = "ü", Value = "&=" } },
    })
    assert.same(
      { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" } },
      request.headers
    )
    assert.equal(
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b"
        .. "&RoleSessionName=s&PolicyArns="
        .. "&DurationSeconds=900&Tags.member.1.Key=k&Tags.member.1.Value=&Tags.member.2.Key=%C3%BC"
        .. "&Tags.member.2.Value=%26%3D",
      request.body
    )
  end)

  it("follows flattened lists and maps", function()
    local m = model.from_botocore(json.decode([[{
      "metadata": {"protocol": "query", "apiVersion": "1", "endpointPrefix": "x"},
      "operations": {"Do": {
        "name": "Do", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "In"}}},
      "shapes": {
        "In": {"type": "structure", "members": {
          "Flat": {"shape": "FlatList"}, "Named": {"shape": "NamedFlat"}, "Map": {"shape": "Map"},
          "FlatMap": {"shape": "FlatMap"}, "When": {"shape": "Time"},
          "Raw": {"shape": "Blob"}, "F": {"shape": "Double"}}},
        "FlatList": {"type": "list", "flattened": true, "member": {"shape": "String"}},
        "NamedFlat": {
          "type": "list", "flattened": true, "member": {"shape": "String", "locationName": "Item"}},
        "Map": {"type": "map", "key": {"shape": "String"}, "value": {"shape": "String"}},
        "FlatMap": {
          "type": "map", "flattened": true, "key": {"shape": "String", "locationName": "Name"},
          "value": {"shape": "String", "locationName": "Value"}},
        "String": {"type": "string"}, "Time": {"type": "timestamp"}, "Blob": {"type": "blob"},
        "Double": {"type": "double"}}}]]))
    local function body(input)
      return (speaks.build(m, m:operation("Do"), input).body:gsub("^Action=Do&Version=1&?", ""))
    end
    assert.equal("Flat.1=a&Flat.2=b", body({ Flat = { "a", "b" } }))
    assert.equal("Item.1=a", body({ Named = { "a" } }))
    assert.equal(
      "Map.entry.1.key=a&Map.entry.1.value=1&Map.entry.2.key=b&Map.entry.2.value=2",
      body({ Map = { b = "2", a = "1" } })
    )
    assert.equal("FlatMap.1.Name=a&FlatMap.1.Value=1", body({ FlatMap = { a = "1" } }))
    assert.equal("When=1970-01-01T00%3A00%3A00Z", body({ When = 0 }))
    assert.equal("Raw=AP8%3D", body({ Raw = "\0\xff" }))
    assert.equal("F=NaN", body({ F = 0 / 0 }))
    assert.equal("F=-Infinity", body({ F = -math.huge }))
    assert.equal("", body({}))
  end)
end)

describe("a reply in the query protocol", function()
  it("is what its result wrapper holds", function()
    local output = speaks.parse(sts, ASSUME, {
      status = 200,
      headers = {},
      body = [[
      <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleResult>
          <Credentials>
            <AccessKeyId>A</AccessKeyId><Expiration>2023-11-14T22:13:20Z</Expiration>
          </Credentials>
          <PackedPolicySize>6</PackedPolicySize>
        </AssumeRoleResult>
        <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
      </AssumeRoleResponse>]],
    })
    assert.same(
      { Credentials = { AccessKeyId = "A", Expiration = 1700000000 }, PackedPolicySize = 6 },
      output
    )
  end)

  local function result(inner)
    local wrapped = "<AssumeRoleResult>" .. inner .. "</AssumeRoleResult>"
    return "<AssumeRoleResponse>" .. wrapped .. "</AssumeRoleResponse>"
  end

  it("is refused when it is not that", function()
    assert.equal("empty_reply", failure("").code)
    assert.equal("foreign_reply", failure("<html><body>Log in</body></html>").code)
    assert.equal("foreign_reply", failure("<!DOCTYPE html><html></html>").code)
    assert.equal("foreign_reply", failure("{}").code)
    assert.equal("foreign_reply", failure("<GetCallerIdentityResponse/>").code)
    assert.equal("misshapen_reply", failure("<AssumeRoleResponse/>").code)
    assert.matches(
      "PackedPolicySize is text that is not integer",
      failure(result("<PackedPolicySize>x</PackedPolicySize>")).message
    )
    assert.matches(
      "Credentials is text where a structure is promised",
      failure(result("<Credentials>x</Credentials>")).message
    )
  end)

  it("is never taken when it is cut short, and its keys are not shown", function()
    local text = result("<Credentials><SecretAccessKey>hunter2</SecretAccessKey></Credentials>")
    for n = 1, #text - 1 do
      assert.is_nil(tostring(failure(text:sub(1, n))):find("hunter", 1, true))
    end
  end)
end)

describe("an error in the query protocol", function()
  it("has code, message, request id and the other members", function()
    local told = speaks.fault(sts, ASSUME, {
      status = 400,
      headers = {},
      body = [[
      <ErrorResponse><Error>
        <Type>Sender</Type><Code>ExpiredTokenException</Code><Message>late</Message><Hint>x</Hint>
      </Error><RequestId>r-3</RequestId></ErrorResponse>]],
    })
    assert.same({
      code = "ExpiredTokenException",
      message = "late",
      request_id = "r-3",
      retryable = false, -- the model knows the error, and does not say that it is
      fields = { Hint = "x" },
    }, told)
  end)

  it("is understood in EC2's form", function()
    local told = speaks.fault(sts, ASSUME, {
      status = 400,
      headers = {},
      body = "<Response><Errors><Error><Code>C</Code><Message>m</Message></Error></Errors>"
        .. "<RequestID>r</RequestID></Response>",
    })
    assert.same({ code = "C", message = "m", request_id = "r", fields = {} }, told)
  end)

  it("without a readable body is its status", function()
    assert.equal(
      "503",
      speaks.fault(sts, ASSUME, { status = 503, headers = {}, body = "<html/>" }).code
    )
    assert.equal("503", speaks.fault(sts, ASSUME, { status = 503, headers = {}, body = "" }).code)
  end)
end)
