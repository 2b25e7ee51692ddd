local aws = require("aws")
local errors = require("awsbak.errors")
local model = require("aws.model")
local network = require("spec.support.network")
local validate = require("aws.validate")

local who = { service = "fake", operation = "Put" }

-- A model with a shape of each kind, in botocore's format.
local fake = model.from_botocore({
  metadata = {
    protocol = "json",
    serviceId = "Fake",
    endpointPrefix = "fake",
    jsonVersion = "1.1",
  },
  operations = {
    Put = { name = "Put", http = { method = "POST", requestUri = "/" }, input = { shape = "In" } },
    Ping = { name = "Ping", http = { method = "POST", requestUri = "/" } },
  },
  shapes = {
    In = {
      type = "structure",
      required = { "Name" },
      members = {
        Name = { shape = "Name" },
        Size = { shape = "Size" },
        Rate = { shape = "Rate" },
        On = { shape = "On" },
        Raw = { shape = "Raw" },
        At = { shape = "At" },
        Filters = { shape = "Filters" },
        Tags = { shape = "Tags" },
        One = { shape = "One" },
        Tier = { shape = "Tier" },
      },
    },
    Tier = { type = "string", enum = { "Standard", "Intelligent-Tiering", "GET", "TLSv1.2" } },
    Name = { type = "string", min = 2, max = 3 },
    Size = { type = "integer", min = 1 },
    Rate = { type = "double" },
    On = { type = "boolean" },
    Raw = { type = "blob" },
    At = { type = "timestamp" },
    Filters = { type = "list", member = { shape = "Filter" }, min = 1 },
    Filter = { type = "structure", required = { "Key" }, members = { Key = { shape = "Name" } } },
    Tags = { type = "map", key = { shape = "Name" }, value = { shape = "Name" } },
    One = {
      type = "structure",
      union = true,
      members = { A = { shape = "Name" }, B = { shape = "Name" } },
    },
  },
})

--- The message about `input` (given to Put), or nil when it is accepted.
local function check(input, operation)
  local ok, err = pcall(validate.input, fake, fake:operation(operation or "Put"), input, who)
  if ok then
    return nil
  end
  assert.equal("usage", err.kind)
  assert.equal("invalid_input", err.code)
  return err.message, err
end

