local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local model = require("aws.model")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

--- A model of a small service, as service-2.json has it.
local function described(version)
  return {
    version = "2.0",
    metadata = {
      apiVersion = version,
      endpointPrefix = "shop",
      jsonVersion = "1.1",
      protocol = "json",
      serviceId = "Shop",
      signatureVersion = "v4",
      targetPrefix = "Shop",
    },
    operations = {
      GetThing = {
        name = "GetThing",
        http = { method = "POST", requestUri = "/" },
        input = { shape = "GetThingRequest" },
        output = { shape = "Thing" },
      },
      ListThings = {
        name = "ListThings",
        http = { method = "POST", requestUri = "/" },
        input = { shape = "ListThingsRequest" },
        output = { shape = "Things" },
      },
    },
    shapes = {
      GetThingRequest = {
        type = "structure",
        required = { "Name" },
        members = { Name = { shape = "Text" } },
      },
      ListThingsRequest = { type = "structure", members = { Token = { shape = "Text" } } },
      Text = { type = "string", min = 1 },
      Texts = { type = "list", member = { shape = "Text" } },
      Thing = { type = "structure", members = { Name = { shape = "Text" } } },
      Things = {
        type = "structure",
        members = { Names = { shape = "Texts" }, Token = { shape = "Text" } },
      },
    },
  }
end

local PAGES = {
  pagination = {
    ListThings = { input_token = "Token", output_token = "Token", result_key = "Names" },
  },
}

local WAITERS = {
  version = 2,
  waiters = {
    ThingThere = {
      operation = "GetThing",
      delay = 1,
      maxAttempts = 3,
      acceptors = { { state = "success", matcher = "status", expected = 200 } },
    },
  },
}

local RULES = {
  version = "1.0",
  parameters = { Region = { builtIn = "AWS::Region", required = true, type = "String" } },
  rules = {
    {
      conditions = {},
      type = "endpoint",
      endpoint = { url = "https://shop.{Region}.example", properties = {}, headers = {} },
    },
  },
}

