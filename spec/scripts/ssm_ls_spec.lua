local operator = require("spec.support.operator")

describe("awsbak ssm ls", function()
  local op, fake

  setup(function()
    op, fake = operator.beside_ssm(120)
  end)

  teardown(function()
    op:close()
  end)

  before_each(function()
    fake:clear()
  end)

  it("lists all parameters without asking for a value", function()
    local rows, summary = op.rows(op:must({ "ssm", "ls" }))
    assert.equal(120, #rows)
    assert.equal(120, summary.ok)
    assert.equal("/load/000/p00000", rows[1].name)
    assert.equal("String", rows[1].type)
    assert.is_nil(rows[1].value)
    assert.same({ DescribeParameters = 3 }, fake:counts())
  end)

  it("lists what is below a path", function()
    assert.equal(20, #op.rows(op:must({ "ssm", "ls", "--path", "/load/001" })))
    assert.equal(0, #op.rows(op:must({ "ssm", "ls", "--path", "/loa" })))
  end)

  it("shows values when asked, and those of SecureStrings only when asked twice", function()
    local words = { "ssm", "ls", "--path", "/load/001", "--values" }
    local hidden = op.rows(op:must(words))
    words[#words + 1] = "--reveal"
    local revealed = op.rows(op:must(words))
    for i, row in ipairs(hidden) do
      if row.type == "SecureString" then
        assert.equal("<secret>", row.value)
        assert.matches("^%x+$", revealed[i].value)
      else
        assert.matches("^%x+$", row.value)
        assert.equal(row.value, revealed[i].value)
      end
    end
  end)

  it("does not even decrypt what it does not show", function()
    op:must({ "ssm", "ls", "--path", "/load/001", "--values" })
    for _, request in ipairs(fake:requests()) do
      assert.not_matches('"WithDecryption":true', request.body)
    end
  end)

  it("refuses --reveal without --values", function()
    local result = op:run({ "ssm", "ls", "--reveal" })
    assert.equal(2, result.status)
    assert.matches("%-%-values", result.stderr)
  end)

  it("prints a table when asked for one, with the summary beside it", function()
    local result = op:must({ "ssm", "ls", "--path", "/load/001", "--output", "table" })
    assert.matches("^NAME +TYPE +VERSION +MODIFIED +TIER\n/load/001/p00100 ", result.stdout)
    assert.matches("20 ok", result.stderr)
  end)
end)
