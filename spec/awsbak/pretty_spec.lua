local json = require("awsbak.core.json")
local pretty = require("awsbak.pretty")

describe("pretty.lua", function()
  it("writes values as Lua does, keys sorted", function()
    assert.equal(
      '{ 1, "two", a = true, ["b-c"] = 2.5 }',
      pretty.lua({ 1, "two", ["b-c"] = 2.5, a = true })
    )
    assert.equal("{}", pretty.lua({}))
    assert.equal("nil", pretty.lua(nil))
  end)

  it("breaks long tables into lines", function()
    local long = ("x"):rep(50)
    assert.equal(
      ('{\n  a = "%s",\n  b = { c = "%s" },\n}'):format(long, long),
      pretty.lua({ a = long, b = { c = long } })
    )
  end)

  it("ends at a table inside itself, and at great depth", function()
    local t = {}
    t.t = t
    assert.equal("{ t = <again> }", pretty.lua(t))
    local deep = {}
    for _ = 1, 100 do
      deep = { deep }
    end
    assert.matches("{...}", pretty.lua(deep), 1, true)
  end)

  it("tells an empty table from one that is called or filled when used", function()
    local called = setmetatable({}, { __call = print, __index = string })
    local lazy = setmetatable({}, { __index = print })
    assert.equal(
      "{ <callable>, <made when used>, {}, {} }",
      pretty.lua({ called, lazy, {}, setmetatable({}, {}) })
    )
  end)

  it("escapes text and cuts what is very long", function()
    assert.equal('"a\\x1b\\n\\""', pretty.lua('a\27\n"'))
    assert.matches('"... %(5000 bytes%)$', pretty.lua(("x"):rep(5000)))
  end)

  it("prints errors and secrets as they print themselves", function()
    assert.equal("<secret>", pretty.lua(require("awsbak.core.secret").new("x")))
    assert.equal(
      "no luck",
      pretty.lua(require("awsbak.errors").new({ kind = "io", message = "no luck" }))
    )
  end)
end)

describe("pretty.json", function()
  it("indents, with keys sorted", function()
    assert.equal(
      '{\n  "a": [\n    1,\n    {}\n  ],\n  "b": null,\n  "c": []\n}',
      pretty.json({ c = json.array({}), b = json.null, a = json.array({ 1, {} }) })
    )
  end)

  it("writes nothing that acts on a terminal, and says the same", function()
    local value = { ["\u{9b}2J"] = "\27[2J \u{9b}31m \u{202e}\127 \\ é€\u{10348}" }
    local said = pretty.json(value)
    local key, text = [[\u009b2J]], [[\u001b[2J \u009b31m \u202e\u007f \\ é€𐍈]]
    assert.equal(('{\n  "%s": "%s"\n}'):format(key, text), said)
    assert.same(value, json.decode(said))
  end)
end)
