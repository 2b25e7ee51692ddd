local errors = require("awsbak.errors")
local log = require("awsbak.log")
local loop = require("awsbak.core.loop")
local task = require("awsbak.task")

local SOON = 0.001

--- A list that remembers what happened in which order.
local function journal()
  local lines = {}
  return lines, function(line)
    lines[#lines + 1] = line
  end
end

--- A function that calls `f` when the scope it is made in closes.
local function defer(f)
  return setmetatable({}, { __close = f })
end

--- An error table as a core function would report it.
local function failure(code)
  return errors.new({ kind = "io", code = code, message = code })
end

local function fail_with(code)
  return function()
    error(failure(code), 0)
  end
end

local function sleep_long()
  task.sleep(100)
end

--- The error `f` raises.
local function caught(f, ...)
  local ok, e = pcall(f, ...)
  assert.is_false(ok, "no error was raised")
  return e
end

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

  it("works in place inside table.sort, string.gsub, __tostring and a coroutine of the script's own", function()
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

  it("refuses an operation that another task awaits", function()
    local e = caught(task.run, function()
      local op <close> = loop.sleep(100)
      local function wait()
        task.await(op)
      end
      task.all({ wait, wait })
    end)
    assert.matches("another task awaits this operation", tostring(e))
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
    assert.same({ 1, nil, 3, n = 3 }, table.pack(task.run(function(...)
      return ...
    end, 1, nil, 3)))
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
      assert.equal(5, task.run(function()
        task.sleep(0)
        return 5
      end))
      task.cancel(background)
    end)
  end)

  it("makes Lua's own errors kind bug, with position and traceback", function()
    local e = caught(task.run, function()
      local nothing
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
      assert.equal(1, task.await(task.spawn(function()
        return 1
      end)))
    end)
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

describe("cancellation", function()
  it("is raised at the await, closes the operation and runs <close> variables", function()
    local lines, note = journal()
    task.run(function()
      local op = loop.sleep(100)
      local t = task.spawn(function()
        local _ <close> = defer(function(_, e)
          note(e.kind)
        end)
        task.await(op)
      end)
      task.sleep(0)
      task.cancel(t, "enough")
      local e = caught(task.await, t)
      assert.equal("cancelled", e.kind)
      assert.equal("enough", e.message)
      assert.has_error(function()
        op:done()
      end)
    end)
    assert.same({ "cancelled" }, lines)
  end)

  it("is sticky: every later await raises it again", function()
    local kinds, note = journal()
    task.run(function()
      local t = task.spawn(function()
        for _ = 1, 3 do
          note(caught(task.sleep, 100).kind)
        end
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "cancelled", "cancelled", "cancelled" }, kinds)
  end)

  it("reaches in-place awaits too", function()
    local kinds, note = journal()
    task.run(function()
      local t = task.spawn(function()
        note(caught(task.sleep, 100).kind)
        table.sort({ 2, 1 }, function(a, b)
          note(caught(task.sleep, 100).kind)
          return a < b
        end)
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "cancelled", "cancelled" }, kinds)
  end)

  it("lets a __close await, below a pcall too", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        local e = caught(function()
          local _ <close> = defer(function()
            task.sleep(SOON)
            note("inner cleanup")
          end)
          sleep_long()
        end)
        note(e.kind)
        local _ <close> = defer(function()
          task.sleep(SOON)
          note("outer cleanup")
        end)
        note(caught(sleep_long).kind)
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "inner cleanup", "cancelled", "cancelled", "outer cleanup" }, lines)
  end)

  it("lets a __close await that takes no argument and ends in a tail call", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        local function abort()
          task.sleep(SOON)
          note("aborted")
        end
        caught(function()
          local _ <close> = defer(function()
            return abort()
          end)
          sleep_long()
        end)
        note(caught(abort).kind)
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "aborted", "cancelled" }, lines)
  end)

  it("lets a cleanup run tasks of its own", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        local _ <close> = defer(function()
          task.all({
            function()
              task.sleep(SOON)
              note("aborted")
            end,
          })
        end)
        sleep_long()
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "aborted" }, lines)
  end)

  it("gives cleanup only so much grace", function()
    local grace = task.GRACE
    task.GRACE = SOON
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        local _ <close> = defer(function()
          note(caught(sleep_long).kind)
        end)
        task.shield(function()
          note(caught(sleep_long).kind)
        end)
        sleep_long()
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    task.GRACE = grace
    assert.same({ "cancelled", "cancelled" }, lines)
  end)

  it("reaches children, and waits for them", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        task.all({
          function()
            local _ <close> = defer(function()
              task.sleep(SOON)
              note("child")
            end)
            sleep_long()
          end,
        })
      end)
      task.sleep(SOON)
      task.cancel(t)
      caught(task.await, t)
      note("awaited")
    end)
    assert.same({ "child", "awaited" }, lines)
  end)

  it("before a task began keeps it from beginning", function()
    local began
    task.run(function()
      task.cancel(task.spawn(function()
        began = true
      end))
    end)
    assert.is_nil(began)
  end)

  it("loses no error of a cleanup that fails", function()
    local e = caught(task.run, function()
      local t = task.spawn(function()
        local _ <close> = defer(fail_with("cleanup"))
        sleep_long()
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.equal("cleanup", e.code)
  end)
end)

describe("task.shield", function()
  it("is not interrupted; the next await after it is", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(function()
        note(task.shield(function(...)
          task.sleep(SOON)
          return ...
        end, "finished"))
        note(caught(sleep_long).kind)
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "finished", "cancelled" }, lines)
  end)

  it("covers the tasks it starts", function()
    local lines, note = journal()
    task.run(function()
      local t = task.spawn(task.shield, function()
        task.all({
          function()
            task.sleep(SOON)
            note("finished")
          end,
        })
      end)
      task.sleep(0)
      task.cancel(t)
    end)
    assert.same({ "finished" }, lines)
  end)

  it("hears of a child's error when it awaits it", function()
    task.run(function()
      task.shield(function()
        assert.equal("inside", caught(task.await, task.spawn(fail_with("inside"))).code)
      end)
      task.sleep(0)
    end)
  end)

  it("is a plain call outside of tasks", function()
    assert.equal(3, task.shield(function(a, b)
      return a + b
    end, 1, 2))
  end)
end)

