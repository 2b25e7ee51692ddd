--- Many things at once on one thread: code that waits without blocking, and reads as if it blocked.
---
--- A task is a coroutine that belongs to another task. Where it awaits an operation (a request, a
--- deadline, a job) others run. Tasks form a tree: a task ends after its children, and the first
--- error among siblings cancels the rest, waits for their cleanup, and is raised where their parent
--- awaits. Cancellation is an error raised at the await, so `<close>` variables run; it is raised
--- again at every later await, except in a `__close` and in task.shield(), which have 5 s of grace.
---
--- await() yields only in a task's own coroutine. Anywhere else (a main chunk, a busted `it`, a module
--- body, table.sort, a coroutine of the script's own) it drives the loop in place until that
--- operation is done; other tasks stand still meanwhile.
---
--- Words used below: `wakers` holds who waits for an operation, by its id; a group is a set of children
--- that share a fate (those of task.spawn, or of one task.all, task.each, task.timeout).

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local loop = require("awsbak.core.loop")

local M = {}

--- How long cleanup may still await after its task was cancelled, in seconds.
M.GRACE = 5

--- Ends the process once an os.exit() in a task has unwound all tasks; replaceable by specs.
M.exit_process = os.exit

local FOREVER = 3600 -- seconds; a step without deadline wakes this often, for nothing
local SIGNALS = { [1] = "SIGHUP", [2] = "SIGINT", [15] = "SIGTERM" }

---@class awsbak.Task
---@field co thread
---@field state "waiting"|"ready"|"running"|"done"
---@field results table? once done: its values, or [1] the error; `ok` tells which
---@field ok boolean?
---@field group awsbak.Group? the group it is a member of; nil for a root
---@field groups awsbak.Group[] the open groups of its children; groups[1] is for task.spawn
---@field draining awsbak.Group? the group whose members it waits for; nothing interrupts that
---@field waiters awsbak.Task[] who awaits it
---@field cancelled awsbak.Error? why it was cancelled
---@field interrupt any? what to raise where it waits: an error, or a group for its failure
---@field shields integer how many shields it is in
---@field unwinding boolean? its body failed, and only `<close>` variables still run
local Task = { __name = "awsbak.task" }

---@class awsbak.Group
---@field owner awsbak.Task
---@field members table<awsbak.Task, true> those that are not done
---@field count integer how many
---@field failed boolean
---@field failure any the first error among the members, until it is raised in the owner
local Group = { __name = "awsbak.group" }

local queue = { first = 1, last = 0 } -- tasks to resume
local wakers = {} -- op id -> the task that awaits it, or a function
local waiting_count = 0 -- entries of wakers
local roots = {} -- set of tasks without parent that are not done
local current -- the task whose code runs now
local driving = false -- whether a scheduler runs (below us on the stack)
local exit_arguments -- of the os.exit() that ends the run

local SUSPENDED = {} -- what await yields

local function is_cancellation(e)
  return type(e) == "table" and e.kind == "cancelled"
end

-- ---------------------------------------------------------------------------------------------
-- Waking

local function make_ready(t)
  if t.state == "waiting" then
    t.state = "ready"
    queue.last = queue.last + 1
    queue[queue.last] = t
  end
end

local function set_waker(id, waker)
  wakers[id] = waker
  waiting_count = waiting_count + 1
end

local function clear_waker(id)
  if wakers[id] then
    wakers[id] = nil
    waiting_count = waiting_count - 1
  end
end

--- Raise `e` in `t` where it waits; the operation it awaits is closed.
local function interrupt(t, e)
  if t.state == "waiting" then
    t.interrupt = e
    make_ready(t)
  end
end

-- ---------------------------------------------------------------------------------------------
-- Cancellation

local function close_method(value)
  local meta = debug.getmetatable(value)
  return meta and rawget(meta, "__close")
end

