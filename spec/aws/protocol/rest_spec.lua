-- What models that users bring may have of the rest protocols, and no built-in service does.

local aws = require("aws")
local network = require("spec.support.network")

local MODEL = {
  metadata = {
    apiVersion = "2026-01-01",
    endpointPrefix = "thing",
    protocol = "rest-json",
    serviceId = "Thing",
    signatureVersion = "v4",
  },
  operations = {
    GetThing = {
      name = "GetThing",
      http = { method = "GET", requestUri = "/thing?fixed=1" },
      input = { shape = "Query" },
      output = { shape = "Answer" },
    },
  },
  shapes = {
    Query = {
      type = "structure",
      members = {
        Filters = { shape = "Lists", location = "querystring", locationName = "Filters" },
        Tags = { shape = "Texts", location = "querystring", locationName = "Tags" },
      },
    },
    Answer = {
      type = "structure",
      members = {
        Meta = { shape = "Texts", location = "headers", locationName = "X-Thing-" },
      },
    },
    Lists = { type = "map", key = { shape = "Text" }, value = { shape = "List" } },
    Texts = { type = "map", key = { shape = "Text" }, value = { shape = "Text" } },
    List = { type = "list", member = { shape = "Text" } },
    Text = { type = "string" },
  },
}

local function call(input, headers)
  local output
  local sent = network.with({ { headers = headers, body = "" } }, function()
    local client = aws.client(MODEL, {
      endpoint_url = "http://127.0.0.1:1",
      region = "us-east-1",
      credentials = network.KEYS,
    })
    output = client.get_thing(input)
  end)
  return output, sent[1].url
end

describe("a rest protocol", function()
  it("puts a map into the query string by its keys, a list of values one by one", function()
    local _, url = call({ Tags = { b = "2", a = "1&" }, Filters = { f = { "x", "y" } } })
    local query = {}
    for pair in url:match("%?(.*)$"):gmatch("[^&]+") do
      query[#query + 1] = pair
    end
    table.sort(query)
    assert.same({ "a=1%26", "b=2", "f=x", "f=y", "fixed=1" }, query)
  end)

  it("takes a map from headers, whatever the case of the prefix", function()
    local headers = { { "x-thing-one", "1" }, { "x-thing-", "empty" }, { "x-other", "2" } }
    assert.same({ one = "1", [""] = "empty" }, call({}, headers).Meta)
  end)
end)
