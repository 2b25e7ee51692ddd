local event = require("awsbak.event")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

local p = policy({
  name = "x",
  summary = "X.",
  options = { { "path", many = true }, { "dry_run", kind = "flag" } },
  run = function(o)
    output.rows({ "path" }, { { path = o.path[1] } })
    return { ok = 1, failed = o.dry_run and 1 or 0, exit_code = 4 }
  end,
})

describe("the event door", function()
  it("answers with the result and the rows that would be printed", function()
    assert.same(
      { status = "ok", ok = 1, failed = 0, items = { { path = "/a" } } },
      event.answer(p, { path = "/a" })
    )
  end)

  it("says when there are more rows than an answer holds", function()
    local answer = event.answer(
      policy({
        name = "y",
        summary = "Y.",
        run = function()
          local i = 0
          output.rows({ "i" }, function()
            i = i + 1
            return i <= 10002 and { i = i } or nil
          end)
        end,
      }),
      {}
    )
    assert.same({ true, 10002, 10000 }, { answer.truncated, answer.items_total, #answer.items })
  end)

  it("answers incomplete when something failed", function()
    assert.equal("incomplete", event.answer(p, { dry_run = true }).status)
  end)

  it("finds the options of an EventBridge event in its detail", function()
    local answer = event.answer(p, {
      version = "0",
      id = "1",
      source = "aws.ssm",
      ["detail-type"] = "Parameter Store Change",
      detail = { path = { "/b" } },
    })
    assert.same({ { path = "/b" } }, answer.items)
  end)

  it("names an unknown key and the nearest one", function()
    local ok, e = pcall(event.answer, p, { ["dry-run"] = true })
    assert.is_false(ok)
    assert.equal("there is no option 'dry-run'; did you mean 'dry_run'?", tostring(e))
  end)

  it("refuses a stream, also one that is the default: they are the event's own", function()
    local ran = false
    local streams = policy({
      name = "y",
      summary = "Y.",
      options = { { "to", default = "-", stream = true }, { "from", stream = true } },
      run = function()
        ran = true
      end,
    })
    for key, e in pairs({
      to = select(2, pcall(event.answer, streams, {})),
      from = select(2, pcall(event.answer, streams, { to = "x", from = "-" })),
    }) do
      assert.same({ "usage", "no_stream" }, { e.kind, e.code })
      assert.matches("`" .. key .. "` is -", e.message, 1, true)
    end
    assert.is_false(ran)
    event.answer(streams, { to = "x" })
    assert.is_true(ran)
  end)

  it("takes only true for a yes", function()
    local ok, e = pcall(event.answer, p, { yes = "true" })
    assert.is_false(ok)
    assert.matches("yes must be true or false, not 'true'", tostring(e), 1, true)
  end)

  it("refuses what is no JSON object", function()
    for _, text in ipairs({ "", "[1]", "3", "{" }) do
      local ok, e = pcall(event.decode, text, "event.json")
      assert.is_false(ok)
      assert.same({ "usage", "bad_event" }, { e.kind, e.code })
    end
  end)
end)
