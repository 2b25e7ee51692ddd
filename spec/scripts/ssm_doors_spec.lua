--- The same policy through its other doors: an event and a function call.

local json = require("awsbak.core.json")
local operator = require("spec.support.operator")

describe("the ssm policies", function()
  local op

  setup(function()
    op = operator.beside_ssm(120)
  end)

  teardown(function()
    op:close()
  end)

  local function invoke(name, event)
    local file = op.home:write("event.json", json.encode(event))
    return op:run({ "invoke", name, file })
  end

  it("answer an event", function()
    local to = op:path("x.age")
    local backup = invoke("ssm/backup", { path = "/load/001", to = to })
    assert.equal(0, backup.status, backup.stderr)
    local answer = assert(json.decode(backup.stdout))
    assert.same({ "ok", 20, to }, { answer.status, answer.ok, answer.location })
    local restore = invoke("ssm/restore", { from = to, rename = "/load=/new", dry_run = true })
    answer = assert(json.decode(restore.stdout))
    assert.equal(20, answer.to_create)
    assert.equal("/new/001/p00100", answer.items[1].name)
  end)

  it("answer the detail of an EventBridge event", function()
    local result = invoke("ssm/ls", {
      ["detail-type"] = "Scheduled",
      source = "spec",
      detail = { path = { "/load/001" } },
    })
    assert.equal(20, assert(json.decode(result.stdout)).ok)
  end)

  it("name a key of an event that they do not know, and the nearest", function()
    local result = invoke("ssm/backup", { paht = "/x" })
    assert.equal(2, result.status)
    assert.matches("'paht'.*'path'", result.stderr)
  end)

  it("put nothing but the answer to an event on standard output", function()
    for name, event in pairs({ ["ssm/backup"] = {}, ["ssm/restore"] = { from = "-" } }) do
      local result = invoke(name, event)
      local answer = assert(json.decode(result.stdout))
      assert.same({ 2, "error", "no_stream" }, { result.status, answer.status, answer.code })
      assert.matches("an event has no standard input or output", result.stderr)
    end
  end)

  it("answer in JSON when they fail, too", function()
    local from = op:path("confirm.age")
    op:must({ "ssm", "backup", "--path", "/load/001", "--to", from })
    local event = { from = from, overwrite = "always" }
    local result = invoke("ssm/restore", event)
    local answer = assert(json.decode(result.stdout))
    assert.same(
      { 20, "error", "usage", "confirmation_needed", 20 },
      { result.status, answer.status, answer.kind, answer.code, answer.exit_code }
    )
    assert.matches("Write 20 parameters as planned$", answer.message)
    assert.matches('"yes": true', answer.hint, 1, true)
    event.yes = true
    assert.equal(0, invoke("ssm/restore", event).status)
  end)

  it("are functions", function()
    local script = op.home:write(
      "run.lua",
      [[
      local result = require("scripts.ssm.backup").run({ path = "/load/001", to = arg[1] })
      assert(result.ok == 20 and result.failed == 0)
      assert(require("scripts.ssm.diff")({ from = arg[1] }).equal == 20)
      local aws = require("aws")
      local _, e = aws.try(require("scripts.ssm.backup").run, { path = "/load/001", to = arg[1] })
      assert(e.kind == "io" and e.code == "EEXIST", e)]]
    )
    op:must({ script, op:path("y.age") })
  end)
end)
