local errors = require("awsbak.errors")
local rounds = require("backup.rounds")
local task = require("awsbak.task")

local function upto(n)
  local i = 0
  return function()
    i = i + 1
    return i <= n and i or nil
  end
end

local function collect(iterator)
  local list = {}
  for value in iterator do
    list[#list + 1] = value
  end
  return list
end

describe("rounds.map", function()
  it("gives results in the order of the items, whichever was ready first", function()
    local found = collect(rounds.map(upto(7), 3, 2, function(i)
      if i % 2 == 1 then
        task.await(task.spawn(function() end))
      end
      return i * 10
    end))
    assert.same({ 10, 20, 30, 40, 50, 60, 70 }, found)
  end)

  it("leaves out what f gives nothing for, and ends with the items", function()
    for count = 0, 9 do
      local wanted = {}
      for i = 2, count, 2 do
        wanted[#wanted + 1] = i
      end
      assert.same(
        wanted,
        collect(rounds.map(upto(count), 4, 4, function(i)
          return i % 2 == 0 and i
        end))
      )
    end
  end)

  it("reads no more than a round ahead, and runs no more at once than told", function()
    local read, running, most = 0, 0, 0
    local each = rounds.map(
      function()
        read = read + 1
        return read
      end,
      4,
      2,
      function(i)
        running = running + 1
        most = math.max(most, running)
        task.await(task.spawn(function() end))
        running = running - 1
        return i
      end
    )
    for _ = 1, 4 do
      each()
    end
    assert.equal(4, read)
    each()
    assert.equal(8, read)
    assert.equal(2, most)
  end)

  --- What a round of five gives before it raises, and what it raises, if `at_third` does so.
  local function broken(at_third)
    local each = rounds.map(upto(7), 5, 1, function(i)
      if i == 3 then
        at_third()
      end
      return i
    end)
    local list = {}
    local _, e = errors.try(function()
      for value in each do
        list[#list + 1] = value
      end
    end)
    return list, e, each
  end

  it("raises what f raises, after what was done before", function()
    local list, e, each = broken(function()
      errors.raise({ kind = "network", code = "x", message = "broken" })
    end)
    assert.same({ 1, 2 }, list)
    assert.equal("network", e.kind)
    local _, again = errors.try(each)
    assert.equal(e, again)
  end)

  it("gives what was done when it is cancelled, too", function()
    local list, e
    local _, cancelled = errors.try(task.run, function()
      local t = task.running()
      list, e = broken(function()
        task.cancel(t)
        task.sleep(0)
      end)
      task.sleep(0)
    end)
    assert.same({ 1, 2 }, list)
    assert.same({ "cancelled", "cancelled" }, { e.kind, cancelled.kind })
  end)
end)
