--- How a task begins, is resumed, and ends. For lua/awsbak/task.lua and its scheduler alone, as is
--- the tree of tasks (awsbak.task.tree).

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local scoped = require("awsbak.scoped")
local tree = require("awsbak.task.tree")

local M = {}

-- What a function was called with, or returned, when that is nothing.
local NOTHING <const> = { n = 0 }

local function packed(...)
  return select("#", ...) > 0 and table.pack(...) or NOTHING
end

-- What a coroutine yields when its task has ended, and it could run another one.
local ENDED <const> = {}

--- Keep how a task ended: (true, values), or (false, error).
local function keep(t, ok, ...)
  t.ok, t.results = ok, packed(...)
end

--- What is left to do once it is kept how a task ended.
local function finish(t)
  t.state = "done"
  t.co = nil -- it may be another task's soon
  if t.grace_timer then
    tree.clear_waker(t.grace_timer:id())
    t.grace_timer:close()
  end
  local waiters = t.waiters or NOTHING
  for _, waiter in ipairs(waiters) do
    tree.make_ready(waiter)
  end
  tree.leave(t)
  local is_told = t.ok or t.group or #waiters > 0 or t.wanted
  if not is_told and not tree.is_cancellation(t.results[1]) then
    log.error("a task that nobody awaits failed: %s", tostring(errors.from(t.results[1])))
  end
end

--- Make Lua's own errors error tables, with the traceback only this place can take.
local function on_error(e)
  tree.current.unwinding = true
  if type(e) ~= "string" then
    return e
  end
  local made = errors.from(e)
  made.traceback = made.traceback or debug.traceback(e, 2)
  return made
end

--- Wait for the children that a task has spawned, once its body has ended.
local function settle(t, spawned)
  if not t.ok then
    local reason = tree.cancellation("parent", "cancelled because the task above it failed")
    tree.cancel_members(spawned, reason)
  end
  local had_children = spawned.count > 0
  tree.drain(t, spawned, 0)
  if t.ok and had_children and t.cancelled then
    keep(t, false, t.cancelled) -- they did not end by themselves
  end
  if spawned.failed then
    local failure = tree.take_failure(spawned)
    keep(t, false, t.ok and failure or tree.merge(t.results[1], failure))
  end
end

--- Do what a task is for: the body, then the wait for its children.
local function main(t)
  local f, arguments = t.f, t.arguments
  t.f, t.arguments = nil, nil
  if t.cancelled and t.shields == 0 then
    keep(t, false, t.cancelled)
    return
  end
  keep(t, xpcall(f, on_error, table.unpack(arguments, 1, arguments.n)))
  if t.spawned then
    settle(t, t.spawned)
  end
end

--- What a coroutine runs: tasks, one after the other.
local function work(t)
  while true do
    main(t)
    t = nil -- luacheck: ignore 311 (what it returned may be large)
    t = coroutine.yield(ENDED)
  end
end

--- A coroutine for a task: that of a member of its group which has ended, or a new one.
local function take_coroutine(group)
  local spare = group and group.spare
  local co = spare and table.remove(spare)
  if co and coroutine.status(co) == "suspended" then -- no script has resumed it
    return co
  end
  return coroutine.create(work)
end

--- A task that begins when the scheduler comes to it.
---@param group awsbak.Group? it becomes a member of; nil for a root
---@param f function
---@param ... any its arguments
---@return awsbak.Task
function M.new(group, f, ...)
  local t = setmetatable({
    state = "waiting",
    group = group,
    shields = 0,
    values = scoped.values,
    f = f,
    arguments = packed(...),
    co = take_coroutine(group),
    ok = nil, -- there will be these: the table need not grow
    results = nil,
  }, tree.Task)
  tree.enter(t)
  tree.make_ready(t)
  return t
end

--- After a resume: the task has ended, or waits. `values` are of who resumed it.
local function resumed(t, values, alive, said)
  t.values, scoped.values = scoped.values, values
  if not alive then
    keep(t, false, errors.from(said))
    finish(t)
  elseif rawequal(said, ENDED) then
    local spare = t.group and t.group.spare
    if spare then
      spare[#spare + 1] = t.co
    end
    finish(t)
  elseif not rawequal(said, tree.SUSPENDED) then
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
  if t.f then -- it begins
    resumed(t, values, coroutine.resume(t.co, t))
  else
    resumed(t, values, coroutine.resume(t.co))
  end
  tree.current = nil
end

return M
