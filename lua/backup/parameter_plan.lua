--- Decides what a restore does with one parameter, from what was saved and what exists now.
---
--- Pure: nothing is read or written here. No plan holds a value; it says "value" and no more.

local path = require("aws.ssm.path")

local M = {}

---@class backup.Step
---@field name string the name that is written
---@field action string create, equal, keep, change or recreate
---@field differences string[] in which respects the existing parameter differs
---@field note string|nil why the step is less than one might expect
---@field saved aws.ssm.Record what to write, renamed
---@field live aws.ssm.Record|nil what exists now

local DEFAULT_KEY = "alias/aws/ssm" -- what Parameter Store uses when no KeyId is given

--- The saved record as it is to be written.
---@param saved aws.ssm.Record
---@param options table `renames` of aws.ssm.path; `key_id`, a key or `default` (nil: as saved)
---@return aws.ssm.Record a copy where anything changes
function M.wanted(saved, options)
  local name = path.rename(saved.name, options.renames)
  local rekey = options.key_id and saved.type == "SecureString"
  if name == saved.name and not rekey then
    return saved
  end
  local copy = {}
  for member, value in pairs(saved) do
    copy[member] = value
  end
  copy.name = name
  if rekey then
    copy.key_id = options.key_id == "default" and DEFAULT_KEY or options.key_id
  end
  return copy
end

local function same_list(a, b)
  if not a or not b then
    return a == b
  end
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then
      return false
    end
  end
  return true
end

--- Tags whose keys begin with `aws:` are set by AWS alone: nobody else may write or remove them.
---@param key string
---@return boolean
function M.own_tag(key)
  return key:sub(1, 4) ~= "aws:"
end

--- What must be done to a parameter's tags.
---@param saved table<string, string>|nil nil: they were not saved
---@param live table<string, string>|nil nil: they could not be read
---@return table<string, string>|nil add nil when there is nothing to add
---@return string[]|nil remove keys, sorted
function M.tag_changes(saved, live)
  if not saved then
    return nil, nil
  end
  local add, remove = {}, {}
  for key, value in pairs(saved) do
    if M.own_tag(key) and not (live and live[key] == value) then
      add[key] = value
    end
  end
  for key in pairs(live or {}) do
    if M.own_tag(key) and saved[key] == nil then
      remove[#remove + 1] = key
    end
  end
  table.sort(remove)
  return next(add) and add, remove[1] and remove
end

--- The saved labels that the existing version lacks; labels it has beyond those are left alone.
---@param saved string[]|nil
---@param live string[]|nil
---@return string[] missing
function M.missing_labels(saved, live)
  local has, missing = {}, {}
  for _, label in ipairs(live or {}) do
    has[label] = true
  end
  for _, label in ipairs(saved or {}) do
    if not has[label] then
      missing[#missing + 1] = label
    end
  end
  return missing
end

-- A record of a dump without versions knows type, value and description only; the rest of the
-- existing parameter is then nobody's difference.
local function whole(saved)
  return saved.version ~= nil
end

local function key_of(r)
  return r.type == "SecureString" and (r.key_id or DEFAULT_KEY) or nil
end

-- Every respect in which records can differ, in the order they are told.
local COMPARED = {
  {
    "type",
    function(a, b)
      return a.type == b.type
    end,
  },
  {
    "value",
    function(a, b)
      return a.value == b.value
    end,
  },
  {
    "description",
    function(a, b)
      return (a.description or "") == (b.description or "")
    end,
  },
  {
    "key",
    function(a, b)
      return not (whole(a) or a.key_id) or key_of(a) == key_of(b)
    end,
  },
  {
    "tier",
    function(a, b)
      return not a.tier or a.tier == b.tier
    end,
  },
  {
    "data type",
    function(a, b)
      return not whole(a) or (a.data_type or "text") == (b.data_type or "text")
    end,
  },
  {
    "allowed pattern",
    function(a, b)
      return not whole(a) or (a.allowed_pattern or "") == (b.allowed_pattern or "")
    end,
  },
  {
    "policies",
    function(a, b)
      return not whole(a) or same_list(a.policies, b.policies)
    end,
  },
  {
    "tags",
    function(a, b)
      local add, remove = M.tag_changes(a.tags, b.tags)
      return not add and not remove
    end,
  },
  {
    "labels",
    function(a, b)
      return #M.missing_labels(a.labels, b.labels) == 0
    end,
  },
}

--- In which respects an existing parameter differs from a saved one.
---@param saved aws.ssm.Record
---@param live aws.ssm.Record
---@return string[] differences `value`, `description`, `tags` ...; never a value itself
function M.differences(saved, live)
  local list = {}
  for _, compared in ipairs(COMPARED) do
    if not compared[2](saved, live) then
      list[#list + 1] = compared[1]
    end
  end
  return list
end

--- AWS takes a parameter from Standard to Advanced, never back (PutParameter, member Tier).
---@param saved aws.ssm.Record
---@param live aws.ssm.Record
---@return boolean
function M.tier_is_stuck(saved, live)
  return live.tier == "Advanced" and saved.tier ~= nil and saved.tier ~= "Advanced"
end

local function only(list, word)
  return #list == 1 and list[1] == word
end

--- The step for one parameter.
---@param saved aws.ssm.Record what to write
---@param live aws.ssm.Record|nil what exists; nil when nothing does
---@param overwrite string never, changed or always
---@return backup.Step
function M.step(saved, live, overwrite)
  local step = { name = saved.name, saved = saved, live = live, differences = {} }
  if not live then
    step.action = "create"
    return step
  end
  local differences = M.differences(saved, live)
  step.differences = differences
  if M.tier_is_stuck(saved, live) then
    step.note = "the tier stays Advanced: AWS has no way back"
  end

  local same = #differences == 0 or (only(differences, "tier") and step.note ~= nil)
  if #differences == 0 and overwrite ~= "always" then
    step.action = "equal"
  elseif overwrite == "never" or (same and overwrite == "changed") then
    step.action = "keep"
  elseif differences[1] == "type" then
    step.action = "recreate" -- HierarchyTypeMismatchException: a type cannot be changed in place
  else
    step.action = "change"
  end
  return step
end

--- What a table of steps or results says of one: `value, tags differ; the tier stays Advanced ...`.
---@param step backup.Step
---@return string|nil
function M.explain(step)
  local parts = {}
  if #step.differences > 0 then
    local plural = #step.differences > 1 or step.differences[1]:sub(-1) == "s"
    parts[1] = table.concat(step.differences, ", ") .. (plural and " differ" or " differs")
  elseif step.action == "change" then
    parts[1] = "equal, written all the same"
  end
  if step.action == "recreate" then
    parts[#parts + 1] = "deleted and created again, because AWS does not change a type in place"
  end
  parts[#parts + 1] = step.note
  return parts[1] and table.concat(parts, "; ")
end

return M
