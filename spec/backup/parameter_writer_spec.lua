local outside = require("awsbak.outside")
local parameter_store = require("spec.support.parameter_store")
local plan = require("backup.parameter_plan")
local parameter_writer = require("backup.parameter_writer")

describe("backup.parameter_writer", function()
  local store, writer, slept

  before_each(function()
    store = parameter_store.new()
    writer = parameter_writer.new(store)
    slept = 0
  end)

  local function apply(saved, live, overwrite)
    local result
    outside.with({
      monotonic = function()
        return slept
      end,
      sleep = function(seconds)
        slept = slept + seconds
      end,
    }, function()
      result = writer:apply(plan.step(saved, live, overwrite or "changed"))
    end)
    return result
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

  it("reports a refusal and leaves the run alive", function()
    store:refuse("put_parameter", { code = "ParameterLimitExceeded", message = "too many" })
    assert.same(
      { name = "/a", result = "failed", detail = "ParameterLimitExceeded: too many" },
      apply(saved())
    )
  end)

  it("ends the run when the caller itself is refused", function()
    store:refuse("put_parameter", { code = "ExpiredTokenException" })
    local ok, e = pcall(apply, saved())
    assert.is_false(ok)
    assert.equal("ExpiredTokenException", e.code)
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
