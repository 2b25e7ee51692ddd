--- What specs of tasks share: a journal, cleanups, failures and long sleeps.

local errors = require("awsbak.errors")
local task = require("awsbak.task")

local tasks = {}

--- Seconds that are over soon.
tasks.SOON = 0.001

--- A list that remembers what happened in which order.
---@return string[] lines, fun(line: string) note
function tasks.journal()
  local lines = {}
  return lines, function(line)
    lines[#lines + 1] = line
  end
end

--- A function that calls `f` when the scope it is made in closes.
---@param f function
function tasks.defer(f)
  return setmetatable({}, { __close = f })
end

--- An error table as a core function would report it.
---@param code string
function tasks.failure(code)
  return errors.new({ kind = "io", code = code, message = code })
end

--- A function that fails.
---@param code string
function tasks.fail_with(code)
  return function()
    error(tasks.failure(code), 0)
  end
end

--- Wait much longer than a spec may take.
function tasks.sleep_long()
  task.sleep(100)
end

--- The error `f` raises.
---@param f function
function tasks.caught(f, ...)
  local ok, e = pcall(f, ...)
  assert(not ok, "no error was raised")
  return e
end

return tasks
