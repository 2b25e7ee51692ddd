local errors = require("awsbak.errors")
local parameter_source = require("backup.parameter_source")
local scratch = require("spec.support.scratch")
local vault = require("spec.support.vault")

local MIB = 1024 * 1024

describe("backup.parameter_source", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  local function dump(value)
    return dir:write("dump.json", ('{"/a":{"value":"%s","type":"String"}}'):format(value))
  end

  it("reads a dump that is larger than one read", function()
    local source <close> = parameter_source.open(dump(("x"):rep(65 * MIB)))
    local record = source.records()()
    assert.equal("/a", record.name)
    assert.equal(65 * MIB, #record.value)
  end)

  it("trusts a dump only when told to trust any", function()
    for _, trust in ipairs({ "any", false }) do
      local source <close> = parameter_source.open(dump("v"), { trust = trust or nil })
      assert.equal(trust == "any", source.trusted)
    end
    local _, err = errors.try(parameter_source.open, dump("v"), { trust = "foo" })
    assert.same({ "usage", "not_signed" }, { err.kind, err.code })
  end)

  it("reads what it checked, whatever becomes of the file", function()
    local box = vault.new()
    finally(function()
      box:close()
    end)
    local record = { name = "/a", type = "String", value = "true" }
    local plain = { kind = "ssm", recipients = {}, plaintext = true, signing_key = false }
    local path = box:save({ record }, plain)
    local source <close> = parameter_source.open(path, { trust = "any" })
    local file <close> = assert(io.open(path, "r+b"))
    file:write(("\0"):rep(200))
    file:flush()
    for read in source.records() do
      assert.equal("true", read.value)
    end
  end)
end)
