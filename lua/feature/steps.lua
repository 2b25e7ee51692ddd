--- What the steps of feature files do, in Lua.
---
---   local steps = require("feature.steps")
---   steps.Given("{int} parameters below {word}", function(world, count, path, argument) ... end)
---
--- Placeholders: {int}, {float}, {word} (no spaces), {string} (in double quotes), {text}
--- (anything). `world` is a new table for each scenario; `argument` is the step's doc string, or
--- its data table as a list of rows, in which `rows.records` are the rows below the first with that
--- one's names. What a step puts into the list part of `world` is closed when the scenario ends.

local M = {}

local PLACEHOLDERS = {
  int = { pattern = "([+-]?%d+)", read = math.tointeger },
  float = { pattern = "([+-]?%d+%.?%d*)", read = tonumber },
  word = { pattern = "(%S+)" },
  string = { pattern = '"([^"]*)"' },
  text = { pattern = "(.*)" },
}

local registry -- of the step file that is being loaded

--- "{int} files" as a Lua pattern, and how each capture is read.
local function compile(expression)
  local readers = {}
  local pattern = expression
    :gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
    :gsub("{(%w+)}", function(name)
      local placeholder = PLACEHOLDERS[name]
      assert(placeholder, ("there is no placeholder {%s}"):format(name))
      readers[#readers + 1] = placeholder.read or tostring
      return placeholder.pattern
    end)
  return "^" .. pattern .. "$", readers
end

local function define(expression, run)
  assert(registry, "steps are defined in step files")
  local pattern, readers = compile(expression)
  table.insert(
    registry,
    { expression = expression, pattern = pattern, readers = readers, run = run }
  )
end

--- Define a step; the three are the same, and also match And, But and *.
---@param expression string
---@param run fun(world: table, ...)
function M.Given(expression, run)
  define(expression, run)
end

--- See Given.
---@param expression string
---@param run fun(world: table, ...)
function M.When(expression, run)
  define(expression, run)
end

--- See Given.
---@param expression string
---@param run fun(world: table, ...)
function M.Then(expression, run)
  define(expression, run)
end

--- Call `load_steps`, which defines steps, and return them.
---@param load_steps function
---@return table[] steps
function M.collect(load_steps)
  registry = {}
  local steps = registry
  local ok, e = pcall(load_steps)
  registry = nil
  if not ok then
    error(e, 0)
  end
  return steps
end

local function records(rows)
  local list, head = {}, rows[1] or {}
  for r = 2, #rows do
    local record = {}
    for i, name in ipairs(head) do
      record[name] = rows[r][i]
    end
    list[r - 1] = record
  end
  return list
end

local function argument_of(step)
  if step.rows then
    local rows = table.move(step.rows, 1, #step.rows, 1, {})
    rows.records = records(step.rows)
    return rows
  end
  return step.doc
end

--- The definition of a step, and its captures.
---@param definitions table[]
---@param step feature.Step
---@return table? definition nil when there is none
---@return any[]|string captures or what is wrong
function M.find(definitions, step)
  local found, captures
  for _, definition in ipairs(definitions) do
    local values = table.pack(step.text:match(definition.pattern))
    if values[1] ~= nil then
      if found then
        local message = "this step has two definitions: '%s' and '%s'"
        return nil, message:format(found.expression, definition.expression)
      end
      found, captures = definition, values
    end
  end
  if not found then
    return nil, ("this step is not defined: %s"):format(step.text)
  end
  for i, read in ipairs(found.readers) do
    captures[i] = read(captures[i])
  end
  return found, captures
end

--- Run a step; raises what it raises, or what is wrong with its definition.
---@param definitions table[]
---@param step feature.Step
---@param world table
function M.run(definitions, step, world)
  local definition, captures = M.find(definitions, step)
  if not definition then
    error(captures, 0)
  end
  local n = #definition.readers
  captures[n + 1] = argument_of(step)
  definition.run(world, table.unpack(captures, 1, n + 1))
end

return M
