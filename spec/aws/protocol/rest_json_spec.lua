-- Traits that no built-in service has, on a model of their own.

local json = require("awsbak.core.json")
local model = require("aws.model")
local protocol = require("aws.protocol")
local stub = require("aws.stub")

local function header(shape, name, more)
  local member = { shape = shape, location = "header", locationName = name }
  for key, value in pairs(more or {}) do
    member[key] = value
  end
  return member
end

local HEADERS = {
  type = "structure",
  members = {
    Context = header("Text", "x-context", { jsonvalue = true }),
    Times = header("Times", "x-times"),
    Days = header("Days", "x-days"),
    Texts = header("Texts", "x-texts"),
    Flags = header("Flags", "x-flags"),
  },
}

local DESCRIPTION = {
  metadata = {
    apiVersion = "2020-01-01",
    endpointPrefix = "demo",
    protocol = "rest-json",
    serviceId = "Demo",
    signatureVersion = "v4",
  },
  operations = {
    PutIt = {
      name = "PutIt",
      http = { method = "POST", requestUri = "/" },
      input = { shape = "Headers" },
      output = { shape = "Headers" },
    },
  },
  shapes = {
    Headers = HEADERS,
    Text = { type = "string" },
    Time = { type = "timestamp" },
    Day = { type = "timestamp", timestampFormat = "iso8601" },
    Flag = { type = "boolean" },
    Times = { type = "list", member = { shape = "Time" } },
    Days = { type = "list", member = { shape = "Day" } },
    Texts = { type = "list", member = { shape = "Text" } },
    Flags = { type = "list", member = { shape = "Flag" } },
  },
}

local demo = model.given(DESCRIPTION)
local speaks = protocol.get(demo)

local function parse(headers)
  local response = { status = 200, headers = headers, body = "" }
  return speaks.parse(demo, demo:operation("PutIt"), response)
end

describe("headers in rest-json", function()
  it("read back as what was written", function()
    local input = {
      Context = { a = { 1, true, json.null } },
      Times = { 0, 1700000000 },
      Days = { 0, 0.5 },
      Texts = { "a", "b, c", 'say "d"', 'back\\slash' },
      Flags = { true, false },
    }
    local sent = speaks.build(demo, demo:operation("PutIt"), input).headers
    assert.same(input, parse(sent))
  end)

  it("have lists whose parts may be dates, and texts in quotes", function()
    local date = "Tue, 14 Nov 2023 22:13:20 GMT"
    local output = parse({
      { "x-times", date .. " ,  " .. date .. "," .. "1970-01-01T00:00:01Z" },
      { "x-texts", ' "a, \\"b\\" \\\\" , c d ,e"f,"open, end' },
    })
    assert.same({ 1700000000, 1700000000, 1 }, output.Times)
    assert.same({ 'a, "b" \\', "c d", 'e"f', '"open', "end" }, output.Texts)
  end)
end)

describe("an error in rest-json", function()
  it("has its code in a header, or where the body has a text for one", function()
    local function code(body, headers)
      local response = { status = 400, headers = headers or {}, body = body }
      return speaks.fault(demo, demo:operation("PutIt"), response).code
    end
    assert.equal("Gone", code('{"Code":null,"__type":"com.aws#Gone","message":null}'))
    assert.equal("Gone", code('{"code":7,"Code":"Gone","__type":"Other"}'))
    assert.equal("Gone", code('{"error":"Gone"}'))
    assert.equal("Gone", code("", { { "x-amzn-errortype", "Gone:http://x/" } }))
    assert.equal("400", code('{"code":null}'))
  end)
end)

describe("a value that is JSON in a header", function()
  it("is shown as it is", function()
    local input = { Context = { a = 1 } }
    assert.same(input, stub.shown(demo, "Headers", input))
  end)
end)
