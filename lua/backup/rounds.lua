--- Several of a long list's items worked on at once, results in the order of the items, memory
--- bounded by a round.

local task = require("awsbak.task")

local rounds = {}

--- Call `f` for each item of a round, some at once, then of the next round, as results are taken.
---@param iterator fun(): any? nil at the end; it may await
---@param size integer items of a round
---@param at_once integer calls that run at the same time
---@param f fun(item: any): any a result; false or nil is left out
---@return fun(): any? results, in the order of the items; raises what the iterator or f raises, a
---  cancellation, too, once the results that there are by then were taken
function rounds.map(iterator, size, at_once, f)
  local results, count, at = {}, 0, 0
  local is_broken, reason = false, nil
  local function run()
    local items = {}
    while #items < size do
      local item = iterator()
      if item == nil then
        break
      end
      items[#items + 1] = item
    end
    local i = 0
    results, count, at = {}, #items, 0
    local function following()
      i = i + 1
      return items[i] ~= nil and i or nil
    end
    local is_done, e = pcall(task.each, following, at_once, function(n)
      results[n] = f(items[n])
    end)
    is_broken, reason = not is_done, e
    return count > 0
  end
  return function()
    repeat
      if at == count and is_broken then
        error(reason, 0)
      elseif at == count and not run() then
        return nil
      end
      at = at + 1
    until results[at]
    return results[at]
  end
end

return rounds