describe("aws.validate", function()
  it("accepts what fits", function()
    assert.is_nil(check({
      Name = "ab",
      Size = 1,
      Rate = 0.5,
      On = false,
      Raw = "\0\xff",
      At = "2026-01-02T03:04:05Z",
      Filters = { { Key = "ab" } },
      Tags = { aa = "bb" },
      One = { B = "ab" },
    }))
    assert.is_nil(check({ Name = "ab", At = 1.5, Rate = 1, Tags = {} }))
    assert.is_nil(check({}, "Ping"))
  end)

  it("leaves upper bounds to the service, as botocore does", function()
    assert.is_nil(check({ Name = "longer than three" }))
  end)

  it("refuses a value that misspells one of an enum", function()
    for value, meant in pairs({
      standard = "Standard",
      Standrad = "Standard",
      Standards = "Standard",
      INTELLIGENT_TIERING = "Intelligent-Tiering",
      get = "GET",
    }) do
      assert.equal(
        ("Tier must be %q, not %q"):format(meant, value),
        check({ Name = "abc", Tier = value })
      )
    end
  end)

  it("leaves other values of an enum to the service, one with another digit too", function()
    for _, value in ipairs({ "Archive", "TLSv1.3", "SET", "" }) do
      assert.is_nil(check({ Name = "abc", Tier = value }))
    end
  end)

  it("names an unknown member and the nearest one", function()
    assert.equal(
      'the input has no member "Szie" (did you mean "Size"?)',
      check({ Name = "ab", Szie = 1 })
    )
    assert.equal(
      'Filters[1] has no member "key" (did you mean "Key"?);'
        .. " Filters[1] lacks Key, which is required",
      check({ Name = "ab", Filters = { { key = "x" } } })
    )
    assert.equal('the input has no member "1"', check({ Name = "ab", "positional" }))
  end)

  it("names what is missing", function()
    assert.equal("the input lacks Name, which is required", check({}))
  end)

  it("names the place of a wrong type", function()
    assert.equal("Name must be a string, not the integer 1", check({ Name = 1 }))
    assert.equal("Size must be an integer, not the number 1.5", check({ Name = "ab", Size = 1.5 }))
    assert.equal(
      "Filters[2].Key must be a string, not a boolean",
      check({ Name = "ab", Filters = { { Key = "ab" }, { Key = true } } })
    )
    assert.equal(
      "Filters must be a list, not a table",
      check({ Name = "ab", Filters = { Key = "ab" } })
    )
    assert.equal(
      'Tags["a b"] must be a string, not a table',
      check({ Name = "ab", Tags = { ["a b"] = {} } })
    )
    assert.equal("the input must be a table of members, not a string", check("ab"))
  end)

  it("finds holes in lists and keys that are no strings", function()
    assert.matches(
      "Filters must be a list",
      check({ Name = "ab", Filters = { [1] = { Key = "ab" }, [3] = { Key = "ab" } } })
    )
    assert.matches(
      "Tags must have strings as keys, not the integer 1",
      check({ Name = "ab", Tags = { "ab" } })
    )
  end)

  it("checks lower bounds in characters, values and elements", function()
    assert.equal("Name must have a length of at least 2", check({ Name = "ä" }))
    assert.equal("Size must be at least 1", check({ Name = "ab", Size = 0 }))
    assert.equal("Filters must have a length of at least 1", check({ Name = "ab", Filters = {} }))
  end)

  it("refuses strings that are not UTF-8 and times that are none", function()
    assert.equal("Name is not UTF-8 text (byte 2)", check({ Name = "a\xff" }))
    assert.matches("At must be a time", check({ Name = "ab", At = "yesterday" }))
    assert.matches("At must be a time", check({ Name = "ab", At = 0 / 0 }))
  end)

  it("wants exactly one member of a union", function()
    assert.equal("One must have exactly one member", check({ Name = "ab", One = {} }))
    assert.equal(
      "One must have exactly one member",
      check({ Name = "ab", One = { A = "ab", B = "ab" } })
    )
  end)

  it("refuses members where an operation takes none", function()
    assert.equal("the input must be empty, this operation has none", check({ Name = "ab" }, "Ping"))
  end)

  it("names all problems in one message, and lists them", function()
    local message, err = check({ Size = "x", Nmae = "ab" })
    assert.equal(
      'the input has no member "Nmae" (did you mean "Name"?); the input lacks Name, which is'
        .. ' required; Size must be an integer, not the text "x"',
      message
    )
    assert.equal(3, #err.fields.problems)
    assert.equal("fake Put: ", tostring(err):sub(1, 10))
  end)

  it("bounds the length of the message", function()
    local filters = {}
    for i = 1, 50 do
      filters[i] = {}
    end
    local message, err = check({ Name = "ab", Filters = filters })
    assert.matches("; and 42 more$", message)
    assert.equal(50, #err.fields.problems)
  end)

  it("ends in a table that contains itself, and in one that is too deep", function()
    local dynamodb = aws.client("dynamodb", { region = "us-east-1" })
    local loop = { M = {} }
    loop.M.a, loop.M.b = loop, loop
    local deep = { S = "x" }
    for _ = 1, 200 do
      deep = { L = { deep } }
    end
    for _, value in ipairs({ loop, deep }) do
      local item = { TableName = "t", Item = { k = value } }
      local _, err = errors.try(dynamodb.put_item, item)
      assert.equal("usage", err.kind)
      assert.matches("Item is nested more than 200 deep, or contains itself", err.message, 1, true)
    end
  end)

  it("refuses names of metadata that no header can have", function()
    local s3 = aws.client("s3", { region = "us-east-1", credentials = network.KEYS })
    local function put(metadata)
      return errors.try(s3.build, "PutObject", { Bucket = "b", Key = "k", Metadata = metadata })
    end
    assert.is_truthy(put({ ["a.b_c-D!"] = "x" }))
    for _, name in ipairs({ "a b", "a:b", "a\nb", "a\0b", "a\127", "(a)" }) do
      local _, err = put({ [name] = "x", fine = "x" })
      assert.equal("invalid_input", err.code)
      local said = ('Metadata["%s"] has a name that no header can have'):format(name)
      assert.equal(said, err.message)
    end
    local _, err = put({ a = "x\ny" })
    assert.equal(
      "Metadata.a has a line break or a NUL, which no header can have",
      err.message
    )
    _, err = errors.try(s3.build, "PutObject", { Bucket = "b", Key = "k", ContentType = "x\r" })
    assert.equal(
      "ContentType has a line break or a NUL, which no header can have",
      err.message
    )
  end)

  it("takes for a document what JSON can hold, and nothing else", function()
    local documents = aws.client({
      metadata = {
        apiVersion = "2020-01-01",
        endpointPrefix = "f",
        jsonVersion = "1.1",
        protocol = "json",
        serviceId = "F",
        signatureVersion = "v4",
        targetPrefix = "F",
      },
      operations = {
        Put = {
          name = "Put",
          http = { method = "POST", requestUri = "/" },
          input = { shape = "I" },
        },
      },
      shapes = {
        I = { type = "structure", members = { D = { shape = "Doc" } } },
        Doc = { type = "structure", members = {}, document = true },
      },
    }, { region = "us-east-1", endpoint_url = "http://127.0.0.1:1", no_sign_request = true })
    assert.equal('{"D":{"a":[1]}}', documents.build("Put", { D = { a = { 1 } } }).body)
    local loop = {}
    loop.loop = loop
    for _, value in ipairs({ loop, { print }, "\xff" }) do
      local _, err = errors.try(documents.build, "Put", { D = value })
      assert.equal("usage", err.kind)
      assert.matches("D must be a value of JSON (", err.message, 1, true)
    end
  end)
end)