describe("task.all", function()
  it("runs functions at once and returns each one's first result", function()
    local lines, note = journal()
    local a, b, c = task.all({
      function()
        task.sleep(SOON)
        note("a")
        return 1, "more"
      end,
      function()
        note("b")
      end,
      function()
        return 3
      end,
    })
    assert.same({ 1, nil, 3, n = 3 }, table.pack(a, b, c))
    assert.same({ "b", "a" }, lines)
  end)

  it("raises the first error, and leaves other tasks of the caller alone", function()
    task.run(function()
      local background = task.spawn(function()
        task.sleep(SOON)
        return "whole"
      end)
      local e = caught(task.all, { sleep_long, fail_with("one") })
      assert.equal("one", e.code)
      assert.equal("whole", task.await(background))
    end)
  end)
end)

describe("task.each", function()
  it("calls the function for every item of an iterator or a list, with all its values", function()
    local seen = {}
    task.each({ "x", "y" }, 5, function(item)
      seen[#seen + 1] = item
    end)
    task.each(("k=v"):gmatch("(%w)=(%w)"), 5, function(k, v)
      seen[#seen + 1] = k .. v
    end)
    assert.same({ "x", "y", "kv" }, seen)
  end)

  it("runs at most so many at a time, and that many", function()
    local running, most = 0, 0
    local i = 0
    task.each(function()
      task.sleep(0)
      i = i + 1
      return i <= 20 and i or nil
    end, 4, function()
      running = running + 1
      most = math.max(most, running)
      task.sleep(SOON)
      running = running - 1
    end)
    assert.equal(0, running)
    assert.equal(4, most)
  end)

  it("stops at the first error and cancels what runs", function()
    local begun = 0
    local e = caught(task.each, { 1, 2, 3, 4, 5, 6 }, 2, function(n)
      begun = begun + 1
      if n == 2 then
        error(failure("item"), 0)
      end
      sleep_long()
    end)
    assert.equal("item", e.code)
    assert.equal(2, begun)
  end)

  it("interrupts an iterator that awaits when an item fails", function()
    local first = true
    local e = caught(task.each, function()
      if first then
        first = false
        return 1
      end
      sleep_long()
    end, 2, fail_with("item"))
    assert.equal("item", e.code)
  end)

  it("waits for what runs when the iterator fails, and raises its error", function()
    local lines, note = journal()
    local first = true
    local e = caught(task.each, function()
      if first then
        first = false
        return 1
      end
      task.sleep(0)
      error(failure("iterator"), 0)
    end, 2, function()
      local _ <close> = defer(function()
        task.sleep(SOON)
        note("cleaned")
      end)
      sleep_long()
    end)
    assert.equal("iterator", e.code)
    assert.same({ "cleaned" }, lines)
  end)

  it("keeps thousands in flight", function()
    local done = 0
    local i = 0
    task.each(function()
      i = i + 1
      return i <= 5000 and i or nil
    end, 5000, function()
      task.sleep(SOON)
      done = done + 1
    end)
    assert.equal(5000, done)
  end)
end)

describe("task.timeout", function()
  it("returns the results of what is fast enough", function()
    assert.same({ 1, 2 }, { task.timeout(100, function(...)
      task.sleep(0)
      return ...
    end, 1, 2) })
  end)

  it("cancels what takes too long, waits for its cleanup and raises a timeout", function()
    local lines, note = journal()
    local e = caught(task.timeout, SOON, function()
      local _ <close> = defer(function()
        task.sleep(SOON)
        note("cleaned")
      end)
      sleep_long()
    end)
    assert.equal("timeout", e.kind)
    assert.matches("0.001 s", e.message)
    assert.same({ "cleaned" }, lines)
  end)

  it("passes an error on", function()
    assert.equal("own", caught(task.timeout, 100, fail_with("own")).code)
  end)

  it("can be caught, and the task goes on", function()
    task.run(function()
      local background = task.spawn(function()
        task.sleep(SOON)
        return 1
      end)
      assert.equal("timeout", caught(task.timeout, SOON, sleep_long).kind)
      assert.equal(1, task.await(background))
    end)
  end)

  it("of an outer call ends an inner one", function()
    local e = caught(task.timeout, SOON, function()
      task.timeout(100, sleep_long)
    end)
    assert.matches("0.001 s", e.message)
  end)
end)

describe("os.exit in a task", function()
  local exit_process
  before_each(function()
    exit_process = task.exit_process
  end)
  after_each(function()
    task.exit_process = exit_process
  end)

  it("unwinds all tasks, then ends the process and closes the state", function()
    local lines, note = journal()
    local arguments
    task.exit_process = function(...)
      arguments = { ... }
    end
    pcall(task.run, function()
      task.spawn(function()
        local _ <close> = defer(function()
          task.sleep(SOON)
          note("sibling")
        end)
        sleep_long()
      end)
      task.sleep(0)
      local _ <close> = defer(function()
        note("caller")
      end)
      os.exit(7)
    end)
    assert.same({ 7, true }, arguments)
    table.sort(lines)
    assert.same({ "caller", "sibling" }, lines)
  end)

  it("is the ordinary one again when no task runs", function()
    local before = os.exit
    task.run(function()
      assert.not_equal(before, os.exit)
    end)
    assert.equal(before, os.exit)
  end)
end)
