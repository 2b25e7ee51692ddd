--- Restores saved parameters: everything is looked at before anything is written.
---
--- Records come from an iterator that can be started again, so that a plan can be shown and then be
--- carried out without either being held in memory.

local errors = require("awsbak.errors")
local faults = require("aws.ssm.faults")
local log = require("awsbak.log")
local names = require("backup.archive.names")
local parameter_writer = require("backup.parameter_writer")
local path = require("aws.ssm.path")
local plan = require("backup.parameter_plan")
local reader = require("aws.ssm.reader")
local record = require("aws.ssm.record")
local task = require("awsbak.task")

local M = {}

local BATCH = 50 -- names that one DescribeParameters takes

---@class backup.ParameterRestore
---@field open fun(): (fun(): aws.ssm.Record|nil) starts the saved records from the first one
---@field confirmed backup.Names|nil version by name as of a plan that was agreed to
---@field counts table<string, integer> results so far: created, changed, ...
---@field stopped awsbak.Error|nil what ended the run early
local Restore = {}
Restore.__index = Restore

--- A restore of saved records.
---@param options table `client`; `records`, a function that starts an iterator of records;
---  `location`, what a message calls where they come from; `paths`;
---  `renames`, of aws.ssm.path; `key_id`; `overwrite` (never, changed, always); `concurrency` (10)
---@return backup.ParameterRestore
function M.new(options)
  return setmetatable({
    client = options.client,
    open = options.records,
    location = options.location,
    scope = path.scope(options.paths),
    rules = { renames = options.renames or {}, key_id = options.key_id },
    overwrite = options.overwrite or "never",
    concurrency = options.concurrency or 10,
    reader = reader.new(options.client, { concurrency = options.concurrency }),
    writer = parameter_writer.new(options.client),
    counts = {},
  }, Restore)
end

local function refuse(kind, code, message, hint)
  errors.raise({ kind = kind, code = code, message = message, hint = hint })
end

-- The records that are to be restored, as they are to be written.
function Restore:wanted()
  local following = self.open()
  return function()
    for saved in following do
      if self.scope:includes(saved.name) then
        return plan.wanted(saved, self.rules)
      end
    end
  end
end

-- The name that AWS will keep a record under.
function Restore:stored_name(saved)
  return path.stored_name(path.rename(saved.name, self.rules.renames))
end

-- The saved name of a record before number `limit` that will be stored under this name.
function Restore:earlier(name, limit)
  local number = 0
  for saved in self.open() do
    number = number + 1
    if number == limit then
      return nil -- two names with one digest: see backup.archive.names
    elseif self.scope:includes(saved.name) and self:stored_name(saved) == name then
      return saved.name
    end
  end
end

-- The name that record `number` will have; `taken` are the stored ones of the records before. A
-- saved name that AWS refuses to create fails alone, when it is its turn.
function Restore:check_name(saved, number, taken)
  local name = path.rename(saved.name, self.rules.renames)
  local renamed = path.renaming(saved.name, self.rules.renames) ~= nil
  local reason = (renamed and path.invalid or path.impossible)(name)
  if reason and not renamed then
    refuse("integrity", "bad_record", ('"%s" is no name for a parameter'):format(name), reason)
  elseif reason then
    refuse("usage", "bad_rename", ("--rename makes %s of %s"):format(name, saved.name), reason)
  end
  local stored = path.stored_name(name)
  local other = not taken:add(stored) and self:earlier(stored, number)
  if other == saved.name then
    refuse("integrity", "record_twice", other .. " is saved twice", "nothing was restored")
  elseif other and not renamed and not path.renaming(other, self.rules.renames) then
    local both = ("%s and %s are the same parameter"):format(other, saved.name)
    refuse("integrity", "record_twice", both, "nothing was restored")
  elseif other then
    local both = ("--rename makes %s of both %s and %s"):format(name, other, saved.name)
    refuse("usage", "rename_collision", both, "nothing was restored")
  end
end

-- A mistyped --path or --rename must not pass for nothing to do, or for another name.
function Restore:check_all_used(count, used)
  if count == 0 and #self.scope.paths > 0 then
    refuse(
      "usage",
      "nothing_matched",
      ("nothing in %s matches %s"):format(self.location, self.scope:describe()),
      "paths are those that were saved, not the renamed ones"
    )
  end
  for _, rename in ipairs(count > 0 and self.rules.renames or {}) do
    if not used[rename] then
      local message = ("--rename %s=%s applies to nothing"):format(rename.old, rename.new)
      refuse("usage", "rename_unused", message, "OLD is a path that was saved")
    end
  end
end

