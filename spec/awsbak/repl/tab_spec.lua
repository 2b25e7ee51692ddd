local tab = require("awsbak.repl.tab")

local function press(word, list, ending, required)
  return { tab.press(word, { list = list, ending = ending or "", required = required }) }
end

describe("awsbak.repl.tab", function()
  it("writes what all candidates begin with", function()
    assert.same({ 2, "get_" }, press("ge", { "get_a", "get_b" }))
    assert.same({ 2, "Name" }, press("na", { "Name" }))
    assert.same({ 1, "ä b" }, press("ä", { "ä b" }))
  end)

  it("ends a word that is complete", function()
    assert.same({ 2, "Name = " }, press("Na", { "Name" }, " = "))
    assert.same({ 6, "String'" }, press("String", { "String" }, "'"))
  end)

  it("shows candidates where nothing is certain", function()
    assert.same({ 0, "", "a*  b\n" }, press("", { "a", "b" }, " = ", { a = true }))
    assert.same({ 0, "" }, press("x", {}))
  end)

  it("shows no more than fit, and how many there are beside them", function()
    local list = {}
    for i = 1, 500 do
      list[i] = "operation_" .. i
    end
    assert.matches("\n... and 380 more\n$", press("operation_", list)[3])
  end)

  it("shows nothing that acts on a terminal", function()
    assert.equal("a\\x1b  b\n", press("", { "a\27", "b" })[3])
  end)
end)
