local errors = require("awsbak.errors")

describe("an error", function()
  it("prints what failed, on what, and what to do", function()
    local e = errors.new({
      kind = "service",
      service = "ssm",
      operation = "GetParameter",
      code = "ParameterNotFound",
      message = "there is no such parameter",
      request_id = "r-1",
      attempts = 3,
      hint = "check the name",
    })
    assert.equal(
      "ssm GetParameter: there is no such parameter "
        .. "(ParameterNotFound, request r-1, 3 attempts); check the name",
      tostring(e)
    )
  end)

  it("of a reply that is none says with which status and id it came", function()
    local e = errors.new({
      kind = "reply",
      service = "ssm",
      operation = "GetParameter",
      message = "the reply is not JSON",
      status = 200,
      request_id = "r-1",
    })
    assert.equal(
      "ssm GetParameter: the reply is not JSON (status 200, request r-1)",
      tostring(e)
    )
  end)

  it("must be of a known kind", function()
    assert.has_error(function()
      errors.new({ kind = "strange", message = "x" })
    end)
  end)

  it("is raised as a table", function()
    local ok, e = pcall(errors.raise, { kind = "usage", message = "no" })
    assert.is_false(ok)
    assert.is_true(errors.is(e))
  end)
end)

describe("errors.from", function()
  it("gives a core error its metatable", function()
    assert.equal(
      "x is gone",
      tostring(errors.from({ kind = "io", code = "ENOENT", message = "x is gone" }))
    )
  end)

  it("gives a core error the hint that its code has, unless it brings one", function()
    local function hint_of(own)
      local e = { kind = "io", code = "EMFILE", message = "cannot open x: Too many open files" }
      e.hint = own
      return errors.from(e).hint
    end
    assert.matches("ulimit -n", hint_of(), 1, true)
    assert.equal("close some", hint_of("close some"))
  end)

  it("takes Lua's own errors for bugs", function()
    local e = errors.from("a.lua:1: oops")
    assert.same({ "bug", "a.lua:1: oops" }, { e.kind, e.message })
  end)

  it("knows Lua's memory error", function()
    assert.equal("memory", errors.from("not enough memory").kind)
  end)
end)

describe("errors.check", function()
  it("passes results on", function()
    assert.same({ n = 3, 1, nil, 3 }, table.pack(errors.check(1, nil, 3)))
    assert.same({ n = 2, false, "x" }, table.pack(errors.check(false, "x")))
  end)

  it("raises the error of a core function", function()
    local ok, e =
      pcall(errors.check, nil, { kind = "network", code = "dns", message = "no such host" })
    assert.is_false(ok)
    assert.equal("network", e.kind)
  end)
end)

describe("errors.try", function()
  it("returns all values", function()
    assert.same(
      { n = 2, 1, 2 },
      table.pack(errors.try(function()
        return 1, 2
      end))
    )
  end)

  it("returns nil and the error table", function()
    local v, e = errors.try(error, "boom")
    assert.is_nil(v)
    assert.equal("bug", e.kind)
  end)
end)

describe("errors.exit_code", function()
  for _, case in ipairs({
    { 1, { kind = "bug", message = "" } },
    { 2, { kind = "usage", message = "" } },
    { 2, { kind = "config", message = "" } },
    { 3, { kind = "incomplete", message = "" } },
    { 20, { kind = "usage", code = "confirmation_needed", message = "" } },
    { 71, "not enough memory" },
    { 124, { kind = "timeout", message = "" } },
    { 130, { kind = "cancelled", code = "SIGINT", message = "" } },
    { 143, { kind = "cancelled", code = "SIGTERM", message = "" } },
  }) do
    it("is " .. case[1] .. " for " .. tostring(case[2].code or case[2].kind or case[2]), function()
      assert.equal(case[1], errors.exit_code(case[2]))
    end)
  end
end)

describe("errors.nearest", function()
  local words = { "backup", "restore", "diff", "dry-run" }

  it("finds the word that was meant", function()
    assert.equal("backup", errors.nearest("bakcup", words))
    assert.equal("backup", errors.nearest("BACKUPS", words))
    assert.equal("diff", errors.nearest("dif", words))
    assert.equal("dry-run", errors.nearest("dry_run", words))
  end)

  it("is nil when nothing is near", function()
    assert.is_nil(errors.nearest("zebra", words))
    assert.is_nil(errors.nearest(("x"):rep(5000), words))
  end)
end)
