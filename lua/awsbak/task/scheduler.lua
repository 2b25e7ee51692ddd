--- Runs tasks in turn, lets the loop work between the turns, and waits: in a task by yielding,
--- elsewhere by driving the loop in place. For lua/awsbak/task.lua alone.

local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local life = require("awsbak.task.life")
local loop = require("awsbak.core.loop")
local tree = require("awsbak.task.tree")

local M = {}

--- Ends the process once an os.exit() in a task has unwound all tasks; the command line puts
--- another in its place.
M.exit_process = os.exit

local NONE <const> = {}
local FOREVER = 3600 -- seconds; a step without deadline wakes this often, for nothing
local SIGNALS = { [1] = "SIGHUP", [2] = "SIGINT", [15] = "SIGTERM" }

local driving = false -- whether drive() runs, below us on the stack
local exit_arguments -- of the os.exit() that ends the run

--- A pending signal cancels everything; returns the error it is, or nil.
local function take_signal()
  local number = loop.signal()
  if not number then
    return nil
  end
  local reason = errors.new({
    kind = "cancelled",
    code = SIGNALS[number] or "signal",
    message = number == 2 and "interrupted" or "ended by signal " .. number,
  })
  tree.cancel_roots(reason)
  return reason
end

--- Let the loop work for at most `seconds`, and make ready who waited for what finished; an error
--- when it cannot.
---@return table? err
local function try_step(seconds)
  local ids, err = loop.step(seconds)
  for _, id in ipairs(ids or NONE) do
    local waker = tree.wakers[id]
    tree.clear_waker(id)
    if type(waker) == "function" then
      waker()
    elseif waker then
      tree.make_ready(waker)
    end
  end
  return err
end

--- The same, which raises the error.
local function step(seconds)
  local err = try_step(seconds)
  if err then
    error(errors.from(err), 0)
  end
end

local function run_ready()
  local queue = tree.queue
  local last = queue.last -- those made ready meanwhile come next time, after the loop had its turn
  while queue.first <= last do
    local t = queue[queue.first]
    queue[queue.first] = nil
    queue.first = queue.first + 1
    life.resume(t)
  end
end

--- Nothing can happen any more: tasks await each other in a circle.
local function break_deadlock(t)
  local reason = { kind = "bug", code = "deadlock", message = "every task waits for another task" }
  assert(not t.cancelled, reason.message)
  tree.cancel(t, errors.new(reason))
end

--- Run all tasks until `t` is done. A loop that cannot wait ends them all, as a signal does, so
--- that what is half done is undone; the second time there is nothing left to try.
local function drive(t)
  local failed = false
  while t.state ~= "done" do
    run_ready()
    if t.state ~= "done" then
      local idle = tree.queue.first > tree.queue.last
      if tree.waiting > 0 then
        local err = try_step(idle and FOREVER or 0)
        if err and failed then
          error(errors.from(err), 0)
        elseif err then
          failed = true
          tree.cancel_roots(errors.from(err))
        end
      elseif idle then
        break_deadlock(t)
      end
      take_signal()
    end
  end
end

--- os.exit, while tasks run: cancels all tasks, lets them clean up, closes the Lua state, and then
--- ends the process.
---@param code boolean|integer|nil
---@param close boolean? as for os.exit; tasks always close
function M.exit(code, close)
  if code ~= nil and type(code) ~= "boolean" and not math.tointeger(code) then
    local wanted = "bad argument #1 to 'exit' (boolean or integer expected, got %s)"
    error(wanted:format(type(code)), 2)
  end
  if not tree.current then
    return M.exit_process(code, close)
  end
  exit_arguments = { code == nil or code }
  local reason = tree.cancellation("exit", "the program ends")
  tree.cancel_roots(reason)
  error(reason, 0)
end

--- Run the scheduler until `t` is done, with an os.exit that unwinds the tasks first.
local function drive_outermost(t)
  local exit = os.exit
  driving = true
  os.exit = M.exit -- luacheck: ignore 122
  local ok, e = pcall(drive, t)
  os.exit = exit -- luacheck: ignore 122
  driving, tree.current = false, nil
  if exit_arguments then
    local arguments = exit_arguments
    exit_arguments = nil
    M.exit_process(arguments[1], true)
  end
  if not ok then
    error(e, 0)
  end
