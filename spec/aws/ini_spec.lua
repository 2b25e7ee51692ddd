local errors = require("awsbak.errors")
local ini = require("aws.ini")

local function parse(...)
  return ini.parse(table.concat({ ... }, "\n"), "config")
end

describe("ini", function()
  it("reads sections and keys as Python's configparser does", function()
    assert.same(
      {
        default = { region = "eu-west-1", output = "json" },
        ["profile a b"] = { role_arn = "arn:aws:iam::1:role/x" },
      },
      parse(
        "[default]",
        "Region = eu-west-1",
        "output: json",
        "[profile a b] trailing",
        "role_arn=arn:aws:iam::1:role/x"
      )
    )
  end)

  it("reads a value that starts on the next line as nested keys, case kept", function()
    assert.same(
      { ["services dev"] = { s3 = { endpoint_url = "http://h:1/?a=b", K = "V" }, region = "x" } },
      parse(
        "[services dev]",
        "s3 =",
        "  endpoint_url = http://h:1/?a=b",
        "",
        "# comment",
        "  K=V",
        "region = x"
      )
    )
  end)

  it("continues a value on deeper lines", function()
    assert.same({ a = { k = "one\ntwo" } }, parse("[a]", "k = one", "  two"))
    assert.same({ a = { k = "one", b = "2" } }, parse("[a]", "  k = one", "  b = 2"))
  end)

  it("takes comments only at the start of a line", function()
    assert.same(
      { a = { k = "v # no comment ; neither" } },
      parse("[a]", "  ; comment", "k = v # no comment ; neither")
    )
  end)

  it("puts the keys of [DEFAULT] into every section", function()
    assert.same({ a = { x = "1", y = "2" } }, parse("[DEFAULT]", "x = 1", "y = 1", "[a]", "y = 2"))
  end)

  it("reads any line ending and skips a byte order mark", function()
    assert.same(
      { a = { x = "1", y = "2" } },
      ini.parse("\239\187\191[a]\r\nx = 1\ry = 2\n", "config")
    )
  end)

  it("names file and line of a mistake, and never shows the line", function()
    for text, line in pairs({
      ["a = 1"] = 1,
      ["[a]\nwJalrXUtnFEMI"] = 2,
      ["[a]\n\nk = 1\nK = 2"] = 4,
      ["[a]\n[a]"] = 2,
      ["[a]\ns3 =\n  nested"] = 2,
      ["[a]\n= 3"] = 2,
    }) do
      local _, e = errors.try(ini.parse, text, "/home/x/.aws/config")
      assert.equal("config", e.kind)
      assert.equal("/home/x/.aws/config:" .. line .. ":", e.message:match("^%S+"))
      assert.falsy(e.message:find("wJalrXUtnFEMI", 1, true))
    end
  end)

  it("says that a section's bracket is not closed", function()
    for _, text in ipairs({ "[default\nregion = a", "[a]\nk = v\n[b\n" }) do
      local _, e = errors.try(ini.parse, text, "config")
      assert.truthy(e.message:find("without its closing bracket", 1, true), e.message)
    end
  end)

  it("splits words as a shell would, expanding nothing", function()
    assert.same(
      { "profile", "a b", "", "$HOME", "c'd" },
      ini.split([[profile 'a b' "" $HOME "c'd"]])
    )
    assert.same({ [[a\b]], [[c"d\e]] }, ini.split([[a\\b "c\"d\e"]]))
    assert.is_nil(ini.split([[a "b]]))
    assert.is_nil(ini.split([[a \]]))
  end)
end)
