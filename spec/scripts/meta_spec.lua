local file = require("awsbak.core.file")
local json = require("awsbak.core.json")
local model = require("aws.model")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

describe("awsbak meta", function()
  local home, result

  setup(function()
    home = scratch.new()
    result = program.run({ "meta", home:path("meta") }, { home = home:path() })
  end)

  teardown(function()
    home:close()
  end)

  local function text_of(path)
    return home:read("meta/" .. path)
  end

  it("tells where it wrote how much", function()
    assert.equal(0, result.status, result.stderr)
    local told = json.decode(result.stdout)
    assert.equal(home:path("meta"), told.location)
    assert.is_true(told.files > 100)
  end)

  it("writes Lua of every operation and waiter of every service", function()
    for _, id in ipairs(model.services()) do
      local m, module = model.load(id), id:gsub("-", "_")
      local text = text_of(("aws/%s.lua"):format(module))
      assert.equal("---@meta aws." .. module, text:match("^[^\n]*"))
      assert(load(text, id, "t"))
      for _, name in ipairs(m:operations()) do
        local line = ("\nfunction %s.%s(input, options) end\n"):format(module, m:snake(name))
        assert.is_truthy(text:find(line, 1, true), id .. " " .. name)
      end
      for _, name in ipairs(m:waiters()) do
        local field = ("\n---@field %s fun(input?: aws.%s."):format(m:snake(name), module)
        assert.is_truthy(text:find(field, 1, true), id .. " " .. name)
      end
    end
  end)

  it("defines every class that it names", function()
    local defined, named = {}, {}
    for _, id in ipairs(model.services()) do
      local text = text_of(("aws/%s.lua"):format((id:gsub("-", "_"))))
      for name in text:gmatch("%-%-%-@class (aws[%w_.]+)") do
        defined[name] = true
      end
      for name in text:gmatch("%-%-%-@alias (aws[%w_.]+)") do
        defined[name] = true
      end
      for line in text:gmatch("%-%-%-@[pfr][^\n]*") do
        for name in line:gmatch("%f[%w.](aws%.[%w_]+%.[%w_]+)") do
          named[name] = true
        end
      end
    end
    for name in pairs(named) do
      assert.is_true(defined[name], name)
    end
    for path, name in pairs({ client = "Client", exchange = "CallOptions", reader = "Reader" }) do
      assert.matches("@class aws." .. name, text_of(("aws/%s.lua"):format(path)), 1, true)
    end
  end)

  it("says which types members have, and whether they must be given", function()
    local ssm = text_of("aws/ssm.lua")
    assert.matches("---@param input aws.ssm.PutParameterRequest\n", ssm, 1, true)
    assert.matches("---@field Name string 1 to 2048 characters\n", ssm, 1, true)
    assert.matches("---@field Tier? aws.ssm.ParameterTier\n", ssm, 1, true)
    assert.matches(
      '---@alias aws.ssm.ParameterTier "Standard"|"Advanced"|"Intelligent-Tiering"\n',
      ssm,
      1,
      true
    )
    assert.matches(
      "---@field describe_parameters fun(input?: aws.ssm.DescribeParametersRequest,"
        .. " options?: aws.CallOptions): fun(): aws.ssm.ParameterMetadata\n",
      ssm,
      1,
      true
    )
    assert.matches("---@field dict any\n", ssm, 1, true)
    local s3 = text_of("aws/s3.lua")
    assert.matches("---@field Body? string|userdata\n", s3, 1, true)
    assert.matches("---@field Body? aws.Reader\n", s3, 1, true)
    assert.matches("---@field Expires? number|string\n", s3, 1, true)
    assert.matches("---@field Metadata? table<string, string>\n", s3, 1, true)
  end)

  it("has the modules of awsbak, with their comments", function()
    local task = text_of("awsbak/task.lua")
    assert.matches("---@param seconds number\nfunction M.sleep(seconds) end\n", task, 1, true)
    assert.matches("\nfunction M.await(what, err) end\n", task, 1, true)
    assert(load(task, "task", "t"))
  end)

  it("writes the same again over what it wrote", function()
    local before = text_of("aws/ec2.lua")
    local again = program.run({ "meta", home:path("meta") }, { home = home:path() })
    assert.equal(result.stdout, again.stdout, again.stderr)
    assert.equal(before, text_of("aws/ec2.lua"))
  end)

  it("leaves other files alone, unless told to replace them", function()
    assert(file.mkdirs(home:path("other/aws"), 448)) -- rwx------
    home:write("other/aws/signin.lua", "return 'mine'\n")
    local refused = program.run({ "meta", home:path("other") }, { home = home:path() })
    assert.equal(1, refused.status)
    assert.matches("signin.lua is there and was not written by awsbak", refused.stderr, 1, true)
    assert.equal("return 'mine'\n", home:read("other/aws/signin.lua"))
    assert.is_nil(file.stat(home:path("other/aws/advice.lua")))
    local forced = program.run({ "meta", home:path("other"), "--force" }, { home = home:path() })
    assert.equal(0, forced.status, forced.stderr)
    assert.matches("^%-%-%-@meta", home:read("other/aws/signin.lua"))
  end)

  it("writes nothing in a dry run", function()
    local dry = program.run({ "meta", "-n", home:path("dry") }, { home = home:path() })
    assert.equal(0, dry.status, dry.stderr)
    assert.equal(json.decode(result.stdout).files, json.decode(dry.stdout).files)
    assert.is_nil(file.stat(home:path("dry")))
  end)

  it("says in one line why it cannot write", function()
    home:write("file", "")
    local refused = program.run({ "meta", home:path("file") }, { home = home:path() })
    assert.equal(1, refused.status)
    assert.matches("^awsbak: error: [^\n]*/file[^\n]*\n$", refused.stderr)
    assert.equal(2, program.run({ "meta" }, { home = home:path() }).status)
  end)
end)
