local outside = require("awsbak.outside")
local parameter_store = require("spec.support.parameter_store")
local reader = require("aws.ssm.reader")
local snapshots = require("spec.support.snapshots")
local task = require("awsbak.task")

describe("aws.ssm.snapshot with replies that say less than was asked", function()
  local store

  before_each(function()
    store = parameter_store.new()
  end)

  local function fill(count, prefix)
    snapshots.fill(store, count, prefix)
  end

  local function read(options)
    return snapshots.read(store, options)
  end

  -- The second and later replies of an operation, as `change` makes them.
  local function answer(operation, change, times)
    local call, calls = store[operation], 0
    store[operation] = function(input)
      calls = calls + 1
      local whole = call(input)
      return calls > 1 and calls <= 1 + (times or math.huge) and change(whole) or whole
    end
  end

  local function refused(problem)
    local ok, e = pcall(read)
    assert.is_false(ok, "it was taken for whole")
    assert.same({ "reply", "incomplete" }, { e.kind, e.code })
    assert.matches(problem, e.message, 1, true)
  end

  local function empty()
    return {}
  end

  it("refuses values that leave out a name", function()
    fill(60)
    answer("get_parameters", empty)
    refused("says nothing of /p/011")
  end)

  it("refuses empty lists of values", function()
    fill(60)
    answer("get_parameters", function()
      return { Parameters = {}, InvalidParameters = {} }
    end)
    refused("says nothing of")
  end)

  it("refuses values of other names, and a name twice", function()
    fill(20)
    answer("get_parameters", function(whole)
      whole.Parameters[1] = whole.Parameters[2]
      return whole
    end)
    refused("twice of one")
    answer("get_parameters", function(whole)
      whole.InvalidParameters = { "/other" }
      return whole
    end)
    refused("not asked for")
  end)

  it("refuses a parameter without its value", function()
    fill(20)
    answer("get_parameters", function(whole)
      whole.Parameters[3] = { Name = whole.Parameters[3].Name, Version = 1 }
      return whole
    end)
    refused("without value")
  end)

  it("refuses pages, tags and histories without their lists", function()
    local lists = {
      describe_parameters = "Parameters",
      list_tags_for_resource = "TagList",
      get_parameter_history = "Parameters",
    }
    for operation, list in pairs(lists) do
      store = parameter_store.new()
      fill(60)
      answer(operation, empty)
      refused("has no " .. list)
    end
  end)

  it("refuses a page whose elements have no names", function()
    fill(60)
    answer("describe_parameters", function()
      return { Parameters = { {} } }
    end)
    refused("without Name")
  end)

  it("asks again before it refuses", function()
    for _, operation in ipairs({ "describe_parameters", "get_parameters" }) do
      store = parameter_store.new()
      fill(60)
      answer(operation, empty, 2)
      assert.equal(60, #read())
    end
  end)

  it("names labels that the history does not tell of", function()
    fill(3)
    answer("get_parameter_history", function()
      return { Parameters = {} }
    end)
    local list, parameters = read()
    assert.equal(3, #list)
    assert.equal(2, #parameters.unreadable)
    assert.equal("labels", parameters.unreadable[1].what)
  end)

  it("reads a history again that is behind", function()
    fill(3)
    answer("get_parameter_history", function()
      return { Parameters = {} }
    end, 5)
    local list, parameters = read()
    assert.equal(3, #list)
    assert.same({}, parameters.unreadable)
  end)

  it("takes a root name with and without its slash for the same", function()
    store.put_parameter({ Name = "flat", Value = "v", Type = "String" })
    local get = store.get_parameters
    store.get_parameters = function(input)
      return get({ Names = { (input.Names[1]:gsub("^/", "")) } })
    end
    outside.with({}, task.run, function()
      local values = reader.new(store):values({ "/flat" })
      assert.equal("v", values["/flat"].Value)
    end)
  end)
end)