end

--- The outcome of a finished task: its values, or its error raised.
---@param t awsbak.Task
---@return any ...
function M.outcome(t)
  if not t.ok then
    error(t.results[1], 0)
  end
  return table.unpack(t.results, 1, t.results.n)
end

-- ---------------------------------------------------------------------------------------------
-- Awaiting

--- Whether a scheduler runs: then only a task can wait for a task.
---@return boolean
function M.is_driving()
  return driving
end

--- The task whose own coroutine this is, when it may yield here; else nil.
---@return awsbak.Task?
function M.own_task()
  local t = tree.current
  if t and coroutine.running() == t.co and coroutine.isyieldable() then
    return t
  end
  return nil
end

--- Raise: a script awaits what cannot be awaited there.
---@param message string
function M.misuse(message)
  errors.raise({ kind = "usage", code = "bad_await", message = message })
end

--- Raise what a suspended task was woken with: the failure of one of its groups, or a cancellation.
---@param e any
function M.raise_interrupt(e)
  error(getmetatable(e) == tree.Group and tree.take_failure(e) or e, 0)
end

--- An operation's results, or its error raised.
local function results_of(...)
  local value, e = ...
  if value == nil and e ~= nil then
    error(errors.from(e), 0)
  end
  return ...
end

local function await_op(t, op)
  tree.check(t)
  if not op:done() then
    local id = op:id()
    if tree.wakers[id] then
      M.misuse("another task awaits this operation")
    end
    tree.set_waker(id, t)
    local e = tree.suspend(t)
    if e then
      tree.clear_waker(id)
      op:close()
      M.raise_interrupt(e)
    end
  end
  return results_of(op:result())
end

--- Take the first `item` out of a list.
---@param list any[]
---@param item any
function M.remove(list, item)
  for i, v in ipairs(list) do
    if v == item then
      table.remove(list, i)
      return
    end
  end
end

local function await_task(t, other)
  if other == t then
    M.misuse("a task cannot await itself")
  end
  tree.check(t)
  if other.state ~= "done" then
    other.waiters = other.waiters or {}
    table.insert(other.waiters, t)
    local e = tree.suspend(t)
    if e then
      M.remove(other.waiters, t)
      M.raise_interrupt(e)
    end
  end
  local group = other.group
  if group and group.owner == t and group.failed then
    tree.drain(t, group, 0)
    error(tree.take_failure(group), 0)
  end
  return M.outcome(other)
end

--- Await an operation where nothing can yield: the loop is driven from here.
local function await_op_here(op)
  local t = tree.current
  if t then
    tree.check_cancelled(t)
  end
  if tree.wakers[op:id()] then
    M.misuse("another task awaits this operation")
  end
  while not op:done() do
    step(FOREVER)
    local reason = take_signal()
    if t and t.cancelled then
      reason = not tree.has_grace(t) and t.cancelled or nil
      tree.limit_grace(t)
    end
    if reason and not op:done() then
      op:close()
      error(reason, 0)
    end
  end
  return results_of(op:result())
end

--- Run the scheduler until a task is done; its outcome. Raises while a scheduler runs.
---@param other awsbak.Task
---@return any ...
function M.await_task_here(other)
  if other.state ~= "done" then
    if driving then
      M.misuse("a task can be awaited only from a task's own coroutine while tasks run")
    end
    other.wanted = true
    drive_outermost(other)
  end
  return M.outcome(other)
end

--- Wait for an operation or a task, in whichever way this place allows: see task.await.
---@param what userdata|awsbak.Task|nil
---@param err table?
---@return any ...
function M.await(what, err)
  if what == nil and err ~= nil then
    error(errors.from(err), 0)
  end
  argument.check(what, "awaitable", "what task.await is given")
  local t = M.own_task()
  if getmetatable(what) == tree.Task then
    if t then
      return await_task(t, what)
    end
    return M.await_task_here(what)
  end
  if t then
    return await_op(t, what)
  end
  return await_op_here(what)
end

return M
