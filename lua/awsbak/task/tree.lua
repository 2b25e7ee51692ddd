--- Tasks, the tree they form, and what happens to one when another fails or is cancelled. For
--- lua/awsbak/task.lua and its scheduler alone; what a script may rely on is said there.
---
--- A group is a set of children that share a fate: those of task.spawn, or of one task.all,
--- task.each, task.run or task.timeout. A task that is resumed finds in `interrupt` what it must
--- raise.

local closing = require("awsbak.task.closing")
local errors = require("awsbak.errors")
local loop = require("awsbak.core.loop")

local M = {}

--- How long cleanup may still await after its task was cancelled, in seconds.
M.GRACE = 5

---@class awsbak.Task
---@field co thread? nil once done
---@field f function? what it does, until it begins; `arguments` are that one's
---@field arguments table?
---@field state "waiting"|"ready"|"running"|"done"
---@field results table? once done: its values, or [1] the error; `ok` tells which
---@field ok boolean?
---@field group awsbak.Group? the group it is a member of; nil for a root
---@field groups awsbak.Group[]? the open groups of its children
---@field spawned awsbak.Group? the first of them: that for task.spawn
---@field draining awsbak.Group? the group whose members it waits for; nothing interrupts that
---@field waiters awsbak.Task[]? who awaits it
---@field cancelled awsbak.Error? why it was cancelled
---@field interrupt any? what to raise where it waits: an error, or a group for its failure
---@field shields integer how many shields it is in
---@field values table<string, any> of awsbak.scoped, while it waits
---@field unwinding boolean? its body failed, and only `<close>` variables still run
local Task = { __name = "awsbak.task" }
M.Task = Task

---@class awsbak.Group
---@field owner awsbak.Task
---@field members table<awsbak.Task, true> those that are not done
---@field count integer how many
---@field failed boolean
---@field failure any the first error among the members, until it is raised in the owner
---@field spare thread[]? of members that are done, for those to come, where there are many
local Group = { __name = "awsbak.group" }
M.Group = Group

--- The task whose code runs now, or nil.
---@type awsbak.Task?
M.current = nil

--- Tasks to resume, in order.
M.queue = { first = 1, last = 0 }

--- Who waits for an operation, by its id: a task, or a function to call.
---@type table<integer, awsbak.Task|fun()>
M.wakers = {}

--- How many wakers there are.
M.waiting = 0

local NONE <const> = {}

local roots = {} -- set of tasks without parent that are not done

--- What await yields.
M.SUSPENDED = {}

--- Whether an error says that a task was cancelled. A script's may be anything: its metatable is
--- not asked, which may raise, too.
---@param e any
---@return boolean
function M.is_cancellation(e)
  return type(e) == "table" and rawget(e, "kind") == "cancelled"
end

-- ---------------------------------------------------------------------------------------------
-- Waking

--- Let a task that waits be resumed.
---@param t awsbak.Task
function M.make_ready(t)
  if t.state == "waiting" then
    t.state = "ready"
    local queue = M.queue
    queue.last = queue.last + 1
    queue[queue.last] = t
  end
end

--- Wake a task, or call a function, when an operation finishes.
---@param id integer of the operation
---@param waker awsbak.Task|fun()
function M.set_waker(id, waker)
  M.wakers[id] = waker
  M.waiting = M.waiting + 1
end

--- Forget who waits for an operation; fine when nobody does.
---@param id integer
function M.clear_waker(id)
  if M.wakers[id] then
    M.wakers[id] = nil
    M.waiting = M.waiting - 1
  end
end

--- Raise `e` in `t` where it waits; the operation it awaits is closed.
local function interrupt(t, e)
  if t.state == "waiting" then
    t.interrupt = e
    M.make_ready(t)
  end
end

-- ---------------------------------------------------------------------------------------------
-- Cancellation

--- Whether awaits of the cancelled task still work: in cleanup, for some seconds.
---@param t awsbak.Task
---@return boolean
function M.has_grace(t)
  if t.grace_over then
    return false
  end
  return t.shields > 0 or t.unwinding or closing.is_closing(t.co)
end

--- Start the clock that ends the grace; once a task.
---@param t awsbak.Task
function M.limit_grace(t)
  if t.grace_timer then
    return
  end
  t.grace_timer = errors.check(loop.sleep(M.GRACE))
  M.set_waker(t.grace_timer:id(), function()
    t.grace_over = true
    if not t.draining then
      interrupt(t, t.cancelled)
    end
  end)
end

--- Cancel what still runs of a group.
---@param group awsbak.Group
---@param reason awsbak.Error
function M.cancel_members(group, reason)
  for member in pairs(group.members) do
    M.cancel(member, reason)
  end
end

--- Cancel a task and its children: `reason` is raised where they await, now and later. A task in
--- its cleanup goes on, for as long as the grace lasts.
---@param t awsbak.Task
---@param reason awsbak.Error
function M.cancel(t, reason)
  if t.state == "done" or t.cancelled then
    return
  end
  t.cancelled = reason
  local graced = t.state == "waiting" and M.has_grace(t)
  for _, group in ipairs(t.groups or NONE) do
    for member in pairs(group.members) do
      if graced and not member.cancelled then
        member.shields = member.shields + 1 -- the children of a cleanup are cleanup
      end
      M.cancel(member, reason)
    end
  end
  if graced then
    M.limit_grace(t)
  elseif not t.draining then
    interrupt(t, reason)
  end
