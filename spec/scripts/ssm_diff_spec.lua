local operator = require("spec.support.operator")

describe("awsbak ssm diff", function()
  local op, fake

  setup(function()
    op, fake = operator.beside_ssm(120)
    op:must({ "ssm", "backup", "--path", "/load/001", "--to", op:path("x.age") })
  end)

  teardown(function()
    op:close()
  end)

  before_each(function()
    fake:clear()
  end)

  local function diff(...)
    return op:run({ "ssm", "diff", op:path("x.age"), ... })
  end

  local function put(name, value)
    op:must({ "api", "ssm", "PutParameter", "Name=" .. name, "Value=" .. value, "Overwrite:=true" })
  end

  it("says nothing of what is equal, and ends with 0", function()
    local result = diff("--exit-code")
    assert.equal(0, result.status)
    local rows, summary = op.rows(result)
    assert.same({}, rows)
    assert.equal(20, summary.equal)
  end)

  it("tells what is missing, what differs and what was added, and never a value", function()
    op:must({ "api", "ssm", "DeleteParameter", "Name=/load/001/p00100" })
    put("/load/001/p00103", "a-new-value") -- a SecureString
    put("/load/001/extra", "another-value")
    local result = diff()
    assert.equal(0, result.status)
    local rows, summary = op.rows(result)
    assert.same({
      { name = "/load/001/p00100", change = "missing" },
      { name = "/load/001/p00103", change = "differs", detail = "value differs" },
      { name = "/load/001/extra", change = "added" },
    }, rows)
    assert.equal(18, summary.equal)
    assert.not_matches("new%-value", result.stdout .. result.stderr)
    assert.not_matches("another%-value", result.stdout .. result.stderr)
  end)

  it("ends with 4 when there are differences and it was asked to tell by its code", function()
    put("/load/001/p00103", "a-new-value")
    assert.equal(4, diff("--exit-code").status)
    assert.equal(0, diff("--exit-code", "--path", "/load/001/p00104").status)
  end)

  it("compares with another prefix", function()
    local rows = op.rows(diff("--rename", "/load=/copy", "--path", "/load/001/p00104"))
    assert.same({ { name = "/copy/001/p00104", change = "missing" } }, rows)
  end)

  it("looks only where was saved for what was added", function()
    put("/elsewhere", "v")
    assert.same({}, (op.rows(diff())))
  end)
end)
