local errors = require("awsbak.errors")
local task = require("awsbak.task")

describe("task.gate", function()
  it("lets so many in at a time, in the order they came", function()
    local gate, inside, most, order = task.gate(3), 0, 0, {}
    local numbers = {}
    for i = 1, 20 do
      numbers[i] = i
    end
    task.each(numbers, 20, function(i)
      local _ <close> = gate:enter()
      inside, most = inside + 1, math.max(most, inside + 1)
      order[#order + 1] = i
      task.sleep(0)
      inside = inside - 1
    end)
    assert.same({ 0, 3, numbers }, { inside, most, order })
  end)

  it("gives a place back when what is inside fails", function()
    local gate = task.gate(1)
    for _ = 1, 3 do
      local _, err = errors.try(task.run, function()
        local _ <close> = gate:enter()
        task.sleep(0)
        error("no", 0)
      end)
      assert.equal("no", err.message)
    end
  end)

  it("forgets who is cancelled, with no place free and when one is given meanwhile", function()
    for _, given in ipairs({ false, true }) do
      local gate = task.gate(1)
      task.run(function()
        local place = gate:enter()
        local entered = false
        local second = task.spawn(function()
          local _ <close> = gate:enter()
          entered = true
        end)
        task.sleep(0)
        task.cancel(second)
        if given then
          getmetatable(place).__close(place)
        end
        errors.try(task.await, second)
        assert.is_false(entered)
        if not given then
          getmetatable(place).__close(place)
        end
        local _ <close> = gate:enter() -- nobody holds it any more
      end)
      assert.equal(0, gate.inside)
    end
  end)

  it("is no place to wait outside of tasks", function()
    local gate = task.gate(1)
    local _ <close> = gate:enter()
    local _, err = errors.try(gate.enter, gate)
    assert.equal("usage", err.kind)
    assert.has_error(function()
      task.gate(0)
    end)
  end)
end)
