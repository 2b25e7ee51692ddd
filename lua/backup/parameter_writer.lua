--- Writes the steps of a restore plan to Parameter Store, each one whole or with a reason.

local errors = require("awsbak.errors")
local faults = require("aws.ssm.faults")
local outside = require("awsbak.outside")
local pace = require("aws.ssm.pace")
local plan = require("backup.parameter_plan")
local reader = require("aws.ssm.reader")
local record = require("aws.ssm.record")
local task = require("awsbak.task")

local M = {}

---@class backup.Result
---@field name string
---@field result string created, changed, recreated, kept, equal, failed, or lost: deleted, or
---  perhaps, and not there again
---@field detail string|nil one sentence; never holds a value

---@class backup.Outcome what became of a parameter whose step fails
---@field fate string|nil half a sentence, when there is more to tell than the failure
---@field lost boolean|nil

---@class backup.ParameterWriter
local Writer = {}
Writer.__index = Writer

-- A deleted name may be refused for a while (AWS asks for 30 s before it is used again), and a new
-- version may be unknown to the other operations for a moment: wait 0.5, 1 ... 16 s, 31.5 s in all.
local CATCH_UP_TRIES = 6
local CATCH_UP_S = 0.5

local function call(f)
  return f()
end

--- A writer over one client.
---@param client table an SSM client
---@return backup.ParameterWriter
function M.new(client)
  return setmetatable({
    client = client,
    put = pace.wrap(client.put_parameter),
    in_turn_to_delete = pace.wrap(call),
    add_tags = pace.wrap(client.add_tags_to_resource),
    remove_tags = pace.wrap(client.remove_tags_from_resource),
    label = pace.wrap(client.label_parameter_version),
    reader = reader.new(client, { tags = false, labels = false }),
  }, Writer)
end

-- Calls again while `late` says of the failure that AWS has not caught up with an earlier write.
local function caught_up(late, f, ...)
  for try = 0, CATCH_UP_TRIES do
    local result, e = errors.try(f, ...)
    if result then
      return result
    elseif try == CATCH_UP_TRIES or not late(e) then
      error(e, 0)
    end
    outside.sleep(CATCH_UP_S * 2 ^ try)
  end
end

local function own_tags(tags)
  local own = {}
  for key, value in pairs(tags or {}) do
    if plan.own_tag(key) then
      own[key] = value
    end
  end
  return next(own) and record.tag_list(own) or nil
end

local function policies_text(policies)
  return policies and "[" .. table.concat(policies, ",") .. "]" or nil
end

-- PutParameter takes tags only when it creates.
local function create_input(r)
  return {
    Name = r.name,
    Type = r.type,
    Value = r.value,
    Description = r.description,
    KeyId = r.type == "SecureString" and r.key_id or nil,
    Tier = r.tier,
    DataType = r.data_type,
    AllowedPattern = r.allowed_pattern,
    Policies = policies_text(r.policies),
    Tags = own_tags(r.tags),
  }
end

-- What PutParameter is not given it keeps, so what the saved parameter lacks is cleared by name:
-- empty text, or for policies a list of one empty object ("Assigning parameter policies").
local function overwrite_input(saved, live)
  local input = create_input(saved)
  input.Overwrite, input.Tags = true, nil
  input.Description = saved.description or (live.description and "")
  if plan.tier_is_stuck(saved, live) then
    input.Tier = live.tier
  end
  if saved.type == "SecureString" then
    input.KeyId = saved.key_id or live.key_id
  end
  if saved.version then
    input.AllowedPattern = saved.allowed_pattern or (live.allowed_pattern and "")
    input.DataType = saved.data_type or (live.data_type and "text")
    input.Policies = policies_text(saved.policies) or (live.policies and "[{}]")
  end
  return input
end

local LATE = { ParameterNotFound = true, ParameterVersionNotFound = true }

local function unknown_yet(e)
  return LATE[e.code]
end

function Writer:set_labels(name, version, labels)
  if #labels == 0 then
    return
  end
  local input = { Name = name, ParameterVersion = version, Labels = labels }
  local answer = caught_up(unknown_yet, self.label, input)
  if answer.InvalidLabels and #answer.InvalidLabels > 0 then
    errors.raise({
      kind = "service",
      code = "InvalidLabels",
      message = "AWS refused the labels " .. table.concat(answer.InvalidLabels, ", "),
    })
  end
end

function Writer:set_tags(name, saved, live)
  local add, remove = plan.tag_changes(saved, live)
  if add then
    self.add_tags({ ResourceType = "Parameter", ResourceId = name, Tags = record.tag_list(add) })
  end
  if remove then
    self.remove_tags({ ResourceType = "Parameter", ResourceId = name, TagKeys = remove })
  end
end

local IN_PLACE = { tags = true, labels = true }

local function same_version(a, b)
  return a.version == b.version and a.modified == b.modified
end

local function same_content(r, found)
  for _, difference in ipairs(plan.differences(r, found)) do
    if not IN_PLACE[difference] then
      return false
    end
  end
  return true
end

-- The version under which one of these records was stored, and which. Nil when nothing is there, or
-- still the `former` one, which was deleted; raises when that gave way to somebody else's.
function Writer:stored(records, former)
  local name = records[1].name
  local found = self.reader:lookup({ name })[name]
  if not found or not found.value or former and same_version(found, former) then
    return nil
  end
  for _, r in ipairs(records) do
    if same_content(r, found) then
      return found.version, r
    end
  end
  if former then
    local message = "somebody else created it meanwhile"
    errors.raise({ kind = "service", code = "created_meanwhile", message = message })
  end
