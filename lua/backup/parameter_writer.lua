--- Writes the steps of a restore plan to Parameter Store, each one whole or with a reason.

local errors = require("awsbak.errors")
local faults = require("aws.ssm.faults")
local outside = require("awsbak.outside")
local pace = require("aws.ssm.pace")
local plan = require("backup.parameter_plan")
local record = require("aws.ssm.record")

local M = {}

---@class backup.Result
---@field name string
---@field result string created, changed, recreated, kept, equal or failed
---@field detail string|nil one sentence; never holds a value

---@class backup.ParameterWriter
local Writer = {}
Writer.__index = Writer

-- A deleted name may be refused for a while (AWS asks for 30 s before it is used again), and a new
-- version may be unknown to the other operations for a moment: wait 0.5, 1 ... 16 s, 31.5 s in all.
local CATCH_UP_TRIES = 6
local CATCH_UP_S = 0.5

--- A writer over one client.
---@param client table an SSM client
---@return backup.ParameterWriter
function M.new(client)
  return setmetatable({
    put = pace.wrap(client.put_parameter),
    delete = pace.wrap(client.delete_parameter),
    add_tags = pace.wrap(client.add_tags_to_resource),
    remove_tags = pace.wrap(client.remove_tags_from_resource),
    label = pace.wrap(client.label_parameter_version),
  }, Writer)
end

-- Calls again while AWS has not caught up with an earlier write.
local function caught_up(codes, call, input)
  for try = 0, CATCH_UP_TRIES do
    local result, e = errors.try(call, input)
    if result then
      return result
    elseif try == CATCH_UP_TRIES or not codes[e.code] then
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

function Writer:set_labels(name, version, labels)
  if #labels == 0 then
    return
  end
  local late = { ParameterNotFound = true, ParameterVersionNotFound = true }
  local input = { Name = name, ParameterVersion = version, Labels = labels }
  local answer = caught_up(late, self.label, input)
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

function Writer:create(r)
  local answer = self.put(create_input(r))
  self:set_labels(r.name, answer.Version, r.labels or {})
end

local IN_PLACE = { tags = true, labels = true }

local function needs_put(step)
  for _, difference in ipairs(step.differences) do
    if not IN_PLACE[difference] then
      return true
    end
  end
  return #step.differences == 0 -- `always` writes what is equal too
end

function Writer:change(step)
  local saved, live = step.saved, step.live
  if needs_put(step) then
    local answer = self.put(overwrite_input(saved, live))
    self:set_labels(step.name, answer.Version, saved.labels or {})
  else
    self:set_labels(step.name, live.version, plan.missing_labels(saved.labels, live.labels))
  end
  self:set_tags(step.name, saved.tags, live.tags)
end

function Writer:recreate(step)
  local live = step.live
  if not live.value then
    errors.raise({
      kind = "service",
      code = "unreadable",
      message = "its type changes only by deleting it, and its value cannot be read to put it back",
    })
  end
  local lingering = { ParameterAlreadyExists = true }
  local function create(r)
    local answer = caught_up(lingering, self.put, create_input(r))
    self:set_labels(r.name, answer.Version, r.labels or {})
  end

  self.delete({ Name = step.name })
  local _, e = errors.try(create, step.saved)
  if e then
    local _, worse = errors.try(create, live)
    e.hint = worse and "the former one was deleted and could not be put back"
      or "the former one was put back"
    error(e, 0)
  end
end

-- AWS may quote what it refuses; a secret it quotes goes no further.
local function message_of(e, r)
  local message = errors.from(e).message
  if r.type == "SecureString" and message:find(r.value, 1, true) then
    message = "refused, in words that repeat the value"
  end
  local code = e.kind == "service" and e.code and e.code .. ": " or ""
  return code .. message .. (e.hint and "; " .. e.hint or "")
end

local RESULTS = { create = "created", change = "changed", recreate = "recreated" }
local UNCHANGED = { equal = "equal", keep = "kept" }

--- Carries one step out.
---@param step backup.Step
---@return backup.Result raises only what ends the whole run: cancellation, credentials
function Writer:apply(step)
  if UNCHANGED[step.action] then
    return { name = step.name, result = UNCHANGED[step.action], detail = plan.explain(step) }
  end
  local subject = step.action == "create" and step.saved or step
  local _, e = errors.try(self[step.action], self, subject)
  if not e then
    return { name = step.name, result = RESULTS[step.action], detail = plan.explain(step) }
  elseif not faults.of_one_item(e) and e.kind ~= "usage" then
    error(e, 0)
  end
  return { name = step.name, result = "failed", detail = message_of(e, step.saved) }
end

return M
