local flags = require("awsbak.flags")
local program = require("spec.support.program")
local schema = require("awsbak.schema")

local globals = schema.new({ { "region" }, { "yes", kind = "flag" } })
local own = schema.new({
  { "file", positional = true },
  { "word", positional = true, many = true },
  { "path", many = true },
  { "dry_run", kind = "flag" },
  { "to" },
})

local function read(...)
  return (flags.read({ ... }, 1, own, globals))
end

local function fails(message, ...)
  local ok, e = pcall(read, ...)
  assert.is_false(ok)
  assert.equal("usage", e.kind)
  assert.equal(message, tostring(e))
end

describe("flags.read", function()
  it("sorts words into options of the command, flags of all, and arguments", function()
    local found = read(
      "x.age",
      "--path",
      "/a",
      "--region=eu-west-1",
      "--dry-run",
      "--path=/b",
      "y",
      "z",
      "--yes"
    )
    assert.same(
      { file = "x.age", word = { "y", "z" }, path = { "/a", "/b" }, dry_run = true },
      found.values
    )
    assert.same({ region = "eu-west-1", yes = true }, found.globals)
  end)

  it("takes a lone - for a value or an argument", function()
    assert.same({ to = "-", file = "-" }, read("--to", "-", "-").values)
  end)

  it("takes everything after -- for arguments", function()
    assert.same({ file = "--path", word = { "-v" } }, read("--", "--path", "-v").values)
  end)

  it("takes an empty value, and one with an equals sign", function()
    assert.same({ to = "" }, read("--to=").values)
    assert.same({ to = "a=b" }, read("--to=a=b").values)
  end)

  it("knows -n as --dry-run", function()
    assert.same({ file = "x", dry_run = true }, read("-n", "x").values)
    assert.same({ to = "-n" }, read("--to", "-n").values)
    assert.same({ file = "-n" }, read("--", "-n").values)
  end)

  it("knows the levels of talk, and help", function()
    assert.equal("info", read("-v").log)
    assert.equal("debug", read("-vv").log)
    assert.equal("error", read("-q").log)
    assert.is_true(read("x", "--help").help)
  end)

  it("names an unknown flag and the nearest one", function()
    fails("there is no option '--dryrun'; did you mean '--dry-run'?", "--dryrun")
    fails("there is no option '--regoin'; did you mean '--region'?", "--regoin=x")
    local said = program.run({ "api", "ssm", "get-parameter", "--name", "/a" }).stderr
    assert.equal(
      "awsbak: error: there is no option '--name'; "
        .. "INPUT is Key=value, Key:=JSON or Key=@FILE\n",
      said
    )
    fails("there is no option '-x'", "-x")
    fails("there is no option '--file'", "--file", "x")
  end)

  it("says when a value is missing, given twice, or too many", function()
    fails("--to needs a value: text", "--to")
    fails("--to needs a value: text", "--to", "--dry-run")
    fails("--to is given twice", "--to", "a", "--to", "b")
    local one = schema.new({ { "file", positional = true } })
    local ok, e = pcall(flags.read, { "a", "b" }, 1, one, globals)
    assert.is_false(ok)
    assert.equal("'b' is one argument too many", tostring(e))
  end)

  it("stops before the first word that is no flag of all, when these lead", function()
    local found, after =
      flags.read({ "--region", "x", "ssm", "--yes" }, 1, schema.new({}), globals, true)
    assert.same({ region = "x" }, found.globals)
    assert.equal(3, after)
  end)
end)
