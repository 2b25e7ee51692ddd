local output = require("awsbak.output")
local plan = require("awsbak.plan")
local policy = require("awsbak.policy")
local program = require("spec.support.program")
local settings = require("awsbak.settings")
local shell = require("spec.support.shell")

local function sum()
  return policy({
    name = "sum",
    summary = "Add numbers.",
    options = { { "number", kind = "integer", many = true }, { "dry_run", kind = "flag" } },
    run = function(o, context)
      local total = 0
      for _, n in ipairs(o.number) do
        total = total + n
      end
      return { ok = #o.number, total = total, door = context.door, dry = o.dry_run }
    end,
  })
end

describe("a policy", function()
  it("is a function for other code, with its options checked", function()
    assert.same(
      { ok = 2, total = 3, door = "library", dry = false },
      sum().run({ number = { 1, 2 } })
    )
    assert.equal(5, sum()({ number = 5 }).total)
    assert.equal(0, sum().run().total)
  end)

  it("refuses options it does not have", function()
    local ok, e = pcall(sum().run, { nubmer = 1 })
    assert.is_false(ok)
    assert.equal("there is no option 'nubmer'; did you mean 'number'?", tostring(e))
  end)

  it("with a mistake in it is named by its file, with what was meant", function()
    local run = function() end
    for message, definition in pairs({
      ["a policy has no field 'summry'; did you mean 'summary'?"] = {
        name = "x",
        summry = "x",
        run = run,
      },
      ["option 'n' is of no known kind: intger; did you mean 'integer'?"] = {
        name = "x",
        summary = "x",
        options = { { "n", kind = "intger" } },
        run = run,
      },
    }) do
      local ok, e = pcall(policy, definition)
      assert.is_false(ok)
      assert.same({ "config", "bad_policy" }, { e.kind, e.code })
      assert.matches("policy_spec.lua: " .. message, tostring(e), 1, true)
    end
  end)

  it("returns a table or nothing", function()
    local odd = policy({
      name = "odd",
      summary = "Odd.",
      run = function()
        return "done"
      end,
    })
    local ok, e = pcall(odd.run)
    assert.is_false(ok)
    assert.matches("policy_spec.lua: run must return a table or nothing, not a string", e.message)
  end)

  it("must be defined rightly", function()
    for _, definition in ipairs({
      { summary = "x", run = print },
      { name = "x", summary = "x", run = print, optoins = {} },
      { name = "x", summary = "x", run = "print" },
    }) do
      assert.has_error(function()
        policy(definition)
      end)
    end
  end)

  it("ends with 3 when something failed, else with its own code or 0", function()
    assert.equal(3, policy.exit_code({ ok = 1, failed = 1, exit_code = 4 }))
    assert.equal(4, policy.exit_code({ ok = 1, failed = 0, exit_code = 4 }))
    assert.equal(0, policy.exit_code({ ok = 1 }))
    assert.equal(0, policy.exit_code(nil))
  end)
end)

describe("a dry run of a policy", function()
  --- A policy that notes what it was called with, and withholds a change when the guard is on.
  local function counted(options, seen)
    return policy({
      name = "count",
      summary = "Count.",
      options = options,
      run = function(o)
        seen.own, seen.guard = o.dry_run, settings.get("dry_run")
        if seen.guard then
          plan.add({ service = "s", operation = "PutThing", input = { Name = "a" } })
        end
        if seen.fails then
          error("boom", 0)
        end
        return { ok = 1 }
      end,
    })
  end

  local OWN = { { "dry_run", kind = "flag" } }

  before_each(plan.take)

  it("tells policies that plan for themselves, and shows what was withheld", function()
    local seen = {}
    local collected, result = settings.with({ dry_run = true }, function()
      return output.collect(counted(OWN, seen).run)
    end)
    assert.same({ own = true, guard = true }, seen)
    assert.same({ ok = 1, withheld = 1 }, result)
    assert.same(
      { { type = "plan", service = "s", operation = "PutThing", input = { Name = "a" } } },
      collected.items
    )
  end)

  it("marks the result of those that do not", function()
    local seen = {}
    local _, result = settings.with({ dry_run = true }, function()
      return output.collect(counted({}, seen).run)
    end)
    assert.same({ guard = true }, seen)
    assert.same({ ok = 1, dry_run = true, withheld = 1 }, result)
  end)

  it("has the guard below the policy's own option", function()
    local seen = {}
    output.collect(counted(OWN, seen).run, { dry_run = true })
    assert.same({ own = true, guard = true }, seen)
    assert.is_nil((settings.get("dry_run")))
    output.collect(counted(OWN, seen).run, {})
    assert.same({ own = false }, seen)
  end)

  it("shows what was withheld before an error, too", function()
    local collected = output.collect(function()
      pcall(counted(OWN, { fails = true }).run, { dry_run = true })
    end)
    assert.equal(1, #collected.items)
  end)
end)

describe("policy.confirm", function()
  it("raises where nobody can be asked, with exit code 20", function()
    local code = [[require("awsbak.policy").confirm("Overwrite 3 parameters?", { "/a\27", "/b" })]]
    local result = program.run({ "-e", code })
    assert.equal(20, result.status)
    assert.equal(
      "/a\\x1b\n/b\nawsbak: error: not confirmed: Overwrite 3 parameters;"
        .. ' there is no terminal to ask on; --yes goes on, in an event "yes": true\n',
      result.stderr
    )
  end)

  it("takes the end of what is typed for a no, on a line of its own", function()
    local code = [[require("awsbak.policy").confirm("Really?")]]
    local words = shell.join({ program.path(), "-e", code })
    local line = "python3 spec/support/terminal.py %s </dev/null"
    local pipe <close> = assert(io.popen(line:format(words)))
    local said = "Really? [y/N] \nawsbak: error: not confirmed; nothing was changed\n"
    assert.equal(said, pipe:read("a"))
  end)

  it("is content with --yes", function()
    settings.with({ yes = true }, function()
      assert.is_true(policy.confirm("Really?"))
    end)
  end)
end)
