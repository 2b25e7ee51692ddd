local path = require("aws.ssm.path")
local plan = require("backup.parameter_plan")

describe("backup.parameter_plan", function()
  local function record(changes)
    local r = {
      name = "/a",
      type = "String",
      value = "v",
      description = "d",
      tier = "Standard",
      version = 3,
      tags = { team = "core" },
      labels = { "prod" },
    }
    for member, value in pairs(changes or {}) do
      r[member] = value ~= false and value or nil
    end
    return r
  end

  it("creates what does not exist, whatever the rule", function()
    for _, overwrite in ipairs({ "never", "changed", "always" }) do
      assert.equal("create", plan.step(record(), nil, overwrite).action)
    end
  end)

  it("leaves an equal parameter alone unless it is to be written always", function()
    assert.equal("equal", plan.step(record(), record(), "never").action)
    assert.equal("equal", plan.step(record(), record(), "changed").action)
    local step = plan.step(record(), record(), "always")
    assert.equal("change", step.action)
    assert.equal("equal, written all the same", plan.explain(step))
  end)

  it("keeps a differing parameter by default and changes it when asked", function()
    local live = record({ value = "other" })
    assert.equal("keep", plan.step(record(), live, "never").action)
    assert.equal("change", plan.step(record(), live, "changed").action)
    assert.equal("change", plan.step(record(), live, "always").action)
  end)

  it("plans deletion and creation for another type, and says so", function()
    local step = plan.step(record(), record({ type = "SecureString" }), "changed")
    assert.equal("recreate", step.action)
    assert.matches("deleted and created again", plan.explain(step))
  end)

  it("names every respect in which they differ", function()
    local differing = {
      type = "StringList",
      value = "w",
      description = "e",
      tier = "Advanced",
      data_type = "json",
      allowed_pattern = "^.$",
      policies = { "{}" },
      tags = {},
      labels = { "dev" },
    }
    local words = {
      data_type = "data type",
      allowed_pattern = "allowed pattern",
    }
    for member, value in pairs(differing) do
      local differences = plan.differences(record(), record({ [member] = value }))
      assert.same({ words[member] or member }, differences)
    end
  end)

  it("takes no description and an empty one for the same, as Parameter Store does", function()
    assert.same({}, plan.differences(record({ description = false }), record({ description = "" })))
  end)

  it("takes no key and the default key for the same", function()
    local saved = record({ type = "SecureString" })
    local live = record({ type = "SecureString", key_id = "alias/aws/ssm" })
    assert.same({}, plan.differences(saved, live))
    assert.same(
      { "key" },
      plan.differences(saved, record({ type = "SecureString", key_id = "alias/mine" }))
    )
  end)

  it("takes a value that cannot be read for a differing one", function()
    assert.same({ "value" }, plan.differences(record(), record({ value = false })))
  end)

  it("does not compare what was not saved", function()
    local saved = { name = "/a", type = "SecureString", value = "v" }
    local live = record({
      type = "SecureString",
      description = false,
      key_id = "alias/mine",
      tier = "Advanced",
      data_type = "json",
      allowed_pattern = "^.$",
      policies = { "{}" },
    })
    assert.same({}, plan.differences(saved, live))
  end)

  it("ignores tags that only AWS may set", function()
    local add, remove = plan.tag_changes(
      { ["aws:cloudformation:stack-name"] = "one", a = "1" },
      { ["aws:cloudformation:stack-name"] = "two", a = "1" }
    )
    assert.is_nil(add)
    assert.is_nil(remove)
  end)

  it("adds missing and changed tags and removes those that were not saved", function()
    local add, remove = plan.tag_changes(
      { a = "1", b = "2", c = "3" },
      { a = "1", b = "x", z = "9", y = "8" }
    )
    assert.same({ b = "2", c = "3" }, add)
    assert.same({ "y", "z" }, remove)
  end)

  it("leaves labels alone that were added since", function()
    assert.same({}, plan.differences(record(), record({ labels = { "prod", "new" } })))
  end)

  it("keeps a parameter that differs only by a tier AWS cannot take back", function()
    local live = record({ tier = "Advanced" })
    local step = plan.step(record(), live, "changed")
    assert.equal("keep", step.action)
    assert.matches("no way back", plan.explain(step))
    assert.equal("change", plan.step(record({ value = "w" }), live, "changed").action)
  end)

  it("never holds a value in what it explains", function()
    local step = plan.step(
      record({ type = "SecureString", value = "hunter2" }),
      record({ type = "SecureString", value = "hunter3" }),
      "changed"
    )
    assert.equal("value differs", plan.explain(step))
  end)

  describe("wanted", function()
    it("renames, and leaves the saved record as it is", function()
      local saved = record()
      local wanted = plan.wanted(saved, { renames = path.renames({ "/=/copy" }) })
      assert.equal("/copy/a", wanted.name)
      assert.equal("/a", saved.name)
      assert.same(saved.tags, wanted.tags)
    end)

    it("gives SecureStrings another key, or the default one, and nothing else", function()
      local secret = record({ type = "SecureString", key_id = "alias/old" })
      local function key(r, id)
        return plan.wanted(r, { renames = {}, key_id = id }).key_id
      end
      assert.equal("alias/old", key(secret, nil))
      assert.equal("alias/new", key(secret, "alias/new"))
      assert.equal("alias/aws/ssm", key(secret, "default"))
      assert.is_nil(key(record(), "alias/new"))
    end)
  end)
end)
