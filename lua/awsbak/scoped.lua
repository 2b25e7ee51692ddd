--- Values that hold for the time of a call, in the task that makes it and in those it starts.
---
--- A variable of a module that is changed, and changed back after a call that waits, is seen by
--- whichever task runs meanwhile, and two such calls that overlap leave the wrong value behind.
--- These values are each task's own: the scheduler puts those of a task in place whenever the task
--- goes on.

local M = {}

--- The values of the code that runs now; never changed, only replaced. For lua/awsbak/task alone.
---@type table<string, any>
M.values = {}

--- The value that holds now.
---@param key string
---@return any value nil when no call above gave one
function M.get(key)
  return M.values[key]
end

local Restore = {
  __close = function(restore)
    M.values = restore.values
  end,
}

--- Call `f` while `key` has another value; the old one comes back whatever happens.
---@param key string
---@param value any
---@param f function
---@param ... any its arguments
---@return any ... what `f` returns
function M.with(key, value, f, ...)
  local values = {}
  for name, old in pairs(M.values) do
    values[name] = old
  end
  values[key] = value
  local _restore <close> = setmetatable({ values = M.values }, Restore)
  M.values = values
  local results = table.pack(f(...))
  return table.unpack(results, 1, results.n)
end

return M
