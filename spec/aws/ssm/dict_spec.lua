local dict = require("aws.ssm.dict")
local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local parameter_store = require("spec.support.parameter_store")

describe("aws.ssm.dict", function()
  local store, d

  local function new(options)
    options = options or {}
    options.client = store
    return dict(options)
  end

  before_each(function()
    store = parameter_store.new()
    d = new()
  end)

  local function raised(f, ...)
    local result, e = errors.try(f, ...)
    assert.is_nil(result)
    return e
  end

  local function assign(name, value)
    d[name] = value
  end

  it("stores text as a SecureString and gives it back", function()
    d["/x"] = "v"
    assert.equal("v", d["/x"])
    assert.equal("SecureString", store.versions["/x"][1].Type)
  end)

  it("takes no reply without a value for one", function()
    d["/x"] = "v"
    for _, answer in ipairs({ {}, { Parameter = {} } }) do
      store.get_parameter = function()
        return answer
      end
      local e = raised(function()
        return d["/x"]
      end)
      assert.same({ "reply", "incomplete" }, { e.kind, e.code })
    end
  end)

  it("is nil where there is nothing, for any key", function()
    assert.is_nil(d["/none"])
    assert.is_nil(d[""])
    assert.is_nil(d[1])
    assert.is_nil(d[true])
    assert.is_nil(store.calls.get_parameter and store.calls.get_parameter > 1 or nil)
  end)

  it("stores a table with type and description", function()
    d["/x"] = { value = "a,b", type = "StringList", description = "two" }
    local whole = new({ returns = "table" })
    assert.same({ value = "a,b", type = "StringList", description = "two" }, whole["/x"])
    d["/y"] = { value = "1", type = "String", description = "" }
    assert.same({ value = "1", type = "String", description = "" }, whole["/y"])
  end)

  it("never overwrites unless it was made to", function()
    d["/x"] = "one"
    local e = raised(assign, "/x", "two")
    assert.equal("ParameterAlreadyExists", e.code)
    assert.matches("overwrite = true", tostring(e))
    assert.equal("one", d["/x"])
    d = new({ overwrite = true })
    d["/x"] = "two"
    assert.equal("two", d["/x"])
  end)

  it("refuses what is no name and no parameter before anything is sent", function()
    for _, name in ipairs({ "", "/", "/aws/x", "a b", 7, true }) do
      assert.equal("usage", raised(assign, name, "v").kind)
    end
    assert.matches(
      "did you mean description",
      tostring(raised(assign, "/x", { value = "v", descripton = "d" }))
    )
    assert.equal("usage", raised(assign, "/x", 7).kind)
    assert.is_nil(store.calls.put_parameter)
  end)

  it("has no methods: every name is a parameter", function()
    for _, name in ipairs({ "clear", "names", "get", "__index" }) do
      assert.is_nil(d[name])
      d[name] = "a parameter"
      assert.equal("a parameter", d[name])
    end
    assert.equal(4, #d)
  end)

  it("iterates over names and values, and counts", function()
    for i = 1, 60 do
      d["/p/" .. i] = "v" .. i
    end
    local count = 0
    for name, value in pairs(d) do
      assert.equal("v" .. name:match("%d+"), value)
      count = count + 1
    end
    assert.equal(60, count)
    assert.equal(60, #d)
  end)

  it("counts and lists names without reading a value", function()
    d["/a"], d["/b"] = "1", "2"
    assert.equal(2, #d)
    local names = {}
    for name in dict.names(d) do
      names[#names + 1] = name
    end
    assert.same({ "/a", "/b" }, names)
    assert.is_nil(store.calls.get_parameters)
  end)

  it("keeps to its path when it iterates", function()
    d["/a"], d["/a/x"], d["/ab"] = "1", "2", "3"
    assert.equal(2, #new({ path = "/a" }))
  end)

  it("holds nothing outside of its path", function()
    d["/ab"] = "outside"
    local scoped = new({ path = "/a" })
    for _, attempt in ipairs({
      function()
        return scoped["/ab"]
      end,
      function()
        scoped["/ab"] = "x"
      end,
      function()
        scoped["/ab"] = nil
      end,
      function()
        dict.clear(scoped, "/ab")
      end,
      function()
        dict.differing(scoped, { ["/ab"] = "outside" })
      end,
    }) do
      local e = raised(attempt)
      assert.equal("usage", e.kind)
      assert.matches("/ab is not below /a", tostring(e), 1, true)
    end
    assert.equal("outside", d["/ab"])
  end)

  it("prints as what it is, without a value and without a request", function()
    local untouched = dict({ client = {}, path = "/a" })
    assert.equal("aws.ssm.dict of /a", tostring(untouched))
  end)

  it("deletes with nil, what does not exist too", function()
    d["/x"] = "v"
    d["/x"] = nil
    assert.is_nil(d["/x"])
    d["/x"] = nil
  end)

  it("waits until a deleted parameter is no longer listed", function()
    d["/x"] = "v"
    local describe, left, slept = store.describe_parameters, 3, {}
    store.describe_parameters = function(input)
      left = left - 1
      return left >= 0 and { Parameters = { { Name = "/x" } } } or describe(input)
    end
    outside.with({
      sleep = function(seconds)
        slept[#slept + 1] = seconds
      end,
    }, assign, "/x", nil)
    assert.equal(3, #slept)
    assert.is_true(slept[1] < slept[2] and slept[2] < slept[3])
  end)

  it("says so when a deleted parameter stays listed", function()
    d["/x"] = "v"
    store.describe_parameters = function()
      return { Parameters = { { Name = "/x" } } }
    end
    outside.with({ sleep = function() end }, function()
      assert.equal("lingering", raised(assign, "/x", nil).code)
    end)
  end)

  it("clears below a path only", function()
    for i = 1, 25 do
      d["/p/" .. i] = "v"
    end
    d["/p"], d["/pq"] = "v", "v"
    assert.equal(26, dict.clear(d, "/p"))
    assert.equal(1, #d)
    assert.equal("usage", raised(dict.clear, d).kind)
    assert.equal("usage", raised(dict.clear, d, "/").kind)
    assert.equal("usage", raised(dict.clear, {}, "/p").kind)
    assert.equal(1, #d)
  end)

  it("gets, pops and sets defaults", function()
    assert.equal("other", dict.get(d, "/x", "other"))
    assert.equal("v", dict.setdefault(d, "/x", "v"))
    assert.equal("v", dict.setdefault(d, "/x", "w"))
    assert.equal("v", dict.get(d, "/x", "other"))
    assert.equal("v", dict.pop(d, "/x"))
    assert.equal("gone", dict.pop(d, "/x", "gone"))
  end)

  it("updates from a table, tells what differs, and removes", function()
    local wanted = { ["/a"] = "1", ["/b"] = { value = "2", type = "String", description = "two" } }
    dict.update(d, wanted)
    assert.same({}, dict.differing(d, wanted))
    wanted["/a"], wanted["/c"] = "changed", "new"
    assert.same({ "/a", "/c" }, dict.differing(d, wanted))
    dict.remove(d, { "/a", "/b", "/never" })
    assert.equal(0, #d)
  end)

  it("raises a refusal by name", function()
    d["/x"] = "v"
    store.denied["/x"] = true
    assert.equal(
      "AccessDeniedException",
      raised(function()
        return d["/x"]
      end).code
    )
    local e = raised(function()
      for _ in pairs(d) do
      end
    end)
    assert.matches("/x", e.message)
  end)

  it("refuses what is no table where one is needed", function()
    assert.matches("made of a table of options, not a string", raised(dict, "x").message, 1, true)
    local e = raised(dict.update, d, 5)
    assert.matches("a table of parameters, not a number", e.message, 1, true)
    assert.matches("a list of names, not a string", raised(dict.remove, d, "/x").message, 1, true)
    assert.matches("^path: not a path: x$", raised(dict, { client = store, path = "x" }).message)
  end)

  it("refuses unknown options", function()
    assert.matches("decrypt", tostring(raised(dict, { decrpyt = true })))
    assert.equal("usage", raised(dict, { returns = "tuple" }).kind)
  end)
end)