end

--- Cancel everything.
---@param reason awsbak.Error
function M.cancel_roots(reason)
  for root in pairs(roots) do
    M.cancel(root, reason)
  end
end

-- ---------------------------------------------------------------------------------------------
-- Groups

--- An empty group of children.
---@param owner awsbak.Task
---@param at integer? its place among the open ones (default: the last)
---@return awsbak.Group
function M.new_group(owner, at)
  local group = setmetatable({ owner = owner, members = {}, count = 0, failed = false }, Group)
  owner.groups = owner.groups or {}
  table.insert(owner.groups, at or #owner.groups + 1, group)
  return group
end

--- The group of the children that a task spawns.
---@param t awsbak.Task
---@return awsbak.Group
function M.spawned(t)
  t.spawned = t.spawned or M.new_group(t, 1)
  return t.spawned
end

--- Keep an error that cannot be raised because another is on its way: in its field `also`.
local function attach(e, other)
  if e == other or M.is_cancellation(other) then
    return e
  end
  e = type(e) == "table" and e or errors.from(e)
  e.also = e.also or {}
  table.insert(e.also, errors.from(other))
  return e
end

--- Of two errors the one to raise, with the other attached; a mere cancellation gives way.
---@param e any
---@param other any
---@return any
function M.merge(e, other)
  if M.is_cancellation(e) then
    return other
  end
  return attach(e, other)
end

--- An error that says a task was cancelled.
---@param code string
---@param message string
---@return awsbak.Error
function M.cancellation(code, message)
  return errors.new({ kind = "cancelled", code = code, message = message })
end

local function fail_group(group, e)
  if group.failed then
    group.failure = attach(group.failure, e)
    return
  end
  group.failed, group.failure = true, e
  local reason = M.cancellation("sibling", "cancelled because a task beside it failed")
  M.cancel_members(group, reason)
  local inner = group.owner.draining
  if inner and inner ~= group and group.owner.shields == 0 then
    M.cancel_members(inner, reason) -- what the owner waits for is of no use any more
  end
end

--- Make a new task a member of its group, or a root: what has happened to the others happens to it.
---@param t awsbak.Task
function M.enter(t)
  local group = t.group
  if not group then
    roots[t] = true
    return
  end
  local owner = group.owner
  group.members[t] = true
  group.count = group.count + 1
  if owner.cancelled then
    t.cancelled = owner.cancelled
    t.shields = M.has_grace(owner) and 1 or 0
  elseif group.failed then
    t.cancelled = M.cancellation("sibling", "cancelled because a task beside it failed")
  elseif owner.shields > 0 then
    t.shields = 1
  end
end

--- Take a task that is done out of its group, and let the owner know what it waits for.
---@param t awsbak.Task
function M.leave(t)
  local group = t.group
  if not group then
    roots[t] = nil
    return
  end
  local owner = group.owner
  group.members[t] = nil
  group.count = group.count - 1
  if not t.ok and not (t.cancelled and M.is_cancellation(t.results[1])) then
    fail_group(group, t.results[1])
  end
  if owner.draining == group then
    M.make_ready(owner)
  elseif group.failed and group.count == 0 and owner.shields == 0 and not owner.draining then
    interrupt(owner, group) -- the await takes the failure out of the group
  end
end

-- ---------------------------------------------------------------------------------------------
-- Waiting

--- Give up the thread until someone makes the task ready.
---@param t awsbak.Task the one that runs
---@return any interrupt what to raise, or nil
function M.suspend(t)
  t.state = "waiting"
  coroutine.yield(M.SUSPENDED)
  local e = t.interrupt
  t.interrupt = nil
  return e
end

--- Wait until at most `most` members of the group run. Nothing interrupts it: what is to end early
--- cancels the members.
---@param t awsbak.Task the owner, which runs
---@param group awsbak.Group
---@param most integer
function M.drain(t, group, most)
  while group.count > most do
    t.draining = group
    M.suspend(t)
    t.draining = nil
  end
end

--- The failure of a group, taken out of it: it is raised once.
---@param group awsbak.Group
---@return any
function M.take_failure(group)
  local e = group.failure
  group.failed, group.failure = false, nil
  return e
end

--- Raise the cancellation of `t`, unless it is in its cleanup.
---@param t awsbak.Task
function M.check_cancelled(t)
  if t.cancelled then
    if not M.has_grace(t) then
      error(t.cancelled, 0)
    end
    M.limit_grace(t)
  end
end

--- Raise what happened to `t` since its last await: cancellation, or the failure of a child.
---@param t awsbak.Task
function M.check(t)
  M.check_cancelled(t)
  local groups = t.groups
  if t.shields > 0 or not groups then
    return
  end
  for i = #groups, 1, -1 do
    local group = groups[i]
    if group.failed then
      M.drain(t, group, 0)
      error(M.take_failure(group), 0)
    end
  end
end

return M
