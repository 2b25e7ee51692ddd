local task = require("awsbak.task")
local tasks = require("spec.support.tasks")

local SOON = tasks.SOON
local journal = tasks.journal
local defer = tasks.defer
local failure = tasks.failure
local fail_with = tasks.fail_with
local sleep_long = tasks.sleep_long
local caught = tasks.caught

--- An iterator over 1 to `n`.
local function numbers(n)
  local at = 0
  return function()
    at = at + 1
    return at <= n and at or nil
  end
end

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
    task.each(
      function()
        task.sleep(0)
        i = i + 1
        return i <= 20 and i or nil
      end,
      4,
      function()
        running = running + 1
        most = math.max(most, running)
        task.sleep(SOON)
        running = running - 1
      end
    )
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
    local e = caught(
      task.each,
      function()
        if first then
          first = false
          return 1
        end
        task.sleep(0)
        error(failure("iterator"), 0)
      end,
      2,
      function()
        local _ <close> = defer(function()
          task.sleep(SOON)
          note("cleaned")
        end)
        sleep_long()
      end
    )
    assert.equal("iterator", e.code)
    assert.same({ "cleaned" }, lines)
  end)

  it("keeps thousands in flight", function()
    local done = 0
    local i = 0
    task.each(
      function()
        i = i + 1
        return i <= 5000 and i or nil
      end,
      5000,
      function()
        task.sleep(SOON)
        done = done + 1
      end
    )
    assert.equal(5000, done)
  end)

  describe("runs later calls in the coroutines of those that ended", function()
    it("of which there are no more than calls at a time", function()
      local used, count = {}, 0
      task.each(numbers(60), 3, function(n)
        local co = coroutine.running()
        count = count + (used[co] and 0 or 1)
        used[co] = true
        task.sleep(n % 2 == 0 and SOON or 0)
      end)
      assert.equal(3, count)
    end)

    it("and nothing of an earlier one shows", function()
      local got = {}
      task.each(numbers(4), 1, function(n)
        got[#got + 1] = select("#", coroutine.yield("mine"))
        got[#got + 1] = n
        local e = caught(task.all, { fail_with("own") })
        assert.equal("own", e.code)
        task.spawn(task.sleep, 0)
        return n
      end)
      assert.same({ 0, 1, 0, 2, 0, 3, 0, 4 }, got)
    end)

    it("and what an earlier one returned is not kept", function()
      local kept = setmetatable({}, { __mode = "k" })
      local left
      task.each(numbers(2), 2, function(n)
        if n == 1 then
          local large = {}
          kept[large] = true
          return large
        end
        task.sleep(SOON)
        collectgarbage()
        left = next(kept)
      end)
      assert.is_nil(left)
    end)

    it("unless a script has resumed one", function()
      local ended, seen
      task.each(numbers(4), 2, function(n)
        if n == 1 then
          ended, seen = coroutine.running(), {}
        elseif n == 2 then
          assert.is_false((coroutine.resume(ended)))
        end
        seen[#seen + 1] = n
      end)
      assert.same({ 1, 2, 3, 4 }, seen)
    end)
  end)
end)

describe("task.timeout", function()
  it("returns the results of what is fast enough", function()
    assert.same(
      { 1, 2 },
      { task.timeout(100, function(...)
        task.sleep(0)
        return ...
      end, 1, 2) }
    )
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
