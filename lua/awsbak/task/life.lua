--- How a task begins, is resumed, and ends. For lua/awsbak/task.lua and its scheduler alone, as is
--- the tree of tasks (awsbak.task.tree).

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local scoped = require("awsbak.scoped")
local tree = require("awsbak.task.tree")

local M = {}

--- What is left to do once a task's coroutine is dead: `...` are its values, or the error.
local function finish(t, ok, ...)
  t.state = "done"
  t.ok = ok
  t.results = table.pack(...)
  if t.grace_timer then
    tree.clear_waker(t.grace_timer:id())
    t.grace_timer:close()
  end
  for _, waiter in ipairs(t.waiters) do
    tree.make_ready(waiter)
  end
  tree.leave(t)
  local is_told = ok or t.group or #t.waiters > 0 or t.wanted
  if not is_told and not tree.is_cancellation(t.results[1]) then
    log.error("a task that nobody awaits failed: %s", tostring(errors.from(t.results[1])))
  end
end

--- Make Lua's own errors error tables, with the traceback only this place can take.
local function on_error(t, e)
  t.unwinding = true
  if type(e) ~= "string" then
    return e
  end
  local made = errors.from(e)
  made.traceback = made.traceback or debug.traceback(e, 3)
  return made
end

--- What a task's coroutine runs: the body, then the wait for its children. Returns ok, values.
local function main(t, f, ...)
  if t.cancelled and t.shields == 0 then
    return false, t.cancelled
  end
  local results = table.pack(xpcall(f, function(e)
    return on_error(t, e)
  end, ...))
  local spawned = t.groups[1]
  if not results[1] then
    local reason = tree.cancellation("parent", "cancelled because the task above it failed")
    tree.cancel_members(spawned, reason)
  end
  local had_children = spawned.count > 0
  tree.drain(t, spawned, 0)
  if results[1] and had_children and t.cancelled then
    results = { false, t.cancelled, n = 2 } -- they did not end by themselves
  end
  if spawned.failed then
    local failure = tree.take_failure(spawned)
    results = { false, results[1] and failure or tree.merge(results[2], failure), n = 2 }
  end
  return table.unpack(results, 1, results.n)
end

--- A task that begins when the scheduler comes to it.
---@param group awsbak.Group? it becomes a member of; nil for a root
---@param f function
---@param ... any its arguments
---@return awsbak.Task
function M.new(group, f, ...)
  local t = { state = "waiting", groups = {}, group = group, shields = 0, waiters = {} }
  t.values = scoped.values
  setmetatable(t, tree.Task)
  tree.new_group(t)
  local arguments = table.pack(...)
  t.co = coroutine.create(function()
    return main(t, f, table.unpack(arguments, 1, arguments.n))
  end)
  tree.enter(t)
  tree.make_ready(t)
  return t
end

--- After a resume: the coroutine ended with (ok, values), or waits. `values` are of who resumed it.
local function resumed(t, values, alive, first, ...)
  t.values, scoped.values = scoped.values, values
  if coroutine.status(t.co) == "dead" then
    if alive then
      finish(t, first, ...)
    else
      finish(t, false, errors.from(first))
    end
  elseif first ~= tree.SUSPENDED then
    t.state = "waiting" -- a script's own coroutine.yield(): the others' turn, no more
    tree.make_ready(t)
  end
end

--- Run a task until it waits or is done.
---@param t awsbak.Task
function M.resume(t)
  local values = scoped.values
  tree.current, scoped.values = t, t.values
  t.state = "running"
  resumed(t, values, coroutine.resume(t.co))
  tree.current = nil
end

return M
