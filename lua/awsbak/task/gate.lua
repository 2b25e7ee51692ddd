--- A gate that lets so many tasks in at a time; the others wait in the order they came.
---
---     local gate = task.gate(8)
---     local inside <close> = gate:enter()

local scheduler = require("awsbak.task.scheduler")
local tree = require("awsbak.task.tree")

---@class awsbak.Gate
---@field limit integer
---@field inside integer
---@field waiting awsbak.Task[]
local Gate = { __name = "awsbak.gate" }
Gate.__index = Gate

local M = {}

--- Make a gate.
---@param limit integer how many may be inside
---@return awsbak.Gate
function M.new(limit)
  return setmetatable({ limit = limit, inside = 0, waiting = {} }, Gate)
end

--- Let the next one in, who takes the place as it is.
local function leave(gate)
  local t = table.remove(gate.waiting, 1)
  if t then
    tree.make_ready(t)
  else
    gate.inside = gate.inside - 1
  end
end

local function is_waiting(gate, t)
  for _, other in ipairs(gate.waiting) do
    if other == t then
      return true
    end
  end
  return false
end

local Place = { __name = "awsbak.gate.place" }

function Place:__close()
  if self.gate then
    leave(self.gate)
  end
  self.gate = nil
end

local function wait(gate, t)
  table.insert(gate.waiting, t)
  local e = tree.suspend(t)
  if not e then
    return
  end
  if is_waiting(gate, t) then
    scheduler.remove(gate.waiting, t)
  else
    leave(gate) -- the place was given to a task that was interrupted before it ran
  end
  scheduler.raise_interrupt(e)
end

--- Wait for a place inside. Outside of tasks nothing else runs, and nobody can wait.
---@return table place to be closed: `<close>`
--- Raises cancellation, and kind usage where it would wait for itself for good.
function Gate:enter()
  local t = scheduler.own_task()
  if self.inside < self.limit then
    if t then
      tree.check(t)
    end
    self.inside = self.inside + 1
  elseif t then
    tree.check(t)
    wait(self, t)
  else
    scheduler.misuse("a gate is full, and nothing that runs can leave it")
  end
  return setmetatable({ gate = self }, Place)
end

return M
