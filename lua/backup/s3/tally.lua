--- What the steps of a copy would do, counted before it is asked whether they shall; and of the
--- steps that are found afterwards, those that were counted.

local progress = require("awsbak.progress")

local tally = {}

--- What steps would do.
---@param steps fun(): backup.DiffStep?
---@return { copies: integer, deletes: integer, bytes: integer, newest: number } found bytes are
---  those that are copied; newest is the latest change of what is replaced or deleted, epoch
---  seconds
function tally.of(steps)
  local found = { copies = 0, deletes = 0, bytes = 0, newest = 0 }
  local shown <close> = progress.start("keys")
  for step in steps do
    shown:add()
    if step.action == "copy" then
      found.copies, found.bytes = found.copies + 1, found.bytes + (step.source.size or 0)
    elseif step.action == "delete" then
      found.deletes = found.deletes + 1
    end
    if step.action == "delete" or step.action == "copy" and step.target then
      found.newest = math.max(found.newest, step.target.modified or 0)
    end
  end
  return found
end

--- Steps but for deletions of what came after it was counted.
---@param steps fun(): backup.DiffStep?
---@param newest number as tally.of found it
---@param copies boolean? what would be replaced by a copy and came later stays as well
---@return fun(): backup.DiffStep?
function tally.only(steps, newest, copies)
  return function()
    for step in steps do
      local is_meant = step.action == "delete" or copies and step.action == "copy"
      if not is_meant or not step.target or (step.target.modified or 0) <= newest then
        return step
      end
    end
  end
end

return tally