end

local function taken(e)
  return e.code == "ParameterAlreadyExists"
end

-- Stores a record under a name that should be free; its version. When an answer gets lost the
-- client asks again and is told that the name is taken, by ourselves: so what is there counts.
function Writer:put_new(r, former)
  local answer, e = errors.try(self.put, create_input(r))
  if answer then
    return answer.Version
  end
  return taken(e) and self:stored({ r }, former) or error(e, 0)
end

-- Labels a parameter that was stored; a failure of it leaves the new value in place.
function Writer:label_new(r, version, outcome)
  outcome.fate = "it was written, but not all of its labels"
  self:set_labels(r.name, version, r.labels or {})
  outcome.fate = nil
end

function Writer:create(step, outcome)
  self:label_new(step.saved, self:put_new(step.saved), outcome)
end

local function needs_put(step)
  for _, difference in ipairs(step.differences) do
    if not IN_PLACE[difference] then
      return true
    end
  end
  return #step.differences == 0 -- `always` writes what is equal too
end

function Writer:change(step, outcome)
  local saved, live = step.saved, step.live
  if needs_put(step) then
    local answer = self.put(overwrite_input(saved, live))
    self:label_new(saved, answer.Version, outcome)
  else
    self:set_labels(step.name, live.version, plan.missing_labels(saved.labels, live.labels))
  end
  self:set_tags(step.name, saved.tags, live.tags)
end

local UNSENT = { config = true, credentials = true, usage = true }

-- Does a failure prove that nothing was done? Not when an earlier attempt may have had success.
local function did_nothing(e)
  local refused = e.kind == "service" and (e.status or 400) < 500
  return UNSENT[e.kind] or e.unsent or refused and (e.attempts or 1) == 1
end

-- Deletes; false and the failure when nobody can tell whether it did. A cancelled run that waits
-- for its turn deletes nothing: there would be little time left to create anything.
function Writer:delete(name)
  local sent = false
  local _, e = errors.try(self.in_turn_to_delete, function()
    local t = task.running()
    if t and t.cancelled then
      error(t.cancelled, 0)
    end
    sent = true
    return self.client.delete_parameter({ Name = name })
  end)
  if not e or faults.gone(e) then
    return true
  elseif not sent or did_nothing(e) then
    error(e, 0)
  end
  return false, e
end

-- Puts the former parameter back and returns it with its version; or the saved one, if that was
-- stored after all and only every answer got lost.
function Writer:put_former(step)
  local answer, e = errors.try(self.put, create_input(step.live))
  if answer then
    return { record = step.live, version = answer.Version }
  end
  local version, r
  if taken(e) then
    version, r = self:stored({ step.saved, step.live }, step.live)
  end
  return version and { record = r, version = version } or error(e, 0)
end

-- What can be done after `e`: the version of the saved parameter if it is there, else it raises.
function Writer:recover(step, deleted, e, outcome)
  local there, worse = errors.try(caught_up, function(refusal)
    return deleted and taken(refusal)
  end, self.put_former, self, step)
  if there and there.record == step.saved then
    return there.version
  elseif there then
    outcome.fate = "the former one was put back"
    errors.try(self.set_labels, self, step.name, there.version, step.live.labels or {})
  elseif worse.code ~= "created_meanwhile" and (deleted or not taken(worse)) then
    outcome.lost = true
    outcome.fate = ("the former one %s and could not be put back; restore it again"):format(
      deleted and "was deleted" or "may have been deleted"
    )
  end
  error(e, 0)
end

-- From the delete on, the parameter must be there again before anything else may happen.
function Writer:replace(step, outcome)
  local deleted, e = self:delete(step.name)
  local version
  if deleted then
    version, e = errors.try(caught_up, taken, self.put_new, self, step.saved, step.live)
  end
  version = version or self:recover(step, deleted, e, outcome)
  self:label_new(step.saved, version, outcome)
end

function Writer:recreate(step, outcome)
  if not step.live.value then
    errors.raise({
      kind = "service",
      code = "unreadable",
      message = "its type changes only by deleting it, and its value cannot be read to put it back",
    })
  end
  task.shield(self.replace, self, step, outcome)
end

-- AWS may quote what it refuses; a secret it quotes goes no further.
local function message_of(e, r, fate)
  local message = errors.from(e).message
  if r.type == "SecureString" and message:find(r.value, 1, true) then
    message = "refused, in words that repeat the value"
  end
  local code = e.kind == "service" and e.code and e.code .. ": " or ""
  fate = fate or e.hint
  return code .. message .. (fate and "; " .. fate or "")
end

local RESULTS = { create = "created", change = "changed", recreate = "recreated" }
local UNCHANGED = { equal = "equal", keep = "kept" }

--- Carries one step out.
---@param step backup.Step
---@return backup.Result
---@return awsbak.Error|nil stop what ends the whole run: cancellation, credentials, the network
function Writer:apply(step)
  if UNCHANGED[step.action] then
    return { name = step.name, result = UNCHANGED[step.action], detail = plan.explain(step) }
  end
  local outcome = {}
  local _, e = errors.try(self[step.action], self, step, outcome)
  if not e then
    return { name = step.name, result = RESULTS[step.action], detail = plan.explain(step) }
  end
  local result = {
    name = step.name,
    result = outcome.lost and "lost" or "failed",
    detail = message_of(e, step.saved, outcome.fate),
  }
  local goes_on = faults.of_one_item(e) or e.kind == "usage"
  return result, not goes_on and e or nil
end

return M
