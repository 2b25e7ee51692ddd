local schema = require("awsbak.schema")

local function fails(message, f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok)
  assert.equal("usage", e.kind)
  assert.equal(message, tostring(e))
end

describe("schema.check", function()
  local s = schema.new({
    { "path", many = true, help = "only below this path" },
    { "dry_run", kind = "flag" },
    { "count", kind = "integer", min = 1, default = 3 },
    { "part", kind = "size" },
    { "wait", kind = "duration" },
    { "overwrite", kind = "choice", choices = { "never", "changed", "always" }, default = "never" },
  })

  it("fills in defaults: an empty list for many, false for a flag", function()
    assert.same(
      { path = {}, dry_run = false, count = 3, overwrite = "never" },
      schema.check(s, {}, "event")
    )
  end)

  it("accepts one value where there may be many", function()
    assert.same({ "/a" }, schema.check(s, { path = "/a" }, "event").path)
    assert.same({ "/a", "/b" }, schema.check(s, { path = { "/a", "/b" } }, "event").path)
  end)

  it("makes text what the option's kind says", function()
    local o =
      schema.check(s, { count = "12", part = "8MiB", wait = "1m", dry_run = "true" }, "command")
    assert.same({ 12, 8388608, 60, true }, { o.count, o.part, o.wait, o.dry_run })
  end)

  it("takes an event's values as their JSON types say", function()
    for message, given in pairs({
      ["dry_run must be true or false, not 'yes'; JSON has true and false without quotes"] = {
        dry_run = "yes",
      },
      ["path must be text, not 5; JSON has text in quotes"] = { path = 5 },
      ["path must be text, not an object"] = { path = { below = "/a" } },
    }) do
      fails(message, schema.check, s, given, "event")
    end
    assert.same({ "5" }, schema.check(s, { path = 5 }, "library").path)
  end)

  it("takes a time as text or as epoch seconds", function()
    local at = schema.new({ { "at", kind = "time" } })
    assert.equal(1795219200, schema.check(at, { at = "2026-11-21" }, "command").at)
    assert.equal(17.5, schema.check(at, { at = 17.5 }, "event").at)
    for _, wrong in ipairs({ "17.5", "soon", -1, 0 / 0 }) do
      assert.is_false((pcall(schema.check, at, { at = wrong }, "library")))
    end
  end)

  it("knows no duration that no timer can hold", function()
    fails(
      "wait must be a duration such as 90s, 5m or 1h30m, not '99999999999999999999h';"
        .. " 10000d is the longest",
      schema.check,
      s,
      { wait = "99999999999999999999h" },
      "library"
    )
    assert.equal(864000000, schema.check(s, { wait = "10000d" }, "library").wait)
  end)

  it("takes no empty text", function()
    local message = "--path is empty; give it a value, or leave it out"
    fails(message, schema.check, s, { path = "" }, "command")
  end)

  it("takes a JSON null for absent", function()
    assert.equal(3, schema.check(s, { count = require("awsbak.core.json").null }, "event").count)
  end)

  it("does not change what it was given", function()
    local given = { path = "/a" }
    schema.check(s, given, "event")
    assert.same({ path = "/a" }, given)
  end)

  it("names an unknown key and the nearest one", function()
    fails(
      "there is no option 'dryrun'; did you mean 'dry_run'?",
      schema.check,
      s,
      { dryrun = true },
      "event"
    )
    fails("there is no option 'zebra'", schema.check, s, { zebra = true }, "event")
  end)

  it("spells options as the caller does", function()
    fails(
      "--count must be a whole number from 1 up, not 'x'",
      schema.check,
      s,
      { count = "x" },
      "command"
    )
    fails("count must be a whole number from 1 up, not 0", schema.check, s, { count = 0 }, "event")
  end)

  it("names the choices and the nearest one", function()
    fails(
      "overwrite must be one of never, changed, always, not 'alway'; did you mean 'always'?",
      schema.check,
      s,
      { overwrite = "alway" },
      "event"
    )
  end)

  it("refuses values of another kind", function()
    for key, value in pairs({
      dry_run = "perhaps",
      part = "-1",
      wait = -1,
      overwrite = {},
      count = 1.5,
    }) do
      assert.has_error(function()
        schema.check(s, { [key] = value }, "event")
      end)
    end
  end)

  it("says what a missing option is", function()
    local required =
      schema.new({ { "file", positional = true, required = true, help = "the archive" } })
    fails("FILE is missing: the archive", schema.check, required, {}, "command")
    fails("file is missing: the archive", schema.check, required, {}, "library")
  end)
end)

describe("schema.new", function()
  it("finds mistakes in the definition", function()
    for _, options in ipairs({
      { {} },
      { { "x", kind = "strange" } },
      { { "x", kind = "choice" } },
      { { "x", flag = true } },
      { { "x" }, { "x" } },
    }) do
      assert.has_error(function()
        schema.new(options)
      end)
    end
  end)

  it("takes hyphens for underscores", function()
    assert.equal(
      "--no-labels",
      schema.new({ { "no-labels", kind = "flag" } }).by_key.no_labels.flag
    )
  end)
end)