--- Whether the coroutine is in a `__close` call: some frame's caller holds a value that the frame's
--- function closes. While an error is on its way the caller is pcall, whose stack ends with that value and
--- the error; this tells also a `__close` that ended in a tail call. (Lua names such frames only when
--- there is no error. All in one function, since levels count from the one that asks.)
local function is_closing(co)
  local level = 1 -- 0 is debug.getinfo, or yield
  local frame, caller = debug.getinfo(co, 1, "ft"), debug.getinfo(co, 2, "ftS")
  while caller do
    local before, last
    for i = 1, math.huge do
      local name, value = debug.getlocal(co, level + 1, i)
      if not name then
        break
      end
      if close_method(value) == frame.func then
        return true
      end
      before, last = last, value
    end
    if frame.istailcall and caller.what == "C" and close_method(before) then
      return true
    end
    level = level + 1
    frame, caller = caller, debug.getinfo(co, level + 1, "ftS")
  end
  return false
end

--- Whether awaits of the cancelled task still work: in cleanup, for some seconds.
local function has_grace(t)
  if t.grace_over then
    return false
  end
  return t.shields > 0 or t.unwinding or is_closing(t.co)
end

--- Start the clock that ends the grace; once a task.
local function limit_grace(t)
  if t.grace_timer then
    return
  end
  t.grace_timer = errors.check(loop.sleep(M.GRACE))
  set_waker(t.grace_timer:id(), function()
    t.grace_over = true
    if not t.draining then
      interrupt(t, t.cancelled)
    end
  end)
end

local cancel

local function cancel_members(group, reason)
  for member in pairs(group.members) do
    cancel(member, reason)
  end
end

function cancel(t, reason)
  if t.state == "done" or t.cancelled then
    return
  end
  t.cancelled = reason
  local graced = t.state == "waiting" and has_grace(t)
  for _, group in ipairs(t.groups) do
    for member in pairs(group.members) do
      if graced and not member.cancelled then
        member.shields = member.shields + 1 -- the children of a cleanup are cleanup
      end
      cancel(member, reason)
    end
  end
  if graced then
    limit_grace(t)
  elseif not t.draining then
    interrupt(t, reason)
  end
end

local function cancel_roots(reason)
  for root in pairs(roots) do
    cancel(root, reason)
  end
end

-- ---------------------------------------------------------------------------------------------
-- Groups

