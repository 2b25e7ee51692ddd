--- What several tasks want at the same time is done by one of them; all get what it gives, or its
--- error.

local errors = require("awsbak.errors")
local task = require("awsbak.task")

local once = {}

--- Whether something is being done for `holder` now.
---@param holder table
---@return boolean
function once.is_running(holder)
  return holder.loading ~= nil and holder.loading.state ~= "done"
end

--- An error for one of several who meet it: each names its own operation in it.
local function copy(err)
  local own = {}
  for key, value in pairs(err) do
    own[key] = value
  end
  return setmetatable(own, getmetatable(err))
end

--- Call `f`, or wait for the task that calls it already for the same holder. Where nothing else can
--- run meanwhile there is nobody to share with.
---@param holder table keeps that task, in `loading`
---@param f fun(...): any gives something that is not nil
---@param ... any its arguments
---@return any what `f` gives
--- Raises what `f` raises.
function once.call(holder, f, ...)
  if not task.can_yield() then
    return f(...)
  end
  while true do
    local is_ours = not once.is_running(holder)
    if is_ours then
      holder.loading = task.spawn(errors.try, f, ...)
    end
    local loading = holder.loading
    local result, err = errors.try(task.await, loading)
    if result ~= nil then
      return result
    end
    -- The task that calls ends with the one that began it. When that was cancelled, begin anew.
    if is_ours or loading.state ~= "done" or err.kind ~= "cancelled" then
      error(copy(err), 0)
    end
  end
end

return once
