--- What a dry run withheld: the list of changes that would have been made, written when the run
--- ends.
---
--- There is one list, the run's; what is added to it is shown once.

local M = {}

local COLUMNS = { "service", "operation", "region", "input" }

local ROWS_MAX = 10000 -- kept to be shown; later ones are only counted, and it is said

local rows = {}
local dropped = 0 -- since rows were taken last
local count = 0 -- of all that was added, shown or not

---@class awsbak.PlanRow a change that was not made
---@field service string
---@field operation string
---@field region string?
---@field input table as it may be shown: without secrets

--- Add a change that was not made.
---@param row awsbak.PlanRow
function M.add(row)
  count = count + 1
  if #rows < ROWS_MAX then
    row.type = "plan"
    rows[#rows + 1] = row
  else
    dropped = dropped + 1
  end
end

--- How many changes this run has withheld.
---@return integer
function M.count()
  return count
end

--- What was withheld and neither taken nor shown yet, in order.
---@return awsbak.PlanRow[] at most 10,000
---@return integer more how many there were besides
function M.take()
  local list, more = rows, dropped
  rows, dropped = {}, 0
  return list, more
end

local function as_line(row)
  local json = require("awsbak.core.json")
  return ("%s %s %s"):format(row.service, row.operation, json.encode(row.input))
end

local function write(list)
  local output = require("awsbak.output")
  if not output.is_taken() then
    return output.rows(COLUMNS, list)
  end
  for _, row in ipairs(list) do
    require("awsbak.log").note("not done: %s", as_line(row))
  end
  return #list
end

--- Write what was not shown yet: a table on a terminal, JSON lines elsewhere (awsbak.output); on
--- standard error when standard output carries something else. What is not listed is told there.
---@return integer count of rows written
function M.show()
  local list, more = M.take()
  if #list == 0 then
    return 0
  end
  local written = write(list)
  if more > 0 then
    require("awsbak.log").warn("the plan lists %d changes; %d more were withheld", #list, more)
  end
  return written
end

return M
