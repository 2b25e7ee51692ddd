local tables = require("awsbak.table")

local function lines(columns, rows, width)
  return (tables.start(tables.columns(columns), rows, width))
end

describe("a table", function()
  it("is as wide as its cells, numbers to the right", function()
    assert.same(
      { "NAME  SIZE", "/a      10", "/bcd     2" },
      lines({ "name", "size" }, { { name = "/a", size = 10 }, { name = "/bcd", size = 2 } })
    )
  end)

  it("shows sizes and times for people", function()
    assert.same(
      { "  BYTES  LAST MODIFIED", "1.5 KiB  1970-01-01T00:00:00Z" },
      lines({ { key = "bytes", kind = "size" }, { key = "last_modified", kind = "time" } }, {
        { bytes = 1536, last_modified = 0 },
      })
    )
  end)

  it("cuts the widest column but the first to fit the terminal", function()
    assert.same(
      { "NAME             N  DETAIL", "/very-long-name  1  only the ta…" },
      lines(
        { "name", "n", "detail" },
        { { name = "/very-long-name", n = 1, detail = "only the tags differ" } },
        32
      )
    )
  end)

  it("keeps a column whole that would be of no use cut", function()
    local columns = { "name", { key = "id", whole = true }, "detail" }
    local rows = { { name = "/a", id = ("x"):rep(20), detail = "only the tags differ" } }
    assert.equal("/a    xxxxxxxxxxxxxxxxxxxx  only the ta…", lines(columns, rows, 40)[2])
    assert.equal("/a\n  xxxxxxxxxxxxxxxxxxxx\n  only the tags differ", lines(columns, rows, 30)[2])
  end)

  it("puts what no longer fits beside the first column below it, and cuts nothing", function()
    local row = { name = "/prod/db/password", action = "change", detail = "only the tags differ" }
    local columns = { "name", "action", "type", "detail" }
    assert.same({
      "NAME\n  ACTION  TYPE  DETAIL",
      "/prod/db/password\n  change\n  only the tags differ",
    }, lines(columns, { row }, 24))
    assert.same(
      { "NAME\n  ACTION  TYPE\n  DETAIL", "/prod/db/password" },
      lines(columns, { { name = row.name } }, 16)
    )
  end)

  it("counts columns, not bytes", function()
    assert.same(
      { "A     B", "漢字  x", "é     y" },
      lines({ "a", "b" }, { { a = "漢字", b = "x" }, { a = "é", b = "y" } })
    )
  end)

  it("shows nothing for what is absent, and lists in one cell", function()
    assert.same({ "A    B", "1,2" }, lines({ "a", "b" }, { { a = { 1, 2 } } }))
  end)

  it("escapes control characters", function()
    assert.same({ "A", "\\x1b[2J\\n" }, lines({ "a" }, { { a = "\27[2J\n" } }))
  end)

  it("gives later rows the widths of the first", function()
    local _, more = tables.start(tables.columns({ "a", "b" }), { { a = "xyz", b = 1 } })
    assert.equal("abcdef  2", more({ a = "abcdef", b = 2 }))
    assert.equal("a    2", more({ a = "a", b = 2 }))
  end)
end)

describe("a record", function()
  it("is names and values, sorted", function()
    assert.same({ "a   1", "bc  x\\n" }, tables.record({ bc = "x\n", a = 1 }))
  end)
end)
