local errors = require("awsbak.errors")
local log = require("awsbak.log")
local parameter_restore = require("backup.parameter_restore")
local parameter_store = require("spec.support.parameter_store")
local path = require("aws.ssm.path")
local task = require("awsbak.task")

describe("backup.parameter_restore", function()
  local store

  before_each(function()
    store = parameter_store.new()
    log.level, log.lines = "debug", {}
  end)

  after_each(function()
    log.level, log.lines = nil, nil
  end)

  local function saved(name, changes)
    local r = { name = name, type = "String", value = "v", version = 1, tags = {}, labels = {} }
    for member, value in pairs(changes or {}) do
      r[member] = value
    end
    return r
  end

  local function restore(records, options)
    options = options or {}
    options.client = store
    options.renames = path.renames(options.renames)
    options.records = function()
      local i = 0
      return function()
        i = i + 1
        return records[i]
      end
    end
    return parameter_restore.new(options)
  end

  -- The results, by name.
  local function run(r)
    local results = {}
    task.run(function()
      for result in r:run() do
        results[result.name] = result.result
      end
    end)
    return results
  end

  local function refusal(records, options)
    local _, e = errors.try(function()
      return restore(records, options):check()
    end)
    return e
  end

  it("creates what is missing, in batches", function()
    local records = {}
    for i = 1, 120 do
      records[i] = saved("/p/" .. i)
    end
    local r = restore(records)
    assert.equal(120, r:check())
    run(r)
    assert.same({ created = 120 }, r.counts)
    assert.equal(3, store.calls.describe_parameters or 3)
    assert.equal(120, store.calls.put_parameter)
  end)

  it(
    "says an equal parameter at debug level and warns of a differing one, which it keeps",
    function()
      store.put_parameter({ Name = "/equal", Value = "v", Type = "String" })
      store.put_parameter({ Name = "/differs", Value = "w", Type = "String" })
      local r = restore({ saved("/equal"), saved("/differs"), saved("/new") })
      assert.same({ ["/equal"] = "equal", ["/differs"] = "kept", ["/new"] = "created" }, run(r))
      assert.same({
        "awsbak: debug: /equal: equal, nothing to do",
        "awsbak: warning: /differs: exists and differs, kept: value differs",
      }, log.lines)
      assert.equal("w", store.versions["/differs"][1].Value)
    end
  )

  it("plans without writing", function()
    store.put_parameter({ Name = "/a", Value = "w", Type = "String" })
    local r = restore({ saved("/a"), saved("/b") }, { overwrite = "changed" })
    local actions = {}
    task.run(function()
      for step in r:steps() do
        actions[step.name] = step.action
      end
    end)
    assert.same({ ["/a"] = "change", ["/b"] = "create" }, actions)
    assert.equal(1, store.calls.put_parameter)
  end)

  it("writes over no version but the one that was agreed to", function()
    store.put_parameter({ Name = "/a", Value = "w", Type = "String" })
    store.put_parameter({ Name = "/b", Value = "w", Type = "String" })
    local r = restore({ saved("/a"), saved("/b") }, { overwrite = "changed" })
    task.run(function()
      for step in r:steps() do
        r:confirm(step)
      end
    end)
    store.put_parameter({ Name = "/a", Value = "newer", Overwrite = true })
    assert.same({ ["/a"] = "failed", ["/b"] = "changed" }, run(r))
    assert.equal("newer", store.versions["/a"][2].Value)
  end)

  it("restores only what the paths take in, by the saved name", function()
    local r = restore(
      { saved("/a/x"), saved("/ab"), saved("/c") },
      { paths = { "/a" }, renames = { "/a=/z" } }
    )
    assert.equal(1, r:check())
    assert.same({ ["/z/x"] = "created" }, run(r))
  end)

  it("goes on after a parameter that fails", function()
    store:refuse("put_parameter", { code = "ParameterLimitExceeded" })
    local r = restore({ saved("/a"), saved("/b"), saved("/c") })
    run(r)
    assert.same({ failed = 1, created = 2 }, r.counts)
  end)

  it("begins nothing more once the caller is refused, and tells what was done", function()
    local records = {}
    for i = 1, 60 do
      records[i] = saved("/p/" .. i)
    end
    local put = store.put_parameter
    store.put_parameter = function(input)
      if store.calls.put_parameter == 20 then
        store:refuse("put_parameter", { code = "ExpiredTokenException" })
      end
      return put(input)
    end
    local r = restore(records, { concurrency = 1 })
    run(r)
    assert.equal("ExpiredTokenException", r.stopped.code)
    assert.same({ created = 20, failed = 1 }, r.counts)
  end)

  it("tells which parameter is lost, also when that ends the run", function()
    store.put_parameter({ Name = "/a", Value = "w", Type = "SecureString" })
    store:refuse("put_parameter", { kind = "network", code = "dns", message = "cut", times = 2 })
    local r = restore({ saved("/a"), saved("/b") }, { overwrite = "changed", concurrency = 1 })
    assert.same({ ["/a"] = "lost" }, run(r))
    assert.equal("dns", r.stopped.code)
    assert.same({ lost = 1 }, r.counts)
    assert.matches("error: /a: cut; the former one was deleted", log.lines[#log.lines], 1, true)
  end)

  describe("check", function()
    it("refuses a record that is none", function()
      assert.equal("bad_record", refusal({ { name = "/a", type = "String" } }).code)
      assert.equal("bad_record", refusal({ "text" }).code)
      assert.equal("bad_record", refusal({ saved("/a", { tags = { "x", y = 1 } }) }).code)
    end)

    it("refuses a record that is there twice", function()
      assert.equal("record_twice", refusal({ saved("/a"), saved("/b"), saved("/a") }).code)
    end)

    it("refuses a rename that gives two parameters one name", function()
      local e = refusal({ saved("/a/x"), saved("/b/x") }, { renames = { "/a=/b" } })
      assert.equal("rename_collision", e.code)
      assert.matches("/b/x of both /a/x and /b/x", e.message)
    end)

    it("refuses a path and a rename that nothing matches", function()
      local e = refusal({ saved("/a/x") }, { renames = { "/ax=/b" } })
      assert.equal("rename_unused", e.code)
      assert.equal("--rename /ax=/b applies to nothing", e.message)
      e = refusal({ saved("/a/x") }, { paths = { "/b" }, location = "x.age" })
      assert.equal("usage", e.kind)
      assert.equal("nothing in x.age matches /b", e.message)
    end)

    it("refuses a name that no parameter can have", function()
      for _, name in ipairs({ "bad name!", "", "/a//b" }) do
        assert.equal("bad_record", refusal({ saved("/a"), saved(name) }).code)
      end
    end)

    it("lets a saved name that AWS refuses fail alone", function()
      local deep = ("/x"):rep(16)
      local put, describe = store.put_parameter, store.describe_parameters
      store.put_parameter = function(input)
        if path.invalid(input.Name) then
          store:refuse("put_parameter", { code = "ValidationException" })
        end
        return put(input)
      end
      store.describe_parameters = function(input)
        for _, name in ipairs(input.ParameterFilters[1].Values) do
          assert.is_nil(path.invalid(name))
        end
        return describe(input)
      end
      local r = restore({ saved("/aws/x"), saved("/ssm"), saved(deep), saved("/b") })
      assert.equal(4, r:check())
      local failed = "failed"
      assert.same(
        { ["/aws/x"] = failed, ["/ssm"] = failed, [deep] = failed, ["/b"] = "created" },
        run(r)
      )
    end)

    it("takes a root name with and without its slash for the same", function()
      local e = refusal({ saved("/fine"), saved("fine") })
      assert.same({ "integrity", "record_twice" }, { e.kind, e.code })
      assert.equal("/fine and fine are the same parameter", e.message)
      e = refusal({ saved("/a/root"), saved("root") }, { renames = { "/a=/" } })
      assert.equal("rename_collision", e.code)
      assert.matches("of both /a/root and root", e.message)
    end)

    it("refuses a rename to a name AWS would not take", function()
      assert.equal("bad_rename", refusal({ saved("/a/x") }, { renames = { "/a=/aws" } }).code)
      assert.equal("bad_rename", refusal({ saved("/a") }, { renames = { "/a=/" } }).code)
    end)
  end)
end)