--- Looks at every record before anything is written.
---@return integer count how many are to be restored
--- Raises kind integrity for a record that is none, has no possible name or is there twice, kind
--- usage for a path or a --rename that no record matches, or one that gives two parameters one
--- name, or one a name AWS refuses.
function Restore:check()
  local number, count, taken, used = 0, 0, names.new(), {}
  for saved in self.open() do
    number = number + 1
    local problem = record.problem(saved)
    if problem then
      refuse("integrity", "bad_record", ("record %d is no parameter: %s"):format(number, problem))
    elseif self.scope:includes(saved.name) then
      count = count + 1
      self:check_name(saved, number, taken)
      used[path.renaming(saved.name, self.rules.renames) or false] = true
    end
  end
  self:check_all_used(count, used)
  return count
end

-- What exists under a name AWS may refuse even to look up: nothing then.
function Restore:lookup_alone(name)
  local found, e = errors.try(self.reader.lookup, self.reader, { name })
  if not found and not faults.of_one_item(e) then
    error(e, 0)
  end
  return found and found[name]
end

-- One step of each of up to 50 records, from what exists under their names now.
function Restore:plan_batch(batch)
  local list, odd = {}, {}
  for _, saved in ipairs(batch) do
    local to = path.invalid(saved.name) and odd or list
    to[#to + 1] = saved.name
  end
  local live = list[1] and self.reader:lookup(list) or {}
  for _, name in ipairs(odd) do
    live[name] = self:lookup_alone(name)
  end
  local steps = {}
  for i, saved in ipairs(batch) do
    steps[i] = plan.step(saved, live[saved.name], self.overwrite)
  end
  return steps
end

-- An iterator over lists of steps.
function Restore:batches()
  local wanted, ended = self:wanted(), false
  return function()
    local batch = {}
    while #batch < BATCH and not ended do
      local saved = wanted()
      ended = saved == nil
      batch[#batch + 1] = saved
    end
    return batch[1] and self:plan_batch(batch)
  end
end

--- The plan: what would be done to each parameter. Nothing is written. Raises at the end when the
--- right to read is missing altogether: nothing was compared then.
---@return fun(): backup.Step|nil
function Restore:steps()
  local batches, steps, at = self:batches(), {}, 0
  return function()
    at = at + 1
    if not steps[at] then
      steps, at = batches() or {}, 1
      if not steps[1] then
        self.reader:check_any_read()
      end
    end
    return steps[at]
  end
end

--- Remembers a step that was agreed to: run() writes over no version but the one that was shown.
---@param step backup.Step
function Restore:confirm(step)
  self.confirmed = self.confirmed or names.new()
  self.confirmed:add(step.name, step.live and step.live.version or 0)
end

local function changed_since(self, step)
  local seen = self.confirmed and self.confirmed:get(step.name)
  return seen and seen ~= (step.live and step.live.version or 0)
end

local function tell(step)
  if step.action == "equal" then
    log.debug("%s: equal, nothing to do", step.name)
  elseif step.action == "keep" then
    log.warn("%s: exists and differs, kept: %s", step.name, plan.explain(step))
  end
end

-- Counted when it is done, not when it is handed out: a cancelled run hands out no more.
function Restore:count(result)
  self.counts[result] = (self.counts[result] or 0) + 1
end

-- One result. An error that concerns more than this parameter stops the run: what is under way is
-- finished, nothing more is begun.
function Restore:apply(step)
  if self.stopped then
    return nil
  elseif changed_since(self, step) then
    self:count("failed")
    local detail = "it changed after the plan was shown; nothing was written"
    return { name = step.name, result = "failed", detail = detail }
  end
  tell(step)
  local result, stop = self.writer:apply(step)
  self:count(result.result)
  self.stopped = self.stopped or stop
  if result.result == "lost" then
    log.error("%s: %s", result.name, result.detail) -- a cancelled run shows no results any more
  end
  return result
end

function Restore:run_batch(steps)
  local results, at = {}, 0
  local function following()
    at = at + 1
    return steps[at] and at
  end
  task.each(following, self.concurrency, function(i)
    results[i] = self:apply(steps[i]) or false
  end)
  return results
end

--- Carries the plan out.
---@return fun(): backup.Result|nil results in the order of the records; ends early when `stopped`
function Restore:run()
  local batches, results, at = self:batches(), {}, 0
  local function next_batch()
    local steps = not self.stopped and batches()
    results, at = steps and self:run_batch(steps) or {}, 1
  end
  return function()
    repeat
      at = at + 1
      if results[at] == nil then
        next_batch()
      end
    until results[at] ~= false
    return results[at]
  end
end

return M
