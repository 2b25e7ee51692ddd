--- Many things at once on one thread: code that waits without blocking, and reads as if it blocked.
---
--- A task is a coroutine that belongs to another task. Where it awaits an operation (a request, a
--- deadline, a job) others run. Tasks form a tree: a task ends after its children, and the first
--- error among siblings cancels the rest, waits for their cleanup, and is raised where their parent
--- awaits. Cancellation is an error raised at the await, so `<close>` variables run; it is raised
--- again at every later await, except in a `__close` and in task.shield(), which have 5 s of grace.
---
--- await() yields only in a task's own coroutine. Anywhere else (a main chunk, a busted `it`, a
--- module body, table.sort, a coroutine of the script's own) it drives the loop in place until that
--- operation is done; other tasks stand still meanwhile.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local life = require("awsbak.task.life")
local loop = require("awsbak.core.loop")
local scheduler = require("awsbak.task.scheduler")
local tree = require("awsbak.task.tree")

local M = {}

--- Wait for an operation or a task: `local response = task.await(http.request(...))`. Raises the
--- operation's or the task's error, and cancellation; an operation awaited when the task is
--- cancelled is closed.
---@param what userdata|awsbak.Task|nil an operation of a core module, or what task.spawn returned
---@param err table? with `what` nil: why there is none, which is raised; so a call that may fail to
---  start an operation can stand in the brackets
---@return any ... its results
M.await = scheduler.await

--- Wait `seconds`. Raises kind usage for what is no time, as the functions below do for what they
--- do not take.
---@param seconds number
function M.sleep(seconds)
  argument.check(seconds, "pause", "what task.sleep is given")
  M.await(errors.check(loop.sleep(seconds)))
end

--- A gate that lets so many tasks in at a time: `local place <close> = gate:enter()` waits for a
--- place, in the order of those who came, and gives it back at the end of the block.
---@param limit integer
---@return awsbak.Gate
function M.gate(limit)
  argument.check(limit, "count", "the limit of task.gate")
  return require("awsbak.task.gate").new(limit)
end

-- ---------------------------------------------------------------------------------------------
-- Starting tasks

--- Start a task beside the caller, as its child: it begins when the caller awaits. If it fails, its
--- siblings are cancelled and the error is raised where the caller awaits next, or at its end.
--- Called outside of any task it runs when it, or any other task, is awaited.
---@param f function
---@param ... any its arguments
---@return awsbak.Task
function M.spawn(f, ...)
  argument.check(f, "function", "what task.spawn is given")
  return life.new(tree.current and tree.spawned(tree.current), f, ...)
end

--- The task the caller runs in, or nil.
---@return awsbak.Task?
function M.running()
  return tree.current
end

--- Whether an await made here lets other tasks run: the caller is in a task's own coroutine.
---@return boolean
function M.can_yield()
  return scheduler.own_task() ~= nil
end

--- Cancel a task and its children. Does not wait: await the task for that, which raises
--- `cancelled`.
---@param t awsbak.Task
---@param message string? why; "cancelled" when absent
function M.cancel(t, message)
  argument.check(t, "task", "what task.cancel is given")
  argument.check(message, "text?", "the reason that task.cancel is given")
  tree.cancel(t, tree.cancellation("cancelled", message or "cancelled"))
end

--- Closes a group at the end of the block that made it: whatever happened, no member outlives it.
local Scope = { __name = "awsbak.scope" }

function Scope.__close(scope, e)
  local group, t = scope.group, scope.group.owner
  local reason = tree.cancellation("parent", "cancelled because the task above it ended")
  tree.cancel_members(group, reason)
  tree.drain(t, group, 0)
  if scope.timer then
    tree.clear_waker(scope.timer:id())
    scope.timer:close()
  end
  scheduler.remove(t.groups, group)
  if group.failed then
    error(e == nil and group.failure or tree.merge(e, group.failure), 0)
  end
end

local function new_scope(t)
  return setmetatable({ group = tree.new_group(t) }, Scope)
end

--- Wait for all members of a scope; raises the first failure, or the cancellation of `t`.
local function join(t, group)
  tree.drain(t, group, 0)
  if group.failed then
    error(tree.take_failure(group), 0)
  end
  tree.check(t)
end

--- The caller's task for a function that makes children and waits for them. Outside of tasks: nil,
--- to be called again through run().
local function need_task(name)
  local t = scheduler.own_task()
  if not t and scheduler.is_driving() then
    scheduler.misuse(
      ("task.%s cannot be called here: nothing can wait for tasks in this place"):format(name)
    )
  end
  return t
