local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local FEATURE = [[
Feature: F
  Scenario: S
    Given one
    Then two
]]

local function run(feature, steps)
  local dir <close> = scratch.new()
  dir:write("x.feature", feature)
  dir:write("x_steps.lua", steps)
  return program.run({ "spec", dir:path(), "-o", "TAP" })
end

describe("awsbak spec", function()
  it("runs the features of a folder", function()
    local result = run(
      FEATURE,
      [[
      local steps = require("feature.steps")
      steps.Given("one", function(world) world.n = 1 end)
      steps.Then("two", function(world) assert.equal(1, world.n) end)
    ]]
    )
    assert.same({ 0, "ok 1 - F S" }, { result.status, result.stdout:match("^[^\n]*") })
  end)

  it("fails at an undefined step, and names it", function()
    local result = run(FEATURE, [[require("feature.steps").Given("one", function() end)]])
    assert.equal(1, result.status)
    assert.matches("x.feature:4: Then two", result.stdout, 1, true)
    assert.matches("this step is not defined: two", result.stdout, 1, true)
  end)

  it("runs no step of a scenario that is tagged @pending, and says so", function()
    local result = run((FEATURE:gsub("  Scenario", "  @pending\n%0")), "")
    assert.equal(0, result.status)
    assert.matches("ok 1 - # SKIP F S", result.stdout, 1, true)
  end)

  it("says in which step an assertion failed", function()
    local result = run(
      FEATURE,
      [[
      local steps = require("feature.steps")
      steps.Given("one", function() assert.equal(1, 2) end)
      steps.Then("two", function() end)
    ]]
    )
    assert.equal(1, result.status)
    assert.matches("x.feature:3: Given one", result.stdout, 1, true)
    assert.matches("Expected objects to be equal", result.stdout, 1, true)
  end)

  it("says where a feature file is wrong", function()
    local result = run("Feature: F\nScenario: S\nGiven x\nrubbish", "")
    assert.equal(1, result.status)
    assert.matches(
      "x.feature:4: this is neither a step nor a section: rubbish",
      result.stdout,
      1,
      true
    )
  end)

  it("ends with 1 when a spec has an error", function()
    local dir <close> = scratch.new()
    dir:write("x_spec.lua", 'it("a", function() error("x") end) it("b", function() error("y") end)')
    assert.equal(1, program.run({ "spec", dir:path() }).status)
  end)

  it("says on a terminal that there is no spec", function()
    local words = { program.path(), "spec", "no-such-folder" }
    local command = "python3 spec/support/terminal.py %s </dev/null"
    local pipe = io.popen(command:format(shell.join(words)))
    local said = pipe:read("a")
    local _, how, status = pipe:close()
    assert.matches("No test files found", said, 1, true)
    assert.same({ "exit", 1 }, { how, status })
  end)
end)
