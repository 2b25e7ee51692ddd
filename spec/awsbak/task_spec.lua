local loop = require("awsbak.core.loop")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local task = require("awsbak.task")
local tasks = require("spec.support.tasks")

local SOON = tasks.SOON
local journal = tasks.journal
local defer = tasks.defer
local failure = tasks.failure
local fail_with = tasks.fail_with
local sleep_long = tasks.sleep_long
local caught = tasks.caught

describe("task.await", function()
  it("returns an operation's results in a task", function()
    task.run(function()
      assert.equal(0, select("#", task.await(loop.sleep(0))))
    end)
  end)

  it("works in place in a plain function, outside of any task", function()
    local op = loop.sleep(SOON)
    task.await(op)
    assert.is_nil(task.running())
  end)

  it("works in place in table.sort, gsub, __tostring and a script's own coroutine", function()
    task.run(function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b)
        task.sleep(0)
        return a < b
      end)
      assert.same({ 1, 2, 3 }, list)
      local text = ("a"):gsub("a", function()
        task.sleep(0)
        return "b"
      end)
      assert.equal("b", text)
      local named = setmetatable({}, {
        __tostring = function()
          task.sleep(0)
          return "named"
        end,
      })
      assert.equal("named", tostring(named))
      local wrapped = coroutine.wrap(function()
        task.sleep(0)
        coroutine.yield(1)
        task.sleep(0)
        return 2
      end)
      assert.equal(1, wrapped())
      assert.equal(2, wrapped())
    end)
  end)

  it("in place keeps what finishes for other tasks meanwhile", function()
    local lines, note = journal()
    task.run(function()
      local other = task.spawn(function()
        task.sleep(0)
        note("other")
      end)
      task.sleep(0) -- the other one begins to wait
      table.sort({ 2, 1 }, function(a, b)
        task.sleep(SOON)
        note("in place")
        return a < b
      end)
      task.await(other)
    end)
    assert.equal("other", lines[#lines])
    assert.equal("in place", lines[1])
  end)

  it("raises the error of an operation as an error table", function()
    local op = {
      id = function()
        return 1 << 40
      end,
      done = function()
        return true
      end,
      result = function()
        return nil, { kind = "network", code = "cut", message = "the reply was cut" }
      end,
    }
    local e = caught(task.await, op)
    assert.is_true(errors.is(e))
    assert.equal("cut", e.code)
  end)

  it("raises the error of an operation that did not start", function()
    local why = { kind = "memory", code = "ENOMEM", message = "out of memory" }
    local e = caught(task.await, nil, why)
    assert.is_true(errors.is(e))
    assert.equal("ENOMEM", e.code)
    assert.equal("usage", caught(task.await, nil).kind)
  end)

  it("refuses an operation that another task awaits", function()
    local e = caught(task.run, function()
      local op <close> = loop.sleep(100)
      local function wait()
        task.await(op)
      end
      task.all({ wait, wait })
    end)
    assert.matches("another task awaits this operation", tostring(e))
    assert.equal("usage", e.kind)
  end)

  it("of a task returns its values, nils included, every time", function()
    task.run(function()
      local t = task.spawn(function(...)
        return nil, ..., nil
      end, 7)
      assert.same({ nil, 7, nil, n = 3 }, table.pack(task.await(t)))
      assert.same({ nil, 7, nil, n = 3 }, table.pack(task.await(t)))
    end)
  end)

  it("of a task outside of tasks runs the scheduler", function()
    local t = task.spawn(function()
      task.sleep(SOON)
      return "value"
    end)
    assert.equal("value", task.await(t))
  end)

  it("of a task raises where nothing can yield while tasks run", function()
    task.run(function()
      local t = task.spawn(function() end)
      local e
      table.sort({ 2, 1 }, function(a, b)
        e = e or caught(task.await, t)
        return a < b
      end)
      assert.matches("only from a task's own coroutine", tostring(e))
    end)
  end)

  it("of the own task raises", function()
    local e = caught(task.run, function()
      task.await(task.running())
    end)
    assert.matches("cannot await itself", tostring(e))
  end)

  it("raises when tasks await each other in a circle", function()
    local e = caught(task.run, function()
      local a, b
      a = task.spawn(function()
        task.await(b)
      end)
      b = task.spawn(function()
        task.await(a)
      end)
    end)
    assert.equal("deadlock", e.code)
  end)

  it("in a module body works in place", function()
    package.preload["spec.task.body"] = function()
      task.sleep(SOON)
      return { loaded = true }
    end
    task.run(function()
      assert.is_true(require("spec.task.body").loaded)
    end)
    package.preload["spec.task.body"], package.loaded["spec.task.body"] = nil, nil
  end)
end)

describe("task.run", function()
  it("passes arguments and returns results", function()
    assert.same(
      { 1, nil, 3, n = 3 },
      table.pack(task.run(function(...)
        return ...
      end, 1, nil, 3))
    )
  end)

  it("ends after the children of its task", function()
    local lines, note = journal()
    task.run(function()
      task.spawn(function()
        task.sleep(SOON)
        task.spawn(function()
          task.sleep(SOON)
          note("grandchild")
        end)
        note("child")
      end)
      note("body")
    end)
    assert.same({ "body", "child", "grandchild" }, lines)
  end)

  it("inside a task waits for that part of the tree alone", function()
    task.run(function()
      local background = task.spawn(sleep_long)
      assert.equal(
        5,
        task.run(function()
          task.sleep(0)
          return 5
        end)
      )
      task.cancel(background)
    end)
  end)

  it("makes Lua's own errors kind bug, with position and traceback", function()
    local e = caught(task.run, function()
      local nothing = nil
      return nothing.field
    end)
    assert.equal("bug", e.kind)
    assert.matches("task_spec.lua:%d+: attempt to index", e.message)
    assert.matches("stack traceback", e.traceback)
  end)

  it("passes other error values on as they are", function()
    local value = setmetatable({}, { __name = "mine" })
    assert.equal(value, caught(task.run, error, value))
  end)

  it("runs <close> variables of a task that dies by an error", function()
    local closed
    caught(task.run, function()
      local _ <close> = defer(function()
        closed = true
      end)
      error("boom")
    end)
    assert.is_true(closed)
  end)

  it("takes a task's bare coroutine.yield as the others' turn", function()
    local lines, note = journal()
    task.run(function()
      task.spawn(note, "child")
      coroutine.yield()
      note("parent")
    end)
    assert.same({ "child", "parent" }, lines)
  end)
end)

describe("the first error among siblings", function()
  it("cancels the others, waits for their cleanup, and is raised in the parent", function()
    local lines, note = journal()
    local e = caught(task.run, function()
      task.spawn(function()
        local _ <close> = defer(function()
          task.sleep(SOON)
          note("cleaned")
        end)
        sleep_long()
      end)
      task.spawn(function()
        task.sleep(0)
        error(failure("first"), 0)
      end)
      local _ <close> = defer(function()
        note("parent unwinds")
      end)
      sleep_long()
    end)
    assert.equal("first", e.code)
    assert.same({ "cleaned", "parent unwinds" }, lines)
  end)

  it("is raised at the parent's end when the parent awaits nothing", function()
    local e = caught(task.run, function()
      task.spawn(fail_with("late"))
    end)
    assert.equal("late", e.code)
  end)

  it("can be caught where it is raised, and the parent goes on", function()
    task.run(function()
      local t = task.spawn(fail_with("caught"))
      assert.equal("caught", caught(task.await, t).code)
      task.sleep(0)
      assert.equal(
        1,
        task.await(task.spawn(function()
          return 1
        end))
      )
    end)
  end)

  it("is the caller's mistake where a function takes something else", function()
    for _, call in ipairs({
      { task.all },
      { task.all, "x" },
      { task.all, { "x" } },
      { task.all, { a = print } },
      { task.all, { [2] = print } },
      { task.await, "x" },
      { task.await, {} },
      { task.await, io.stdout },
      { task.cancel },
      { task.cancel, {} },
      { task.cancel, task.spawn(function() end), 5 },
      { task.each },
      { task.each, {}, 0, print },
      { task.each, {}, 1 },
      { task.each, { a = 1 }, 1, print },
      { task.run, 5 },
      { task.shield },
      { task.sleep, "x" },
      { task.sleep, -1 },
      { task.sleep, 0 / 0 },
      { task.spawn },
      { task.timeout, "x", print },
      { task.timeout, 1 },
    }) do
      local e = caught(table.unpack(call))
      assert.same({ "usage", "bad_argument" }, { e.kind, e.code })
    end
  end)

  it("goes on after an error that cannot be shown", function()
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    task.spawn(function()
      error(setmetatable({}, { __tostring = error, __index = function() error("no") end }))
    end)
    assert.equal(
      1,
      task.run(function()
        task.sleep(0)
        return 1
      end)
    )
    assert.matches("a task that nobody awaits failed: .* cannot be shown", log.lines[1])
  end)

  it("carries the errors of the siblings' cleanup", function()
    local e = caught(task.run, function()
      task.spawn(function()
        local _ <close> = defer(fail_with("second"))
        sleep_long()
      end)
      task.spawn(function()
        task.sleep(0)
        error(failure("first"), 0)
      end)
    end)
    assert.equal("first", e.code)
    assert.equal("second", e.also[1].code)
  end)

  it("interrupts a parent that waits in task.all for others", function()
    local e = caught(task.run, function()
      task.spawn(function()
        task.sleep(0)
        error(failure("beside"), 0)
      end)
      task.all({ sleep_long })
    end)
    assert.equal("beside", e.code)
  end)

  it("of a task nobody belongs to is logged when nobody awaits it", function()
    local before = log.lines
    log.lines = {}
    task.spawn(fail_with("alone"))
    task.run(function()
      task.sleep(0)
    end)
    local lines = log.lines
    log.lines = before
    assert.matches("alone", lines[1])
  end)
end)
