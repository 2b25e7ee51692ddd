-- The fuzz targets on their seeds: what `./dev fuzz` begins with, each in every run of the specs.

local shell = require("spec.support.shell")
local targets = require("spec.fuzz.targets")

local SEEDS = "spec/fuzz/seeds/"

--- The names in a folder.
local function names(folder)
  local pipe <close> = assert(io.popen("ls " .. shell.quote(folder)))
  local list = {}
  for name in pipe:lines() do
    list[#list + 1] = name
  end
  return list
end

describe("fuzz targets", function()
  it("have seeds each, and are those that are run", function()
    local seeded = {}
    for _, name in ipairs(names(SEEDS)) do
      seeded[name] = true
    end
    for name in pairs(targets) do
      assert.is_true(seeded[name], name .. " has no seeds")
    end
    for name in pairs(seeded) do
      assert.is_function(targets[name], name .. " is no target")
    end
  end)

  for name, target in pairs(targets) do
    it("take the seeds of " .. name, function()
      for _, seed in ipairs(names(SEEDS .. name)) do
        local file <close> = assert(io.open(SEEDS .. name .. "/" .. seed, "rb"))
        target(file:read("a"))
      end
    end)
  end
end)
