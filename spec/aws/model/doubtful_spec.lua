local aws = require("aws")
local errors = require("awsbak.errors")
local model = require("aws.model")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

describe("models of the user", function()
  it("are told of where a link leads nowhere, or a folder cannot be read", function()
    local dir <close> = scratch.new()
    local links = "cd %s && mkdir a b && ln -s gone away && ln -s gone a/ssm && ln -s ssm b/ssm"
    assert(os.execute(links:format(dir:path())))
    local paths = { dir:path("away"), dir:path("a"), dir:path("b"), "/none" }
    local said = program.run({ "-e", 'require("aws.ssm").operation("GetParameter")' }, {
      env = { AWS_DATA_PATH = table.concat(paths, ":") },
    })
    assert.equal(0, said.status, said.stderr)
    local lines = {}
    for line in said.stderr:gmatch("awsbak: warning: (.-); models that are there do not count\n") do
      lines[#lines + 1] = line
    end
    assert.same({
      dir:path("away") .. " is a link that leads nowhere",
      dir:path("a/ssm") .. " is a link that leads nowhere",
      ("cannot list %s: Too many levels of symbolic links"):format(dir:path("b/ssm")),
    }, lines)
  end)

  it("are refused where the file is a link that leads nowhere", function()
    local dir <close> = scratch.new()
    local path = dir:path("shop/1/service-2.json")
    assert(os.execute(("mkdir -p %s && ln -s gone %s"):format(dir:path("shop/1"), path)))
    local place = {
      getenv = function(name)
        return name == "AWS_DATA_PATH" and dir:path() or nil
      end,
    }
    local _, err = outside.with(place, errors.try, model.load, "shop")
    assert.equal(path .. " is no model: it is a link that leads nowhere", err.message)
  end)

  it("are refused where the name of a member would act on a terminal, or is no text", function()
    for _, name in ipairs({ "Na\27[2Jme", "Na\u{9b}2Jme", "", true }) do
      local _, err = errors.try(aws.client, {
        id = "shop",
        metadata = {
          apiVersion = "1",
          endpointPrefix = "shop",
          jsonVersion = "1.1",
          protocol = "json",
          serviceId = "Shop",
          targetPrefix = "Shop",
        },
        operations = {},
        shapes = { Thing = { type = "structure", members = { [name] = { shape = "Thing" } } } },
      })
      assert.matches("a member's name has letters, digits, _, . and -", err.message, 1, true)
    end
  end)
end)
