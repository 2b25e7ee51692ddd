local parser = require("feature.parser")

local function parse(...)
  return parser.parse(table.concat({ ... }, "\n"), "x.feature")
end

local function fails(message, ...)
  local ok, e = pcall(parse, ...)
  assert.is_false(ok)
  assert.equal(message, e)
end

describe("a feature file", function()
  it("has a name, tags and scenarios with the background's steps first", function()
    local feature = parse(
      "@fast @ssm",
      "Feature: Backup",
      "  Given this line is only a description",
      "  Background:",
      "    Given a store",
      "  @one",
      "  Scenario: Empty",
      "    When it is saved",
      "    Then nothing is there"
    )
    assert.same({ "Backup", { "fast", "ssm" } }, { feature.name, feature.tags })
    local scenario = feature.scenarios[1]
    assert.same({ "Empty", { "one" }, 7 }, { scenario.name, scenario.tags, scenario.line })
    assert.same({
      { keyword = "Given", text = "a store", line = 5 },
      { keyword = "When", text = "it is saved", line = 8 },
      { keyword = "Then", text = "nothing is there", line = 9 },
    }, scenario.steps)
  end)

  it("makes a scenario of each row of an outline's examples", function()
    local feature = parse(
      "Feature: F",
      "Scenario Outline: of <type>",
      "Given a <type>",
      "| <type> | x |",
      "Examples:",
      "| type   |",
      "| String |",
      "| List   |"
    )
    assert.same("of List", feature.scenarios[2].name)
    assert.same("a List", feature.scenarios[2].steps[1].text)
    assert.same({ { "List", "x" } }, feature.scenarios[2].steps[1].rows)
  end)

  it("keeps doc strings as they are, but for the indentation", function()
    local feature = parse(
      "Feature: F",
      "Scenario: S",
      "Given",
      "Given x",
      '  """json',
      "  a",
      "",
      "   # b",
      '  """'
    )
    assert.equal("a\n\n # b", feature.scenarios[1].steps[1].doc)
  end)

  it("reads escapes in cells", function()
    local feature = parse("Feature: F", "Scenario: S", "Given x", [[| a\|b | c\\d | e\nf | g\h |]])
    assert.same({ { "a|b", "c\\d", "e\nf", "g\\h" } }, feature.scenarios[1].steps[1].rows)
  end)

  it("may have Windows line ends", function()
    assert.equal("F", parser.parse("Feature: F\r\nScenario: S\r\n", "x.feature").name)
  end)
end)

describe("a mistake in a feature file is named with file and line:", function()
  it("no feature", function()
    fails("x.feature:1: there is no Feature: in this file", "")
    fails("x.feature:1: a file begins with Feature:", "Scenario: x")
  end)

  it("a line that is nothing", function()
    fails(
      "x.feature:4: this is neither a step nor a section: Gven y",
      "Feature: F",
      "Scenario: S",
      "Given x",
      "Gven y"
    )
  end)

  it("rows of different length", function()
    fails(
      "x.feature:5: this row has 1 cells, the first one 2",
      "Feature: F",
      "Scenario: S",
      "Given x",
      "|a|b|",
      "|a|"
    )
  end)

  it("a doc string without end", function()
    fails(
      "x.feature:4: the doc string that begins here has no end",
      "Feature: F",
      "Scenario: S",
      "Given x",
      '"""'
    )
  end)

  it("things in the wrong place", function()
    fails("x.feature:2: Examples belong to a Scenario Outline", "Feature: F", "Examples:")
    fails("x.feature:2: a table must follow a step or Examples", "Feature: F", "| a |")
    fails(
      "x.feature:3: the Background must come before the scenarios",
      "Feature: F",
      "Scenario: S",
      "Background:"
    )
    fails("x.feature:2: a file holds one Feature", "Feature: F", "Feature: G")
  end)
end)
