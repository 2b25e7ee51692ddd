local outside = require("awsbak.outside")
local parameter_store = require("spec.support.parameter_store")
local plan = require("backup.parameter_plan")
local parameter_writer = require("backup.parameter_writer")
local task = require("awsbak.task")
local tasks = require("spec.support.tasks")

describe("backup.parameter_writer", function()
  local store, writer, slept

  before_each(function()
    store = parameter_store.new()
    writer = parameter_writer.new(store)
    slept = 0
  end)

  local function apply(saved, live, overwrite)
    local result, stop
    outside.with({
      monotonic = function()
        return slept
      end,
      sleep = function(seconds)
        slept = slept + seconds
      end,
    }, function()
      result, stop = writer:apply(plan.step(saved, live, overwrite or "changed"))
    end)
    return result, stop
  end

  local function saved(changes)
    local r = {
      name = "/a",
      type = "String",
      value = "v",
      version = 3,
      tier = "Standard",
      tags = {},
      labels = {},
    }
    for member, value in pairs(changes or {}) do
      r[member] = value
    end
    return r
  end

  local function current()
    local versions = store.versions["/a"]
    return versions[#versions]
  end

  it("creates a parameter with all that was saved", function()
    local result = apply(saved({
      type = "SecureString",
      key_id = "alias/mine",
      tier = "Advanced",
      description = "d",
      allowed_pattern = "^v$",
      data_type = "text",
      policies = { '{"Type":"Expiration"}' },
      tags = { team = "core", ["aws:created"] = "x" },
      labels = { "prod" },
    }))
    assert.same({ name = "/a", result = "created" }, result)
    local input = store.inputs.put_parameter[1]
    assert.same({ { Key = "team", Value = "core" } }, input.Tags)
    assert.equal('[{"Type":"Expiration"}]', input.Policies)
    assert.equal("alias/mine", input.KeyId)
    assert.equal("Advanced", input.Tier)
    assert.is_nil(input.Overwrite)
    assert.same({ "prod" }, current().Labels)
  end)

  it("does not send tags with an overwrite, but afterwards", function()
    store.put_parameter({
      Name = "/a",
      Value = "old",
      Type = "String",
      Tags = { { Key = "z", Value = "9" } },
    })
    local live = saved({ value = "old", version = 1, tags = { z = "9" } })
    assert.equal("changed", apply(saved({ tags = { team = "core" } }), live).result)
    assert.is_nil(store.inputs.put_parameter[2].Tags)
    assert.is_true(store.inputs.put_parameter[2].Overwrite)
    assert.same({ team = "core" }, store.tags["/a"])
  end)

  it("clears what the saved parameter did not have", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "String" })
    apply(
      saved(),
      saved({
        value = "old",
        version = 1,
        description = "d",
        allowed_pattern = "^.*$",
        policies = { "{}" },
        data_type = "json",
      })
    )
    local input = store.inputs.put_parameter[2]
    assert.equal("", input.Description)
    assert.equal("", input.AllowedPattern)
    assert.equal("[{}]", input.Policies)
    assert.equal("text", input.DataType)
  end)

  it("leaves what a dump without versions cannot know", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString", KeyId = "alias/mine" })
    local live = saved({
      type = "SecureString",
      value = "old",
      version = 1,
      key_id = "alias/mine",
      policies = { "{}" },
    })
    apply({ name = "/a", type = "SecureString", value = "v" }, live)
    local input = store.inputs.put_parameter[2]
    assert.equal("alias/mine", input.KeyId)
    assert.is_nil(input.Policies)
    assert.is_nil(input.AllowedPattern)
  end)

  it("makes no new version when only tags or labels differ", function()
    store.put_parameter({ Name = "/a", Value = "v", Type = "String" })
    apply(saved({ labels = { "prod" }, tags = { a = "1" } }), saved({ version = 1 }))
    assert.equal(1, #store.versions["/a"])
    assert.same({ "prod" }, current().Labels)
    assert.same({ a = "1" }, store.tags["/a"])
  end)

  it("moves the saved labels to the version it writes", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "String" })
    store.label_parameter_version({ Name = "/a", ParameterVersion = 1, Labels = { "prod" } })
    apply(
      saved({ labels = { "prod" } }),
      saved({ value = "old", version = 1, labels = { "prod" } })
    )
    assert.same({}, store.versions["/a"][1].Labels)
    assert.same({ "prod" }, store.versions["/a"][2].Labels)
  end)

  it("waits for a new version to become known before it labels it", function()
    store:refuse("label_parameter_version", { code = "ParameterVersionNotFound", times = 2 })
    assert.equal("created", apply(saved({ labels = { "prod" } })).result)
    assert.equal(1.5, slept)
  end)

  it("deletes and creates for another type, waiting until the name is free", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    local put, refused = store.put_parameter, 0
    writer.put = function(input)
      if refused < 2 then
        refused = refused + 1
        store:refuse("put_parameter", { code = "ParameterAlreadyExists" })
      end
      return put(input)
    end
    local result = apply(saved(), saved({ type = "SecureString", value = "old", version = 1 }))
    assert.equal("recreated", result.result)
    assert.equal("String", current().Type)
    assert.equal(1.5, slept)
  end)

  it("puts the former parameter back when the new one is refused", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    store:refuse("put_parameter", { code = "ParameterPatternMismatchException" })
    local result = apply(saved(), saved({ type = "SecureString", value = "old", version = 1 }))
    assert.equal("failed", result.result)
    assert.matches("put back", result.detail)
    assert.equal("old", current().Value)
    assert.equal("SecureString", current().Type)
  end)

  it("deletes nothing that it could not put back", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    local live = saved({ type = "SecureString", version = 1 })
    live.value = nil
    assert.equal("failed", apply(saved(), live).result)
    assert.equal("old", current().Value)
  end)

  describe("when an answer gets lost", function()
    local TAKEN = { code = "ParameterAlreadyExists", attempts = 2, done = true }
    local CUT = { kind = "network", code = "cut", message = "the answer was cut", done = true }

    local function secret()
      store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
      return saved({ type = "SecureString", value = "old", version = 1, modified = store.clock })
    end

    it("knows what it created, and labels it", function()
      store:refuse("put_parameter", TAKEN)
      assert.equal("created", apply(saved({ labels = { "prod" } })).result)
      assert.same({ "prod" }, current().Labels)
      assert.equal(0, slept)
    end)

    it("takes nothing for its own that somebody else created", function()
      store.put_parameter({ Name = "/a", Value = "theirs", Type = "String" })
      local result = apply(saved({ labels = { "prod" } }))
      assert.equal("failed", result.result)
      assert.matches("ParameterAlreadyExists", result.detail)
      assert.same({}, current().Labels)
    end)

    it("takes a name that is gone for deleted", function()
      local live = secret()
      store:refuse("delete_parameter", { code = "ParameterNotFound", attempts = 2, done = true })
      assert.equal("recreated", apply(saved(), live).result)
      assert.equal("v", current().Value)
    end)

    it("knows what it recreated, without waiting for the name to be free", function()
      local live = secret()
      store:refuse("put_parameter", TAKEN)
      assert.equal("recreated", apply(saved(), live).result)
      assert.equal("v", current().Value)
      assert.equal(0, slept)
    end)

    it("knows what it recreated also when no answer came at all", function()
      local live = secret()
      store:refuse("put_parameter", CUT)
      assert.equal("recreated", apply(saved(), live).result)
      assert.equal("v", current().Value)
    end)

    it("knows what it put back", function()
      local live = secret()
      local put, calls = writer.put, 0
      writer.put = function(input)
        calls = calls + 1
        store:refuse("put_parameter", calls == 1 and { code = "TooLong" } or TAKEN)
        return put(input)
      end
      local result = apply(saved(), live)
      assert.equal("failed", result.result)
      assert.matches("put back", result.detail)
      assert.equal("old", current().Value)
      assert.equal(0, slept)
    end)

    it("puts back what a delete without an answer deleted", function()
      local live = secret()
      store:refuse("delete_parameter", CUT)
      local result, stop = apply(saved(), live)
      assert.equal("failed", result.result)
      assert.equal("network", stop.kind)
      assert.matches("put back", result.detail)
      assert.equal("old", current().Value)
    end)

    it("leaves alone what such a delete did not delete", function()
      local live = secret()
      store:refuse("delete_parameter", { kind = "network", code = "dns", message = "no such host" })
      local result = apply(saved(), live)
      assert.same({ "failed", "no such host" }, { result.result, result.detail })
      assert.equal(1, #store.versions["/a"])
      assert.equal(0, slept)
    end)

    it("puts nothing back when the request to delete was not sent", function()
      local live = secret()
      local puts = store.calls.put_parameter
      local err = { kind = "timeout", code = "timeout_connect", message = "none", unsent = true }
      store:refuse("delete_parameter", err)
      assert.same("none", apply(saved(), live).detail)
      assert.equal(puts, store.calls.put_parameter)
    end)

    it("says that a parameter is lost when nothing can be put back", function()
      local live = secret()
      store:refuse(
        "put_parameter",
        { kind = "network", code = "dns", message = "no such host", times = 2 }
      )
      local result, stop = apply(saved(), live)
      assert.equal("lost", result.result)
      assert.matches("was deleted and could not be put back; restore it again", result.detail)
      assert.equal("dns", stop.code)
    end)
  end)

  it("leaves the new value where only its labels are refused", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    store:refuse("label_parameter_version", { code = "AccessDeniedException" })
    local live = saved({ type = "SecureString", value = "old", version = 1 })
    local result = apply(saved({ labels = { "prod" } }), live)
    assert.equal("failed", result.result)
    assert.matches("AccessDenied.*it was written, but not all of its labels", result.detail)
    assert.equal("v", current().Value)
    assert.equal(0, slept)
  end)

  it("neither waits for nor replaces what somebody else created under a deleted name", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    local live = saved({ type = "SecureString", value = "old", version = 1 })
    live.modified = store.clock
    local delete = store.delete_parameter
    store.delete_parameter = function(input)
      delete(input)
      return store.put_parameter({ Name = "/a", Value = "theirs", Type = "String" })
    end
    local result = apply(saved(), live)
    assert.equal("failed", result.result)
    assert.matches("somebody else created it meanwhile", result.detail)
    assert.equal("theirs", current().Value)
    assert.equal(0, slept)
  end)

  it("says that an overwritten value is there when only its labels are refused", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "String" })
    store:refuse("label_parameter_version", { code = "AccessDeniedException" })
    local result = apply(saved({ labels = { "prod" } }), saved({ value = "old", version = 1 }))
    assert.matches("it was written, but not all of its labels", result.detail)
  end)

  describe("of a run that is cancelled", function()
    -- Applies the step for another type; the first call of `operation` is cancelled while it runs.
    local function cancelled_in(operation)
      store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
      local live = saved({ type = "SecureString", value = "old", version = 1 })
      local original, result = store[operation], nil
      local running
      store[operation] = function(input)
        store[operation] = original
        task.cancel(running)
        task.sleep(tasks.SOON)
        return original(input)
      end
      writer = parameter_writer.new(store)
      task.run(function()
        running = task.spawn(function()
          result = writer:apply(plan.step(saved(), live, "changed"))
        end)
        pcall(task.await, running)
      end)
      return result
    end

    it("creates what it has deleted", function()
      assert.equal("recreated", cancelled_in("delete_parameter").result)
      assert.equal("v", current().Value)
    end)

    it("finishes the create that is under way", function()
      assert.equal("recreated", cancelled_in("put_parameter").result)
      assert.equal("v", current().Value)
    end)

    it("deletes nothing more", function()
      store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
      local live = saved({ type = "SecureString", value = "old", version = 1 })
      local result, stop
      task.run(function()
        local running = task.spawn(function()
          task.cancel(task.running())
          result, stop = writer:apply(plan.step(saved(), live, "changed"))
        end)
        pcall(task.await, running)
      end)
      assert.equal("failed", result.result)
      assert.equal("cancelled", stop.kind)
      assert.is_nil(store.calls.delete_parameter)
    end)
  end)

  it("reports a refusal and leaves the run alive", function()
    store:refuse("put_parameter", { code = "ParameterLimitExceeded", message = "too many" })
    assert.same(
      { name = "/a", result = "failed", detail = "ParameterLimitExceeded: too many" },
      apply(saved())
    )
  end)

  it("ends the run when the caller itself is refused", function()
    store:refuse("put_parameter", { code = "ExpiredTokenException" })
    local result, stop = apply(saved())
    assert.equal("failed", result.result)
    assert.equal("ExpiredTokenException", stop.code)
  end)

  it("does not repeat a secret that AWS quotes", function()
    store:refuse(
      "put_parameter",
      { code = "ValidationException", message = "Value 'hunter2' at 'value'" }
    )
    local result = apply(saved({ type = "SecureString", value = "hunter2" }))
    assert.not_matches("hunter2", result.detail)
    assert.matches("ValidationException", result.detail)
  end)

  it("writes nothing for a parameter that is kept or equal", function()
    assert.equal("equal", apply(saved(), saved(), "never").result)
    assert.equal("kept", apply(saved(), saved({ value = "w" }), "never").result)
    assert.same({}, store.calls)
  end)
end)