end

--- Run `f` as the root of a tree of tasks and return its results, or raise its error, once the
--- whole tree has ended. In a task: the same, as a part of it.
---@param f function
---@param ... any its arguments
---@return any ...
function M.run(f, ...)
  argument.check(f, "function", "what task.run is given")
  local t = need_task("run")
  if not t then
    return scheduler.await_task_here(life.new(nil, f, ...))
  end
  tree.check(t)
  local scope <close> = new_scope(t)
  local child = life.new(scope.group, f, ...)
  join(t, scope.group)
  return scheduler.outcome(child)
end

--- Run functions at once; wait for all. The first error cancels the others and is raised.
--- `local a, b = task.all({ read_a, read_b })`
---@param functions function[]
---@return any ... the first result of each, in order
function M.all(functions)
  argument.check(functions, "list", "what task.all is given")
  for i, f in ipairs(functions) do
    argument.check(f, "function", ("number %d of what task.all is given"):format(i))
  end
  local t = need_task("all")
  if not t then
    return M.run(M.all, functions)
  end
  tree.check(t)
  local scope <close> = new_scope(t)
  local children = {}
  for i, f in ipairs(functions) do
    children[i] = life.new(scope.group, f)
  end
  join(t, scope.group)
  for i, child in ipairs(children) do
    children[i] = scheduler.outcome(child)
  end
  return table.unpack(children, 1, #functions)
end

--- Call `f` for every item, at most `limit` calls at a time; wait for all. The iterator itself may
--- await. The first error (of a call or the iterator) cancels the calls that run and is raised.
--- `task.each(ssm.each.describe_parameters({}), 10, function(p) ... end)`
---@param iterator function|any[] returns the next item's values, nil at the end; or a list
---@param limit integer
---@param f function
function M.each(iterator, limit, f)
  local is_list = type(iterator) == "table" and not argument.fits(iterator, "function")
  argument.check(iterator, is_list and "list" or "function", "the iterator of task.each")
  argument.check(limit, "count", "the limit of task.each")
  argument.check(f, "function", "what task.each is to call")
  local t = need_task("each")
  if not t then
    return M.run(M.each, iterator, limit, f)
  end
  local next_item = iterator
  if is_list then
    local i = 0
    next_item = function()
      i = i + 1
      return iterator[i]
    end
  end
  tree.check(t)
  local scope <close> = new_scope(t)
  local group = scope.group
  group.spare = {}
  local function start(item, ...)
    if item == nil then
      return false
    end
    life.new(group, f, item, ...)
    tree.drain(t, group, limit - 1)
    tree.check(t)
    return true
  end
  while start(next_item()) do -- luacheck: ignore 542
  end
  join(t, group)
end

--- Run `f` and return its results; if it takes longer than `seconds`, cancel it, wait for its
--- cleanup and raise a `timeout` error.
---@param seconds number
---@param f function
---@param ... any its arguments
---@return any ...
function M.timeout(seconds, f, ...)
  argument.check(seconds, "pause", "the time of task.timeout")
  argument.check(f, "function", "what task.timeout is to call")
  local t = need_task("timeout")
  if not t then
    return M.run(M.timeout, seconds, f, ...)
  end
  tree.check(t)
  local scope <close> = new_scope(t)
  local child = life.new(scope.group, f, ...)
  local late
  scope.timer = errors.check(loop.sleep(seconds))
  tree.set_waker(scope.timer:id(), function()
    local message = string.format("not done within %.14g s", seconds)
    late = errors.new({ kind = "timeout", code = "timeout", message = message })
    tree.cancel(child, tree.cancellation("timeout", message))
  end)
  join(t, scope.group)
  if late and child.cancelled and not child.ok then
    error(late, 0)
  end
  return scheduler.outcome(child)
end

local Shield = {
  __close = function(shield)
    shield.task.shields = shield.task.shields - 1
  end,
}

--- Call `f` so that cancellation does not interrupt it, for up to 5 s: for the last steps of
--- something that must not be left half done. The next await after it raises the cancellation.
---@param f function
---@param ... any its arguments
---@return any ... f's results
function M.shield(f, ...)
  argument.check(f, "function", "what task.shield is given")
  local t = tree.current
  if not t then
    return f(...)
  end
  t.shields = t.shields + 1
  local _ <close> = setmetatable({ task = t }, Shield)
  return f(...)
end

return M
