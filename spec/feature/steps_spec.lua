local steps = require("feature.steps")

local function definitions(...)
  local expressions = { ... }
  return steps.collect(function()
    for _, expression in ipairs(expressions) do
      steps.Given(expression, function(world, ...)
        world.got = table.pack(...)
      end)
    end
  end)
end

local function run(text, expression, fields)
  local world = {}
  local step = { text = text, rows = fields and fields.rows, doc = fields and fields.doc }
  steps.run(definitions(expression), step, world)
  return table.unpack(world.got, 1, world.got.n)
end

describe("a step", function()
  it("gets what its placeholders match, as their kind says", function()
    assert.same(
      { 3, 1.5, "/app", "two words", "the rest" },
      { run('3 1.5 /app "two words" the rest', "{int} {float} {word} {string} {text}") }
    )
  end)

  it("means magic characters literally", function()
    assert.equal(1, run("a+b (1) [x] 50%?", "a+b ({int}) [x] 50%?"))
    assert.has_error(function()
      run("aab", "a+b")
    end, "this step is not defined: aab")
  end)

  it("gets its table, also as records, or its doc string", function()
    local rows = run("x", "x", { rows = { { "a", "b" }, { "1", "2" } } })
    assert.same({ { a = "1", b = "2" } }, rows.records)
    assert.same({ "1", "2" }, rows[2])
    assert.equal("text", run("x", "x", { doc = "text" }))
  end)

  it("must not have two definitions", function()
    local _, message = steps.find(definitions("a {word}", "a b"), { text = "a b" })
    assert.equal("this step has two definitions: 'a {word}' and 'a b'", message)
  end)

  it("is defined in step files only, with known placeholders", function()
    assert.has_error(function()
      steps.Given("x", print)
    end)
    assert.has_error(function()
      definitions("{strange}")
    end)
  end)
end)
