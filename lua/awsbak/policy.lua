--- A policy: one Lua file that is a command, an event handler and a library function.
---
---   return policy({
---     name = "ssm ls",
---     summary = "List parameters.",
---     options = { { "path", many = true, help = "only parameters below this path" } },
---     run = function(o) ... return { ok = 12, failed = 0 } end,
---   })

local errors = require("awsbak.errors")
local schema = require("awsbak.schema")
local settings = require("awsbak.settings")
local sorted = require("awsbak.sorted")
local text = require("awsbak.text")

local M = {}

---@class awsbak.Policy
---@field name string the words of its command: "ssm backup"
---@field summary string one sentence
---@field description string? more of them, for help
---@field examples string[]? command lines
---@field schema awsbak.Schema
---@field run fun(options: table?, door: string?): table?

local FIELDS = {
  name = "string",
  summary = "string",
  description = "string",
  examples = "table",
  options = "table",
  raw = "boolean",
  run = "function",
}

local meta = { __name = "awsbak.policy" }

--- `require("scripts.ssm.backup"){...}` is its run{...}.
function meta.__call(self, options)
  return self.run(options)
end

--- Whether this is a dry run: the flag of every command says so, or the policy's own of that name.
local function is_dry(self, options)
  local own = self.schema.by_key.dry_run
  return settings.get("dry_run") or own ~= nil and own.kind == "flag" and options.dry_run
end

local Planned = { -- whatever happens, what was withheld is said
  __close = function()
    require("awsbak.plan").show()
  end,
}

--- Run with the guard of dry runs on, also below a policy that makes a plan of its own.
local function run_dry(self, run, options, context)
  local has_own_plan = self.schema.by_key.dry_run ~= nil
  options.dry_run = has_own_plan or nil
  local plan = require("awsbak.plan")
  local before = plan.count()
  local _planned <close> = setmetatable({}, Planned)
  local result = settings.with({ dry_run = true }, run, options, context) or {}
  if type(result) == "table" then
    result.dry_run = result.dry_run or not has_own_plan or nil
    result.withheld = plan.count() > before and plan.count() - before or nil
  end
  return result
end

-- The file a policy is written in, told by its function, or what it calls itself.
local function place(definition)
  local info = type(definition.run) == "function" and debug.getinfo(definition.run, "S")
  if info and info.what ~= "C" then
    return (info.source:gsub("^[@=]", ""))
  end
  return ("policy '%s'"):format(tostring(definition.name or "without a name"))
end

local function mistaken(definition, message, hint)
  errors.raise({
    kind = "config",
    code = "bad_policy",
    message = ("%s: %s"):format(place(definition), message),
    hint = hint,
  })
end

local function check_definition(definition)
  for field, value in pairs(definition) do
    local wanted = FIELDS[field]
    if not wanted then
      local near = errors.nearest(tostring(field), sorted.keys(FIELDS))
      local hint = near and ("did you mean '%s'?"):format(near)
      mistaken(definition, ("a policy has no field '%s'"):format(tostring(field)), hint)
    elseif type(value) ~= wanted then
      mistaken(definition, ("field '%s' of a policy must be a %s"):format(field, wanted))
    end
  end
  for _, field in ipairs({ "name", "summary", "run" }) do
    if not definition[field] then
      mistaken(definition, ("a policy needs the field '%s'"):format(field))
    end
  end
end

local function schema_of(definition)
  local made, e = errors.try(schema.new, definition.options)
  return made or mistaken(definition, e.message, e.hint)
end

local function check_result(definition, result)
  if result ~= nil and type(result) ~= "table" then
    mistaken(
      definition,
      ("run must return a table or nothing, not a %s"):format(type(result)),
      "it is like { ok = 12, failed = 0 }"
    )
  end
  return result
end

--- Make a policy of its definition; also called as `policy({...})`.
---
--- `run(o, context)` gets checked options, and as context { door = "command"|"event"|"library" }.
--- It returns nothing, or a table of counts and facts: { ok, failed, skipped, ... }; `exit_code` in
--- it sets the exit code of a run in which nothing failed. A policy with `raw` takes the words of
--- its command line as they are, as option `words`, and runs outside of any task.
---@param definition table fields: name, summary, description, examples, options, raw, run
---@return awsbak.Policy
function M.new(definition)
  check_definition(definition)
  local self = {
    name = definition.name,
    summary = definition.summary,
    description = definition.description,
    examples = definition.examples or {},
    raw = definition.raw or false,
    schema = schema_of(definition),
  }
  --- Check options and run: `p.run({ path = "/prod", dry_run = true })`.
  function self.run(options, door)
    door = door or "library"
    local checked = self.raw and options or schema.check(self.schema, options or {}, door)
    local context = { door = door }
    if is_dry(self, checked) then
      return check_result(definition, run_dry(self, definition.run, checked, context))
    end
    return check_result(definition, definition.run(checked, context))
  end
  return setmetatable(self, meta)
end

--- Whether `value` is a policy.
---@param value any
---@return boolean
function M.is(value)
  return getmetatable(value) == meta
end

--- The exit code of a run that returned `result`: 3 when something failed.
---@param result table?
---@return integer
function M.exit_code(result)
  if type(result) ~= "table" then
    return 0
  end
  return (result.failed or 0) > 0 and 3 or result.exit_code or 0
end

local function answered_yes(question)
  io.stderr:write(text.escape(question), " [y/N] ")
  local answer = io.stdin:read("l")
  if not answer then -- Ctrl-D leaves the cursor behind the question
    io.stderr:write("\n")
  end
  return answer ~= nil and (answer:lower() == "y" or answer:lower() == "yes")
end

local function is_terminal(fd)
  return require("awsbak.core.sys").isatty(fd)
end

--- Ask before something is changed. True when --yes was given or the answer is yes; otherwise it
--- raises: without a terminal kind "usage", code "confirmation_needed" (exit code 20).
---@param question string "Overwrite 3 parameters?"
---@param plan string[]? lines that say what would be done, shown before the question
---@return true
function M.confirm(question, plan)
  if settings.get("yes") then
    return true
  end
  for _, line in ipairs(plan or {}) do
    io.stderr:write(text.escape(line), "\n")
  end
  if not (is_terminal(0) and is_terminal(2)) then
    errors.raise({
      kind = "usage",
      code = "confirmation_needed",
      message = "not confirmed: " .. question:gsub("%?$", ""),
      hint = 'there is no terminal to ask on; --yes goes on, in an event "yes": true',
    })
  end
  if not answered_yes(question) then
    errors.raise({
      kind = "cancelled",
      code = "declined",
      message = "not confirmed; nothing was changed",
    })
  end
  return true
end

return setmetatable(M, {
  __call = function(_, definition)
    return M.new(definition)
  end,
})