--- A gzip file (RFC 1952) that stores the text as it is.
local function gzipped(text)
  local crc = codec.hex(digest.digest("crc32", text))
  return "\x1f\x8b\8\0\0\0\0\0\0\3"
    .. ("<BI2I2"):pack(1, #text, ~#text & 0xffff)
    .. text
    .. ("<I4I4"):pack(tonumber(crc, 16), #text)
end

--- Put files of a service into a folder: { ["service-2"] = table or text }.
local function put(dir, service, version, files)
  local folder = ("%s/%s"):format(service, version)
  assert(os.execute("mkdir -p " .. dir:path(folder)))
  for name, value in pairs(files) do
    local text = type(value) == "table" and assert(json.encode(value)) or value
    if name:find("%.gz$") then
      text = gzipped(text)
    end
    dir:write(("%s/%s"):format(folder, name), text)
  end
end

--- Call `f` with AWS_DATA_PATH as it is given.
local function with_path(path, f, ...)
  return outside.with({
    getenv = function(name)
      return name == "AWS_DATA_PATH" and path or nil
    end,
  }, f, ...)
end

describe("models of the user", function()
  it("make a service like any other", function()
    local dir <close> = scratch.new()
    put(dir, "shop", "2026-01-01", {
      ["service-2.json"] = described("2026-01-01"),
      ["paginators-1.json"] = PAGES,
      ["waiters-2.json"] = WAITERS,
      ["endpoint-rule-set-1.json"] = RULES,
    })
    with_path(dir:path(), function()
      local shop = aws.client("shop", {
        region = "eu-west-1",
        credentials = { access_key_id = "A", secret_access_key = "s" },
      })
      local request = shop.build("get_thing", { Name = "x" })
      assert.equal("https://shop.eu-west-1.example/", request.url)
      assert.equal('{"Name":"x"}', request.body)
      assert.same({ "Token" }, model.load("shop"):paginator("ListThings").input_token)
      assert.equal("GetThing", model.load("shop"):waiter("thing_there").operation)
      assert.is_true(shop.operation("ListThings").reads)
    end)
  end)

  it("may be compressed", function()
    local dir <close> = scratch.new()
    put(dir, "shop", "1", { ["service-2.json.gz"] = described("1") })
    with_path(dir:path(), function()
      assert.same({ "GetThing", "ListThings" }, model.load("shop"):operations())
    end)
  end)

  it("count in the newest version, wherever it is, and then in the first folder", function()
    local one <close> = scratch.new()
    local two <close> = scratch.new()
    local function named(version, name)
      local model_of = described(version)
      model_of.metadata.serviceFullName = name
      return { ["service-2.json"] = model_of }
    end
    put(one, "shop", "2025-01-01", named("2025-01-01", "old in one"))
    put(two, "shop", "2026-01-01", named("2026-01-01", "new in two"))
    put(two, "other", "2026-01-01", named("2026-01-01", "other"))
    put(two, "shop", "2027-01-01", { ["paginators-1.json"] = PAGES }) -- no model
    local function full_name()
      return model.load("shop").meta.full_name
    end
    assert.equal("new in two", with_path(one:path() .. ":" .. two:path(), full_name))
    put(one, "shop", "2026-01-01", named("2026-01-01", "new in one"))
    assert.equal("new in one", with_path(("%s/:%s"):format(one:path(), two:path()), full_name))
  end)

  it("are beside the built-in ones: the newer counts, and what lacks comes from there", function()
    local dir <close> = scratch.new()
    local version = model.load("sqs").meta.api_version
    put(dir, "sqs", version, { ["service-2.json"] = described(version) })
    with_path(dir:path(), function()
      assert.same({ "GetThing", "ListThings" }, model.load("sqs"):operations())
      assert.same({ "NextToken" }, model.load("sqs"):paginator("ListQueues").input_token)
      assert.equal("table", type(model.load("sqs"):rule_set()))
    end)
    put(dir, "sns", "2001-01-01", { ["service-2.json"] = described("2001-01-01") })
    with_path(dir:path(), function()
      assert.equal("SNS", model.load("sns").meta.service_id)
    end)
  end)

  it("have merged into them what is in extras", function()
    local dir <close> = scratch.new()
    put(dir, "shop", "1", {
      ["service-2.json"] = described("1"),
      ["service-2.sdk-extras.json"] = {
        version = 1.0,
        merge = { shapes = { Thing = { members = { Size = { shape = "Text" } } } } },
      },
    })
    with_path(dir:path(), function()
      local shape = model.load("shop"):shape("Thing")
      assert.is_truthy(shape.by_name.Size)
      assert.is_truthy(shape.by_name.Name)
    end)
  end)

  it("are among the services that may have been meant", function()
    local dir <close> = scratch.new()
    put(dir, "bookshop", "1", { ["service-2.json"] = described("1") })
    with_path(dir:path(), function()
      local _, err = errors.try(aws.client, "bokshop")
      assert.equal('did you mean "bookshop"?', err.hint)
    end)
  end)

  it("may be called as a module of ours is", function()
    local dir <close> = scratch.new()
    put(dir, "config", "1", { ["service-2.json"] = described("1") }) -- AWS Config's name
    local env = { AWS_DATA_PATH = dir:path() }
    local code = "print(require('aws').config.meta.service_id, type(require('aws.config').resolve))"
    local result = program.run({ "-e", code }, { env = env })
    assert.equal("Shop\tfunction\n", result.stdout, result.stderr)
    result = program.run({ "help", "config" }, { env = env })
    assert.matches('require("aws").config, or awsbak api config', result.stdout, 1, true)
    result = program.run({ "meta", dir:path("meta") }, { env = env })
    assert.equal(0, result.status, result.stderr)
    assert.matches("resolve", dir:read("meta/aws/config.lua"), 1, true)
    assert.matches("get_thing", dir:read("meta/aws/config_service.lua"), 1, true)
  end)

  it("are looked for in ~/.aws/models, and in the data_path of a profile", function()
    local home <close> = scratch.new()
    put(home, ".aws/models/shop", "1", { ["service-2.json"] = described("1") })
    put(home, "more/mart", "1", { ["service-2.json"] = described("1") })
    home:write(".aws/config", "[default]\ndata_path = ~/more\n")
    local code = 'for _, id in ipairs({ "shop", "mart" }) do '
      .. 'io.write(require("aws").client(id).meta.service_id, " ") end'
    local said = program.run({ "-e", code }, { home = home:path() })
    assert.same({ "", "Shop Shop " }, { said.stderr, said.stdout })
  end)

  it("say in one sentence what is wrong with which file", function()
    local broken = {
      ["{"] = "service-2.json is no model: ",
      ["[]"] = "it is not a JSON object",
      ["{}"] = "it: `metadata` is missing",
      [("["):rep(1000)] = "service-2.json is no model: ",
      ["null"] = "it is not a JSON object",
      ["\x1f\x8b"] = "service-2.json is no model: ",
    }
    for text, message in pairs(broken) do
      local dir <close> = scratch.new()
      put(dir, "shop", "1", { ["service-2.json"] = text })
      local _, err = with_path(dir:path(), errors.try, model.load, "shop")
      assert.equal("bad_model", err.code)
      assert.matches(message, err.message, 1, true)
      assert.matches(dir:path("shop/1/service-2.json"), err.message, 1, true)
      assert.is_nil(err.message:find("\n"))
    end
  end)

  it("say of what is no file that it is none, and wait for nothing", function()
    for name, make in pairs({
      ["service-2.json"] = "mkdir -p",
      ["paginators-1.json"] = "mkfifo",
      ["waiters-2.json.gz"] = "mkfifo",
    }) do
      local dir <close> = scratch.new()
      local is_model = name == "service-2.json"
      put(dir, "shop", "1", not is_model and { ["service-2.json"] = described("1") } or {})
      local path = dir:path("shop/1/" .. name)
      assert.is_true((os.execute(("%s %s"):format(make, path))))
      local _, err = with_path(dir:path(), errors.try, model.load, "shop")
      assert.equal(path .. " is no model: it is not a file", err.message)
    end
  end)

  it("are missed where only files beside them are there", function()
    local dir <close> = scratch.new()
    put(dir, "sqs", "2012-11-05", { ["paginators-1.json"] = "{" })
    local said = program.run({
      "-e",
      'require("aws.sqs").operation("SendMessage")',
    }, { env = { AWS_DATA_PATH = dir:path() } })
    assert.equal(0, said.status, said.stderr)
    assert.matches(
      "sqs/2012-11-05/paginators-1.json is not used: there is no service-2.json of its version",
      said.stderr,
      1,
      true
    )
  end)

  it("name the file beside the model that is wrong, and a damaged archive", function()
    for name, value in pairs({
      ["paginators-1.json"] = { pagination = { ListThings = {} } },
      ["waiters-2.json"] = { waiters = { X = { operation = "GetThing" } } },
      ["waiters-2.json.gz"] = {
        waiters = {
          X = { acceptors = json.array(), delay = 1, maxAttempts = -1, operation = "GetThing" },
        },
      },
      ["endpoint-rule-set-1.json"] = { parameters = {} },
      ["service-2.sdk-extras.json"] = { merged = {} },
    }) do
      local dir <close> = scratch.new()
      put(dir, "shop", "1", { ["service-2.json"] = described("1"), [name] = value })
      local _, err = with_path(dir:path(), errors.try, model.load, "shop")
      assert.equal("bad_model", err.code)
      assert.matches("/shop/1/" .. name, err.message, 1, true)
    end
    local dir <close> = scratch.new()
    put(dir, "shop", "1", {})
    dir:write("shop/1/service-2.json.gz", gzipped("{}"):sub(1, -3))
    local _, err = with_path(dir:path(), errors.try, model.load, "shop")
    assert.matches("service-2.json.gz is no model: the gzip data is cut", err.message, 1, true)
  end)
end)

describe("a model that a script gives", function()
  local function given()
    local value = described("1")
    value.id = "shop"
    value.paginators, value.waiters, value.endpoint_rule_set = PAGES, WAITERS, RULES
    return value
  end

  it("has its paginators, waiters and endpoint rules in the same table", function()
    local shop = aws.client(given(), {
      region = "eu-west-1",
      credentials = { access_key_id = "A", secret_access_key = "s" },
    })
    assert.equal("shop", shop.meta.id)
    assert.equal("https://shop.eu-west-1.example/", shop.build("GetThing", { Name = "x" }).url)
    assert.equal("function", type(shop.wait.thing_there))
    local pages = shop.pages.list_things({})
    assert.equal("function", type(pages))
  end)

  it("is refused with what is wrong with it", function()
    local value = given()
    value.shapes.Things.members.Names.shape = "Nowhere"
    local _, err = errors.try(aws.client, value)
    assert.equal("usage bad_model", err.kind .. " " .. err.code)
    assert.equal(
      'what was given is no model: shapes.Things.members.Names: there is no shape "Nowhere"',
      err.message
    )
    value = given()
    value.metadata.protocol, value.metadata.targetPrefix = "json", nil
    _, err = errors.try(aws.client, value)
    assert.matches("metadata: `targetPrefix` is missing", err.message, 1, true)
    for place, break_it in pairs({
      ["metadata: `targetPrefix` is not text without control characters"] = function(it)
        it.metadata.targetPrefix = "A\r\nX-Evil: 1"
      end,
      ["metadata: `signingName` is not text without control characters"] = function(it)
        it.metadata.signingName = "a\nb"
      end,
      ["members.Name: `locationName` is not text without control characters"] = function(it)
        it.shapes.Thing.members.Name.locationName = "X\r\nY"
      end,
      ["`maxAttempts` is not a whole number of at least 1"] = function(it)
        it.waiters.waiters.ThingThere.maxAttempts = -1
      end,
      ["`delay` is not a number of seconds"] = function(it)
        it.waiters.waiters.ThingThere.delay = -1
      end,
      ["`argument` is not a path (JMESPath)"] = function(it)
        it.waiters.waiters.ThingThere.acceptors[1].argument = "a["
        it.waiters.waiters.ThingThere.acceptors[1].matcher = "path"
      end,
      ["`result_key` is not a path (JMESPath), or a list of such"] = function(it)
        it.paginators.pagination.ListThings.result_key = { "Names", "a[" }
      end,
    }) do
      value = assert(json.decode(assert(json.encode(given()))))
      break_it(value)
      _, err = errors.try(aws.client, value)
      assert.equal("bad_model", err.code)
      assert.matches(place, err.message, 1, true)
    end
    value = given()
    value.waiters = { waiters = { X = 1 } }
    _, err = errors.try(aws.client, value)
    assert.matches("no model: waiters: it.waiters.X: it is not an object", err.message, 1, true)
  end)

  -- The same, broken at random: it is refused, or it can be read to its last shape.
  it("never does worse than being refused", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local junk = { 1, -0.5, true, "", "x", "\r\nX: y", "../..", {}, { 1 }, { a = {} }, json.null }
    local function break_one(value, depth)
      local keys = {}
      for key in pairs(value) do
        keys[#keys + 1] = key
      end
      table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
      end)
      local key = keys[math.random(math.max(#keys, 1))]
      if key ~= nil and type(value[key]) == "table" and math.random() < 0.8 and depth < 8 then
        break_one(value[key], depth + 1)
      elseif key ~= nil then
        value[key] = junk[math.random(#junk + 4)] -- now and then nothing
      end
    end
    local function read_all(value)
      local m = model.given(value)
      for _, name in ipairs(m:operations()) do
        m:operation(name)
        m:paginator(name)
      end
      for _, name in ipairs(m.source:names("s")) do
        local shape = m:shape(name)
        for _, member in ipairs(shape.members or {}) do
          m:resolve(member)
        end
      end
      for _, name in ipairs(m:waiters()) do
        m:waiter(name)
      end
    end
    local refused = 0
    for _ = 1, 3000 do
      local value = assert(json.decode(assert(json.encode(given()))))
      break_one(value, 1)
      local ok, err = pcall(read_all, value)
      refused = refused + (ok and 0 or 1)
      local told = ok or errors.is(err) and err.code
      assert.is_true(told == true or told == "bad_model", ("seed %d: %s"):format(seed, err))
    end
    assert.is_true(refused > 1000, "seed " .. seed)
  end)
end)
