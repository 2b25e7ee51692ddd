local errors = require("awsbak.errors")
local parameter_store = require("spec.support.parameter_store")
local snapshot = require("aws.ssm.snapshot")
local snapshots = require("spec.support.snapshots")
local task = require("awsbak.task")

describe("aws.ssm.snapshot", function()
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

  local function names(list)
    local found = {}
    for i, record in ipairs(list) do
      found[i] = record.name
    end
    return found
  end

  it("reads every parameter once, in the order of the list, page after page", function()
    fill(123)
    local list, parameters = read()
    assert.equal(123, #list)
    assert.equal(123, parameters.listed)
    for i, record in ipairs(list) do
      assert.equal(("/p/%03d"):format(i), record.name)
      assert.equal("value " .. i, record.value)
    end
    assert.equal(3, store.calls.describe_parameters)
    assert.equal(13, store.calls.get_parameters)
    assert.equal(123, store.calls.list_tags_for_resource)
    assert.equal(123, store.calls.get_parameter_history)
  end)

  it("reads tags, labels and all metadata", function()
    store.put_parameter({ Name = "/a", Value = "old", Type = "SecureString" })
    store.label_parameter_version({ Name = "/a", ParameterVersion = 1, Labels = { "before" } })
    store.put_parameter({
      Name = "/a",
      Value = "new",
      Overwrite = true,
      Description = "d",
      KeyId = "alias/mine",
      Tier = "Advanced",
      DataType = "text",
      AllowedPattern = "^.*$",
      Policies = '[{"Type":"Expiration"}]',
    })
    local labels = { "prod", "live" }
    store.label_parameter_version({ Name = "/a", ParameterVersion = 2, Labels = labels })
    store.add_tags_to_resource({ ResourceId = "/a", Tags = { { Key = "team", Value = "core" } } })
    assert.same({
      {
        name = "/a",
        type = "SecureString",
        value = "new",
        description = "d",
        key_id = "alias/mine",
        tier = "Advanced",
        allowed_pattern = "^.*$",
        policies = { '{"Type":"Expiration"}' },
        tags = { team = "core" },
        labels = { "live", "prod" },
        other_labels = { before = 1 },
        version = 2,
        modified = 1700000001,
      },
    }, (read()))
  end)

  it("takes a path itself and what is below it, and a root name with its slash", function()
    for _, name in ipairs({ "/x", "/x/a", "/x/b/c", "/xy", "/xy/a", "flat", "/other" }) do
      store.put_parameter({ Name = name, Value = "v", Type = "String" })
    end
    assert.same({ "/x", "/x/a", "/x/b/c" }, names((read({ paths = { "/x" } }))))
    assert.same({ "flat", "/xy", "/xy/a" }, names((read({ paths = { "/xy", "/flat" } }))))
    assert.equal(7, #read({ paths = { "/" } }))
  end)

  it("does not read the history when labels are not wanted", function()
    fill(3)
    local list = read({ labels = false })
    assert.is_nil(list[1].labels)
    assert.is_nil(store.calls.get_parameter_history)
  end)

  it("reads a parameter again that changed between list and value", function()
    fill(2)
    local get = store.get_parameters
    store.get_parameters = function(input)
      if (store.calls.get_parameters or 0) == 0 then
        store.put_parameter({
          Name = "/p/001",
          Value = "newer",
          Overwrite = true,
          Description = "d",
        })
      end
      return get(input)
    end
    local list = read()
    assert.equal("newer", list[1].value)
    assert.equal(2, list[1].version)
    assert.equal("d", list[1].description)
  end)

  it("names a parameter whose metadata and value never agree", function()
    fill(2)
    local get = store.get_parameters
    store.get_parameters = function(input)
      store.put_parameter({ Name = "/p/001", Value = "newer", Overwrite = true })
      return get(input)
    end
    local list, parameters = read()
    assert.same({ "/p/002" }, names(list))
    assert.equal("changing", parameters.unreadable[1].code)
  end)

  it("counts a parameter that vanished after it was listed, at every step", function()
    fill(3)
    local get, tags = store.get_parameters, store.list_tags_for_resource
    store.get_parameters = function(input)
      store.versions["/p/001"] = nil
      return get(input)
    end
    store.list_tags_for_resource = function(input)
      store.versions["/p/002"] = nil
      return tags(input)
    end
    local list, parameters = read()
    assert.same({ "/p/003" }, names(list))
    assert.equal(2, parameters.vanished)
    assert.same({}, parameters.unreadable)
  end)

  it("names a value that may not be decrypted, and reads its nine neighbours", function()
    fill(10)
    store.denied["/p/004"] = true
    local list, parameters = read()
    assert.equal(9, #list)
    assert.equal(1, #parameters.unreadable)
    local refusal = parameters.unreadable[1]
    assert.same(
      { "/p/004", "value", "AccessDeniedException" },
      { refusal.name, refusal.what, refusal.code }
    )
  end)

  -- Refuses reading names below /a/ as IAM does.
  local function deny_a()
    local get = store.get_parameters
    store.get_parameters = function(input)
      for _, name in ipairs(input.Names) do
        if name:find("^/a/") then
          store:refuse("get_parameters", {
            code = "AccessDeniedException",
            message = "User: x is not authorized to perform: ssm:GetParameters on " .. name,
          })
          break
        end
      end
      return get(input)
    end
  end

  it("reads what follows many refused names, also in a batch of both", function()
    for _, count in ipairs({ 60, 65 }) do
      store = parameter_store.new()
      fill(count, "/a/")
      fill(100 - count, "/z/")
      deny_a()
      local list, parameters = read()
      assert.equal(100 - count, #list)
      assert.equal("/z/001", list[1].name)
      assert.equal(count, parameters.refusals)
      assert.equal(count, parameters.incomplete)
    end
  end)

  it("asks less when the right to read values is missing altogether", function()
    fill(200)
    local message = "User: x is not authorized to perform: ssm:GetParameters on resource: y"
    local refusal = { code = "AccessDeniedException", times = math.huge, message = message }
    store:refuse("get_parameters", refusal)
    local none, refused = read()
    assert.same({}, none)
    assert.equal(200, refused.refusals)
    assert.is_true(store.calls.get_parameters < 150)

    store:refuse("get_parameters", { code = "AccessDeniedException", times = 1000 })
    local _, parameters = read()
    assert.equal(200, #parameters.unreadable)
  end)

  it("saves a parameter whose tags are denied without them, and says so", function()
    fill(1)
    store:refuse("list_tags_for_resource", { code = "AccessDeniedException" })
    local list, parameters = read()
    assert.is_nil(list[1].tags)
    assert.same({}, list[1].labels)
    assert.equal("tags", parameters.unreadable[1].what)
  end)

  it("names the first thousand refusals, in short, and counts the rest", function()
    fill(600)
    local said = ("é"):rep(100000)
    local denied = { code = "AccessDeniedException", message = said, times = 600 }
    store:refuse("list_tags_for_resource", denied)
    store:refuse("get_parameter_history", denied)
    local list, parameters = read()
    assert.equal(600, #list)
    assert.equal(1000, #parameters.unreadable)
    assert.equal(1200, parameters.refusals)
    assert.equal(600, parameters.incomplete)
    assert.equal(("é"):rep(500) .. "...", parameters.unreadable[1000].message)
  end)

  it("goes on through throttling", function()
    fill(60)
    local operations = { "describe_parameters", "get_parameters", "list_tags_for_resource" }
    for _, operation in ipairs(operations) do
      store:refuse(operation, { code = "ThrottlingException", times = 5 })
    end
    assert.equal(60, #read())
  end)

  it("raises a page token that comes twice, and a refusal of the caller", function()
    fill(60)
    local describe = store.describe_parameters
    store.describe_parameters = function(input)
      local page = describe({ MaxResults = input.MaxResults })
      page.NextToken = "again"
      return page
    end
    local ok, e = pcall(read)
    assert.is_false(ok)
    assert.equal("repeated_token", errors.from(e).code)

    store.describe_parameters = describe
    store:refuse("get_parameters", { code = "ExpiredTokenException" })
    ok, e = pcall(read)
    assert.is_false(ok)
    assert.equal("ExpiredTokenException", e.code)
  end)

  it("goes on after an empty page that has a next one", function()
    fill(2)
    local describe = store.describe_parameters
    local calls = 0
    store.describe_parameters = function(input)
      calls = calls + 1
      if calls <= 3 then
        return { Parameters = {}, NextToken = "empty " .. calls }
      end
      return describe({ MaxResults = input.MaxResults })
    end
    assert.equal(2, #read())
  end)

  it("lists a name once that comes on two pages", function()
    fill(4)
    local describe, calls = store.describe_parameters, 0
    store.describe_parameters = function(input)
      calls = calls + 1
      local page = describe({ MaxResults = input.MaxResults })
      page.NextToken = calls == 1 and "more" or nil
      return page
    end
    assert.equal(4, #read())
  end)

  it("has no more requests under way than it may", function()
    fill(70)
    local running, most = 0, 0
    for _, operation in ipairs({ "list_tags_for_resource", "get_parameter_history" }) do
      local call = store[operation]
      store[operation] = function(input)
        running = running + 1
        most = math.max(most, running)
        task.sleep(0)
        running = running - 1
        return call(input)
      end
    end
    assert.equal(70, #read({ concurrency = 4 }))
    assert.equal(4, most)
  end)

  it("stops what is under way when it is closed early", function()
    fill(70)
    task.run(function()
      local reading <close> = snapshot.new(store)
      assert.equal("/p/001", reading().name)
    end)
    assert.is_true(store.calls.list_tags_for_resource < 70)
  end)
end)
