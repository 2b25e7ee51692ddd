local output = require("awsbak.output")
local plan = require("awsbak.plan")
local program = require("spec.support.program")

local CODE = [[
  local plan = require("awsbak.plan")
  plan.add({ service = "s", operation = "PutThing", region = "r", input = { Name = "a" } })
]]
local ROW = '{"input":{"Name":"a"},"operation":"PutThing","region":"r","service":"s","type":"plan"}'

describe("the plan of a dry run", function()
  before_each(plan.take)

  it("counts all and is shown once", function()
    local before = plan.count()
    local collected = output.collect(function()
      for i = 1, 3 do
        plan.add({ service = "s", operation = "PutThing", input = { Name = tostring(i) } })
      end
      assert.equal(3, plan.show())
      assert.equal(0, plan.show())
    end)
    assert.equal(3, collected.total)
    assert.equal(3, plan.count() - before)
  end)

  it("lists 10,000 changes, and says how many more there were", function()
    local said = program.run({
      "-e",
      [[
      local plan = require("awsbak.plan")
      for i = 1, 10003 do
        plan.add({ service = "s", operation = "PutThing", input = {} })
      end
      ]],
    })
    assert.equal(
      "awsbak: warning: the plan lists 10000 changes; 3 more were withheld\n",
      said.stderr
    )
    local _, lines = said.stdout:gsub("\n", "")
    assert.equal(10001, lines)
    assert.matches('{"type":"summary","withheld":10003}\n$', said.stdout)
  end)

  it("is said when a script ends, however it ends", function()
    local said = program.run({ "-e", CODE })
    assert.same({ 0, "" }, { said.status, said.stderr })
    assert.equal(ROW .. '\n{"type":"summary","withheld":1}\n', said.stdout)
    said = program.run({ "-e", CODE .. "error('boom', 0)" })
    assert.same({ 1, "awsbak: error: boom\n" }, { said.status, said.stderr })
    assert.equal(ROW .. '\n{"type":"summary","withheld":1}\n', said.stdout)
  end)

  it("is one JSON document, or a table, when that is asked for", function()
    local said = program.run({ "--output", "json", "-e", CODE })
    assert.equal(
      '{"items": [\n  ' .. ROW .. '\n], "summary": {"type":"summary","withheld":1}}\n',
      said.stdout
    )
    said = program.run({ "--output", "table", "-e", CODE })
    assert.equal(
      "SERVICE  OPERATION  REGION  INPUT\ns        PutThing   r       Name=a\n",
      said.stdout
    )
    assert.equal("dry run: withheld 1\n", said.stderr)
  end)

  it("keeps off a standard output that carries something else", function()
    local said = program.run({ "-e", [[require("awsbak.output").take_stdout() ]] .. CODE })
    assert.equal("", said.stdout)
    assert.matches('not done: s PutThing {"Name":"a"}', said.stderr, 1, true)
  end)
end)
