--- The parameter reader, writer and dict against moto, a fake AWS that checks more than ours does.

local log = require("awsbak.log")
local moto = require("spec.support.moto")
local parameter_restore = require("backup.parameter_restore")
local plan = require("backup.parameter_plan")
local task = require("awsbak.task")

describe("Parameter Store of moto", function()
  local ssm

  before_each(function()
    log.lines = {}
    ssm = require("aws.ssm").new({
      endpoint_url = moto.fresh(),
      region = "us-east-1",
      credentials = { access_key_id = "AKIDSPEC", secret_access_key = "spec" },
    })
  end)

  after_each(function()
    log.lines = nil
  end)

  local function fill()
    ssm.put_parameter({
      Name = "/shop/password",
      Value = 'hunter2 with "quotes", \n newlines and é',
      Type = "SecureString",
      KeyId = "alias/mine",
      Description = "do not tell",
      Tier = "Advanced",
      Tags = { { Key = "team", Value = "core" } },
      -- No Policies: moto 5.2.5 gives their text back as Python prints it, not as JSON.
    })
    ssm.put_parameter({ Name = "/shop/zones", Value = "a,b", Type = "StringList" })
    ssm.put_parameter({
      Name = "/shop/number",
      Value = "7",
      Type = "String",
      AllowedPattern = "^[0-9]+$",
      DataType = "text",
    })
    ssm.put_parameter({ Name = "flat", Value = "root", Type = "String" })
    ssm.put_parameter({ Name = "/shopping", Value = "a sibling", Type = "String" })
    ssm.put_parameter({ Name = "/shop/zones", Value = "a,b,c", Overwrite = true })
    ssm.label_parameter_version({ Name = "/shop/zones", Labels = { "live", "prod" } })
  end

  local function read(options)
    local list, by_name = {}, {}
    task.run(function()
      for record in ssm.snapshot(options) do
        list[#list + 1] = record
        by_name[record.name] = record
      end
    end)
    return list, by_name
  end

  local function restore(records, overwrite)
    local r = parameter_restore.new({
      client = ssm,
      overwrite = overwrite,
      records = function()
        local i = 0
        return function()
          i = i + 1
          return records[i]
        end
      end,
    })
    task.run(function()
      for result in r:run() do
        assert.not_equal("failed", result.result, result.detail)
      end
    end)
    return r.counts
  end

  it("gives back after a disaster what was there before, in every respect", function()
    fill()
    local before, by_name = read()
    assert.equal(5, #before)
    for name in pairs(by_name) do
      ssm.delete_parameter({ Name = name })
    end
    assert.same({ created = 5 }, restore(before))
    local _, after = read()
    for name, record in pairs(by_name) do
      assert.same({}, plan.differences(record, after[name]), name)
    end
  end)

  it("brings changed parameters back", function()
    fill()
    local before, by_name = read({ paths = { "/shop" } })
    assert.equal(3, #before)
    ssm.put_parameter({ Name = "/shop/number", Value = "8", Overwrite = true, Description = "new" })
    ssm.add_tags_to_resource({
      ResourceType = "Parameter",
      ResourceId = "/shop/zones",
      Tags = { { Key = "extra", Value = "1" } },
    })
    assert.same({ kept = 2, equal = 1 }, restore(before))
    assert.same({ changed = 2, equal = 1 }, restore(before, "changed"))
    local _, after = read({ paths = { "/shop" } })
    for name, record in pairs(by_name) do
      assert.same({}, plan.differences(record, after[name]), name)
    end
    assert.same({}, after["/shop/zones"].tags)
  end)

  it("deletes and creates for another type", function()
    fill()
    local before = read({ paths = { "/shop/number" } })
    ssm.delete_parameter({ Name = "/shop/number" })
    ssm.put_parameter({ Name = "/shop/number", Value = "7", Type = "SecureString" })
    assert.same({ recreated = 1 }, restore(before, "changed"))
    local _, after = read({ paths = { "/shop/number" } })
    assert.equal("String", after["/shop/number"].type)
  end)

  it("carries any text in a value and a description through the dict", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local d = ssm.dict({ returns = "table" })
    local ranges = { { 0x20, 0x7e }, { 0xa0, 0xd7ff }, { 0xe000, 0xfffd }, { 0x10000, 0x10ffff } }
    local function text(least, most)
      local points = {}
      for i = 1, math.random(least, most) do
        points[i] = math.random(table.unpack(ranges[math.random(4)]))
      end
      return utf8.char(table.unpack(points))
    end
    local types = { "String", "StringList", "SecureString" }
    for i = 1, 30 do
      local given = { value = text(1, 400), type = types[i % 3 + 1], description = text(0, 400) }
      local name = "/any/" .. i
      d[name] = given
      assert.same(given, d[name], "seed " .. seed .. ", number " .. i)
    end
    assert.equal(30, #d)
    assert.equal(30, ssm.dict.clear(d, "/any"))
    assert.equal(0, #d)
  end)

  it("does not mix up two names of which one begins with the other", function()
    local d = ssm.dict({ returns = "table" })
    d["/a/name"] = { value = "one", type = "String", description = "first" }
    d["/a/name-longer"] = { value = "two", type = "String", description = "second" }
    assert.equal("first", d["/a/name"].description)
    assert.equal("second", d["/a/name-longer"].description)
    d["/a/name"] = nil
    assert.is_nil(d["/a/name"])
    assert.equal("two", d["/a/name-longer"].value)
  end)
end)