local function new_group(owner)
  local group = setmetatable({ owner = owner, members = {}, count = 0, failed = false }, Group)
  owner.groups[#owner.groups + 1] = group
  return group
end

--- Keep an error that cannot be raised because another is on its way: in its field `also`.
local function attach(e, other)
  if e == other or is_cancellation(other) then
    return e
  end
  e = type(e) == "table" and e or errors.from(e)
  e.also = e.also or {}
  table.insert(e.also, errors.from(other))
  return e
end

--- Of two errors the one to raise, with the other attached; a mere cancellation gives way.
local function merge(e, other)
  if is_cancellation(e) then
    return other
  end
  return attach(e, other)
end

local function cancellation(code, message)
  return errors.new({ kind = "cancelled", code = code, message = message })
end

local function fail_group(group, e)
  if group.failed then
    group.failure = attach(group.failure, e)
    return
  end
  group.failed, group.failure = true, e
  local reason = cancellation("sibling", "cancelled because a task beside it failed")
  cancel_members(group, reason)
  local inner = group.owner.draining
  if inner and inner ~= group and group.owner.shields == 0 then
    cancel_members(inner, reason) -- what the owner waits for is of no use any more
  end
end

--- A member of `group` is done: let the owner know what it waits for.
local function leave_group(group, t)
  local owner = group.owner
  group.members[t] = nil
  group.count = group.count - 1
  if not t.ok and not (t.cancelled and is_cancellation(t.results[1])) then
    fail_group(group, t.results[1])
  end
  if owner.draining == group then
    make_ready(owner)
  elseif group.failed and group.count == 0 and owner.shields == 0 and not owner.draining then
    interrupt(owner, group) -- the await takes the failure out of the group
  end
end

-- ---------------------------------------------------------------------------------------------
-- Running tasks

--- Give up the thread until someone makes the task ready; raises what interrupted it.
local function suspend(t)
  t.state = "waiting"
  coroutine.yield(SUSPENDED)
  local e = t.interrupt
  t.interrupt = nil
  return e
end

--- Wait until at most `most` members of the group run. Nothing interrupts it: what is to end early
--- cancels the members.
local function drain(t, group, most)
  while group.count > most do
    t.draining = group
    suspend(t)
    t.draining = nil
  end
end

--- The failure of a group, taken out of it: it is raised once.
local function take_failure(group)
  local e = group.failure
  group.failed, group.failure = false, nil
  return e
end

local function check_cancelled(t)
  if t.cancelled then
    if not has_grace(t) then
      error(t.cancelled, 0)
    end
    limit_grace(t)
  end
end

--- An operation's results, or its error raised.
local function results_of(...)
  local value, e = ...
  if value == nil and e ~= nil then
    error(errors.from(e), 0)
  end
  return ...
end

--- Raise what happened to `t` since its last await: cancellation, or the failure of a child.
local function check(t)
  check_cancelled(t)
  if t.shields > 0 then
    return
  end
  for i = #t.groups, 1, -1 do
    local group = t.groups[i]
    if group.failed then
      drain(t, group, 0)
      error(take_failure(group), 0)
    end
  end
end

local function finish(t, ok, ...)
  t.state = "done"
  t.ok = ok
  t.results = table.pack(...)
  roots[t] = nil
  if t.grace_timer then
    clear_waker(t.grace_timer:id())
    t.grace_timer:close()
  end
  for _, waiter in ipairs(t.waiters) do
    make_ready(waiter)
  end
  if t.group then
    leave_group(t.group, t)
  elseif not ok and #t.waiters == 0 and not t.wanted and not is_cancellation(t.results[1]) then
    log.error("a task that nobody awaits failed: %s", tostring(t.results[1]))
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
    cancel_members(spawned, cancellation("parent", "cancelled because the task above it failed"))
  end
  local had_children = spawned.count > 0
  drain(t, spawned, 0)
  if results[1] and had_children and t.cancelled then
    results = { false, t.cancelled, n = 2 } -- they did not end by themselves
  end
  if spawned.failed then
    local failure = take_failure(spawned)
    results = { false, results[1] and failure or merge(results[2], failure), n = 2 }
  end
  return table.unpack(results, 1, results.n)
end

local function new_task(group, f, ...)
  local t = { state = "waiting", groups = {}, group = group, shields = 0, waiters = {} }
  setmetatable(t, Task)
  new_group(t)
  local arguments = table.pack(...)
  t.co = coroutine.create(function()
    return main(t, f, table.unpack(arguments, 1, arguments.n))
  end)
  if group then
    local owner = group.owner
    group.members[t] = true
    group.count = group.count + 1
    if owner.cancelled then
      t.cancelled = owner.cancelled
      t.shields = has_grace(owner) and 1 or 0
    elseif group.failed then
      t.cancelled = cancellation("sibling", "cancelled because a task beside it failed")
    elseif owner.shields > 0 then
      t.shields = 1
    end
  else
    roots[t] = true
  end
  make_ready(t)
  return t
end

--- After a resume: the coroutine ended with (ok, values), or waits.
local function resumed(t, alive, first, ...)
  if coroutine.status(t.co) == "dead" then
    if alive then
      finish(t, first, ...)
    else
      finish(t, false, errors.from(first))
    end
  elseif first ~= SUSPENDED then
    t.state = "waiting" -- a script's own coroutine.yield(): the others' turn, no more
    make_ready(t)
  end
end

local function resume(t)
  current = t
  t.state = "running"
  resumed(t, coroutine.resume(t.co))
  current = nil
end

-- ---------------------------------------------------------------------------------------------
-- The scheduler

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
  cancel_roots(reason)
  return reason
end

--- Let the loop work for at most `seconds`, and make ready who waited for what finished.
local function step(seconds)
  for _, id in ipairs(errors.check(loop.step(seconds))) do
    local waker = wakers[id]
    clear_waker(id)
    if type(waker) == "function" then
      waker()
    elseif waker then
      make_ready(waker)
    end
  end
end

local function run_ready()
  local last = queue.last -- those made ready meanwhile come next time, after the loop had its turn
  while queue.first <= last do
    local t = queue[queue.first]
    queue[queue.first] = nil
    queue.first = queue.first + 1
    resume(t)
  end
end

--- Nothing can happen any more: tasks await each other in a circle.
local function break_deadlock(t)
  local reason = { kind = "bug", code = "deadlock", message = "every task waits for another task" }
  assert(not t.cancelled, reason.message)
  cancel(t, errors.new(reason))
end

--- Run all tasks until `t` is done.
local function drive(t)
  while t.state ~= "done" do
    run_ready()
    if t.state ~= "done" then
      local idle = queue.first > queue.last
      if waiting_count > 0 then
        step(idle and FOREVER or 0)
      elseif idle then
        break_deadlock(t)
      end
      take_signal()
    end
  end
end

--- Run the scheduler until `t` is done, with an os.exit that unwinds the tasks first.
local function drive_outermost(t)
  local exit = os.exit
  driving = true
  os.exit = M.exit -- luacheck: ignore 122
  local ok, e = pcall(drive, t)
  os.exit = exit -- luacheck: ignore 122
  driving, current = false, nil
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
local function outcome(t)
  if not t.ok then
    error(t.results[1], 0)
  end
  return table.unpack(t.results, 1, t.results.n)
end

-- ---------------------------------------------------------------------------------------------
-- Awaiting

--- The task whose own coroutine this is, when it may yield here.
local function own_task()
  local t = current
  if t and coroutine.running() == t.co and coroutine.isyieldable() then
    return t
  end
  return nil
end

local function raise_interrupt(e)
  error(getmetatable(e) == Group and take_failure(e) or e, 0)
end

local function await_op(t, op)
  check(t)
  if not op:done() then
    local id = op:id()
    if wakers[id] then
      error("another task awaits this operation", 3)
    end
    set_waker(id, t)
    local e = suspend(t)
    if e then
      clear_waker(id)
      op:close()
      raise_interrupt(e)
    end
  end
  return results_of(op:result())
end

local function remove(list, item)
  for i, v in ipairs(list) do
    if v == item then
      table.remove(list, i)
      return
    end
  end
end

local function await_task(t, other)
  if other == t then
    error("a task cannot await itself", 3)
  end
  check(t)
  if other.state ~= "done" then
    table.insert(other.waiters, t)
    local e = suspend(t)
    if e then
      remove(other.waiters, t)
      raise_interrupt(e)
    end
  end
  local group = other.group
  if group and group.owner == t and group.failed then
    drain(t, group, 0)
    error(take_failure(group), 0)
  end
  return outcome(other)
end

--- Await an operation where nothing can yield: the loop is driven from here.
local function await_op_here(op)
  local t = current
  if t then
    check_cancelled(t)
  end
  if wakers[op:id()] then
    error("another task awaits this operation", 3)
  end
  while not op:done() do
    step(FOREVER)
    local reason = take_signal()
    if t and t.cancelled then
      reason = not has_grace(t) and t.cancelled or nil
    end
    if reason and not op:done() then
      op:close()
      error(reason, 0)
    end
  end
  return results_of(op:result())
end

local function await_task_here(other)
  if other.state ~= "done" then
    if driving then
      error("a task can be awaited only from a task's own coroutine while tasks run", 3)
    end
    other.wanted = true
    drive_outermost(other)
  end
  return outcome(other)
end

--- Wait for an operation or a task: `local response = task.await(http.request(...))`.
--- Raises the operation's or the task's error, and cancellation; an operation awaited when the task is
--- cancelled is closed.
---@param what userdata|awsbak.Task an operation of a core module, or what task.spawn returned
---@return any ... its results
function M.await(what)
  local t = own_task()
  if getmetatable(what) == Task then
    if t then
      return await_task(t, what)
    end
    return await_task_here(what)
  end
  if t then
    return await_op(t, what)
  end
  return await_op_here(what)
end

--- Wait `seconds`.
---@param seconds number
function M.sleep(seconds)
  M.await(errors.check(loop.sleep(seconds)))
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
  return new_task(current and current.groups[1], f, ...)
end

--- The task the caller runs in, or nil.
---@return awsbak.Task?
function M.running()
  return current
end

--- Cancel a task and its children. Does not wait: await the task for that, which raises `cancelled`.
---@param t awsbak.Task
---@param message string? why; "cancelled" when absent
function M.cancel(t, message)
  cancel(t, cancellation("cancelled", message or "cancelled"))
end

--- Closes a group at the end of the block that made it: whatever happened, no member outlives it.
local Scope = { __name = "awsbak.scope" }

function Scope.__close(scope, e)
  local group, t = scope.group, scope.group.owner
  cancel_members(group, cancellation("parent", "cancelled because the task above it ended"))
  drain(t, group, 0)
  if scope.timer then
    clear_waker(scope.timer:id())
    scope.timer:close()
  end
  remove(t.groups, group)
  if group.failed then
    error(merge(e, group.failure), 0)
  end
end

local function new_scope(t)
  return setmetatable({ group = new_group(t) }, Scope)
end

--- Wait for all members of a scope; raises the first failure, or the cancellation of `t`.
local function join(t, group)
  drain(t, group, 0)
  if group.failed then
    error(take_failure(group), 0)
  end
  check(t)
end

--- The caller's task for a function that makes children and waits for them. Outside of tasks: nil, to be
--- called again through run().
local function need_task(name)
  local t = own_task()
  if not t and driving then
    error("task." .. name .. " cannot be called here: nothing can wait for tasks in this place", 3)
  end
  return t
end

--- Run `f` as the root of a tree of tasks and return its results, or raise its error, once the whole tree
--- has ended. In a task: the same, as a part of it.
---@param f function
---@param ... any its arguments
---@return any ...
function M.run(f, ...)
  local t = need_task("run")
  if not t then
    return await_task_here(new_task(nil, f, ...))
  end
  check(t)
  local scope <close> = new_scope(t)
  local child = new_task(scope.group, f, ...)
  join(t, scope.group)
  return outcome(child)
end

--- Run functions at once; wait for all. The first error cancels the others and is raised.
--- `local a, b = task.all({ read_a, read_b })`
---@param functions function[]
---@return any ... the first result of each, in order
function M.all(functions)
  local t = need_task("all")
  if not t then
    return M.run(M.all, functions)
  end
  check(t)
  local scope <close> = new_scope(t)
  local children = {}
  for i, f in ipairs(functions) do
    children[i] = new_task(scope.group, f)
  end
  join(t, scope.group)
  for i, child in ipairs(children) do
    children[i] = outcome(child)
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
  assert(math.type(limit) == "integer" and limit >= 1, "limit must be a positive integer")
  local t = need_task("each")
  if not t then
    return M.run(M.each, iterator, limit, f)
  end
  local next_item = iterator
  if type(iterator) == "table" and not (getmetatable(iterator) or {}).__call then
    local i = 0
    next_item = function()
      i = i + 1
      return iterator[i]
    end
  end
  check(t)
  local scope <close> = new_scope(t)
  local group = scope.group
  local function start(item, ...)
    if item == nil then
      return false
    end
    new_task(group, f, item, ...)
    drain(t, group, limit - 1)
    check(t)
    return true
  end
  while start(next_item()) do -- luacheck: ignore 542
  end
  join(t, group)
end

--- Run `f` and return its results; if it takes longer than `seconds`, cancel it, wait for its cleanup and
--- raise a `timeout` error.
---@param seconds number
---@param f function
---@param ... any its arguments
---@return any ...
function M.timeout(seconds, f, ...)
  local t = need_task("timeout")
  if not t then
    return M.run(M.timeout, seconds, f, ...)
  end
  check(t)
  local scope <close> = new_scope(t)
  local child = new_task(scope.group, f, ...)
  local late
  scope.timer = errors.check(loop.sleep(seconds))
  set_waker(scope.timer:id(), function()
    local message = string.format("not done within %.14g s", seconds)
    late = errors.new({ kind = "timeout", code = "timeout", message = message })
    cancel(child, cancellation("timeout", message))
  end)
  join(t, scope.group)
  if late and child.cancelled and not child.ok then
    error(late, 0)
  end
  return outcome(child)
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
  local t = current
  if not t then
    return f(...)
  end
  t.shields = t.shields + 1
  local _ <close> = setmetatable({ task = t }, Shield)
  return f(...)
end

--- os.exit, while tasks run: cancels all tasks, lets them clean up, closes the Lua state, and then ends
--- the process.
---@param code boolean|integer|nil
---@param close boolean? as for os.exit; tasks always close
function M.exit(code, close)
  if not current then
    return M.exit_process(code, close)
  end
  exit_arguments = { code == nil or code }
  local reason = cancellation("exit", "the program ends")
  cancel_roots(reason)
  error(reason, 0)
end

return M
