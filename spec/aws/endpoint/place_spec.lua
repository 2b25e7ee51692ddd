local config = require("aws.config")
local errors = require("awsbak.errors")
local model = require("aws.model")
local place = require("aws.endpoint.place")
local world = require("spec.support.world")

-- A model as it comes at run time, in botocore's form, whose hosts tell the parameters.
local MODEL = {
  metadata = { endpointPrefix = "thing", protocol = "json", serviceId = "Thing" },
  operations = {
    List = {
      name = "List",
      http = { method = "POST", requestUri = "/" },
      input = { shape = "Input" },
      operationContextParams = { Last = { path = "Names[-1]" } },
    },
    Found = {
      name = "Found",
      http = { method = "POST", requestUri = "/" },
      endpointdiscovery = { required = true },
    },
    Fixed = {
      name = "Fixed",
      http = { method = "POST", requestUri = "/" },
      staticContextParams = { Colour = { value = "grey" } },
    },
  },
  shapes = {
    Input = {
      type = "structure",
      members = {
        Name = { shape = "String", contextParam = { name = "Name" } },
        Names = { shape = "Names" },
      },
    },
    Names = { type = "list", member = { shape = "String" } },
    String = { type = "string" },
  },
  clientContextParams = { Colour = { type = "string" }, IsLoud = { type = "boolean" } },
}

local function is_set(name)
  return { fn = "isSet", argv = { { ref = name } } }
end

local function to(url, ...)
  return { type = "endpoint", conditions = { ... }, endpoint = { url = "https://" .. url } }
end

local RULES = {
  version = "1.0",
  parameters = {
    Colour = { type = "string" },
    IsLoud = { type = "boolean" },
    Last = { type = "string" },
    Name = { type = "string" },
    Region = { type = "string", builtIn = "AWS::Region", required = true },
  },
  rules = {
    to("{Name}.{Last}", is_set("Name"), is_set("Last")),
    to("{Name}", is_set("Name")),
    to("{Colour}.{Region}", is_set("Colour")),
    { type = "error", conditions = {}, error = "{Region} has no colour" },
  },
}

--- The endpoints of some calls of one client: each { operation, input, region }; the first may have
--- other rules.
local function urls(context_params, ...)
  local calls, found = { ... }, {}
  world.with({}, function()
    local service = {
      model = model.from_botocore(MODEL, {
        id = "Thing",
        endpoint_rule_set = {
          parameters = RULES.parameters,
          rules = calls[1].rules or RULES.rules,
        },
      }),
      config = config.resolve({ region = "eu-west-1" }),
      options = { context_params = context_params },
    }
    for i, call in ipairs(calls) do
      found[i] = place.new(service, call[3]):find({
        service = service,
        operation = service.model:operation(call[1]),
        input = call[2],
      }).endpoint.url
    end
  end)
  return found
end

describe("a client's place", function()
  it("has endpoints by what calls bring, the client is given and the settings say", function()
    assert.same(
      {
        "https://red.eu-west-1",
        "https://grey.eu-west-1",
        "https://a",
        "https://b",
        "https://b.z",
        "https://red.eu-west-2",
      },
      urls(
        { Colour = "red" },
        { "List", {} },
        { "Fixed", {} },
        { "List", { Name = "a" } },
        { "List", { Name = "b" } },
        { "List", { Name = "b", Names = { "a", "z" } } },
        { "List", {}, "eu-west-2" }
      )
    )
  end)

  it("refuses with the words of the rules", function()
    local _, e = errors.try(urls, nil, { "List", {} })
    assert.equal("usage", e.kind)
    assert.matches("eu-west-1 has no colour", e.message, 1, true)
  end)

  it("refuses an operation whose endpoint would have to be asked for", function()
    local _, e = errors.try(urls, { Colour = "red" }, { "Found", {} })
    assert.equal("endpoint_discovery", e.code)
    assert.matches("Thing.Found", e.message, 1, true)
  end)

  it("names rules that are wrong", function()
    local rule = { type = "endpoint", conditions = { { fn = "substring", argv = { "a" } } } }
    local _, e = errors.try(urls, nil, { "List", {}, rules = { rule } })
    assert.equal("config", e.kind)
    assert.matches("the endpoint rules of Thing are wrong", e.message, 1, true)
  end)

  it("names what is wrong in the parameters it is given", function()
    local _, unknown = errors.try(urls, { Color = "red" }, { "List", {} })
    assert.equal("usage", unknown.kind)
    assert.matches("Colour", unknown.hint, 1, true)
    local _, wrong = errors.try(urls, { IsLoud = "yes" }, { "List", {} })
    assert.matches("IsLoud", wrong.message, 1, true)
    assert.equal("it is a boolean", wrong.hint)
  end)
end)
