--- Makes busted run .feature files: a feature is a `describe`, a scenario an `it`.
---
--- The steps of x.feature are in x_steps.lua beside it, and in steps.lua of the same folder. A
--- scenario tagged @pending is shown and not run; other tags are busted's (`--tags`).

local parser = require("feature.parser")
local steps = require("feature.steps")

local M = {}

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

--- What a step file sees: the globals, busted's, and luassert as `assert`.
local function environment(busted)
  return setmetatable({}, {
    __index = function(_, name)
      local value = busted[name]
      if value == nil then
        value = _G[name]
      end
      return value
    end,
    __newindex = function(_, name)
      error(("assignment to global '%s' in a step file"):format(name), 2)
    end,
  })
end

--- The step definitions for the feature file at `path`.
local function load_steps(path, busted)
  local folder = path:match("^(.*/)[^/]*$") or ""
  local candidates = { folder .. "steps.lua", (path:gsub("%.feature$", "_steps.lua")) }
  return steps.collect(function()
    for _, candidate in ipairs(candidates) do
      local file = io.open(candidate, "rb")
      if file then
        file:close()
        assert(loadfile(candidate, "t", environment(busted)))()
      end
    end
  end)
end

local function with_tags(name, tags)
  for _, tag in ipairs(tags) do
    name = name .. " #" .. tag
  end
  return name
end

local function is_pending(scenario)
  for _, tag in ipairs(scenario.tags) do
    if tag == "pending" then
      return true
    end
  end
  return false
end

--- The world of a scenario. What steps put into its list part is closed, the last first, when the
--- scenario ends, whatever happened.
local function new_world()
  return setmetatable({}, {
    __close = function(world)
      for i = #world, 1, -1 do
        world[i]:close()
      end
    end,
  })
end

--- Run one scenario's steps; a failure says which step of which file it was.
local function run_scenario(path, scenario, definitions, busted)
  local world <close> = new_world()
  for _, step in ipairs(scenario.steps) do
    local ok, e = pcall(steps.run, definitions, step, world)
    if not ok then
      local message = type(e) == "table" and type(e.message) == "string" and e.message
        or tostring(e)
      local where = ("%s:%d: %s %s"):format(path, step.line, step.keyword, step.text)
      busted.fail(where .. "\n" .. message)
    end
  end
end

local function describe(path, busted)
  local feature = parser.parse(read(path), path)
  local definitions = load_steps(path, busted)
  busted.describe(with_tags(feature.name, feature.tags), function()
    for _, scenario in ipairs(feature.scenarios) do
      local name = with_tags(scenario.name, scenario.tags)
      if is_pending(scenario) then
        busted.pending(name)
      else
        busted.it(name, function()
          run_scenario(path, scenario, definitions, busted)
        end)
      end
    end
  end)
end

--- busted asks: is this one for us?
---@param _busted table
---@param path string
---@return boolean
function M.match(_busted, path)
  return path:find("%.feature$") ~= nil
end

--- busted asks for the function that defines the file's tests.
---@param _busted table
---@param path string
---@return function file
---@return function get_trace
function M.load(_busted, path)
  local function file()
    describe(path, require("busted"))
  end
  local function get_trace(_, info)
    info.traceback = "" -- the message names file, line and step
    return info
  end
  return file, get_trace
end

return M
