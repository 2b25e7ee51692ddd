--- What commands show of a listing, or of what they did: rows for awsbak.output, counted as they go
--- by.

local output = require("awsbak.output")
local progress = require("awsbak.progress")
local time = require("awsbak.time")

local rows = {}

--- An entry as JSON has it: times in RFC 3339.
---@param entry backup.S3Entry
---@return table row
function rows.of(entry)
  local row = {}
  for name, value in pairs(entry) do
    row[name] = value
  end
  row.modified = entry.modified and time.rfc3339(entry.modified)
  return row
end

--- Entries as rows, while progress is shown.
---@param entries fun(): any? iterator
---@param noun string of what is counted: "objects"
---@param of (fun(entry: any): table)? what makes a row (default rows.of)
---@return fun(): table? iterator
function rows.each(entries, noun, of)
  local shown = progress.start(noun)
  return function()
    local entry = entries()
    if not entry then
      shown:close()
      return nil
    end
    shown:add()
    return (of or rows.of)(entry)
  end
end

--- Write rows of what was done. Those that came before a failure, or a cancellation, are told even
--- where they wait for others (a table for its widths, --query for all of them).
---@param columns (string|awsbak.Column)[] as output.rows takes them
---@param each fun(): table? iterator
---@return integer count
--- Raises what the iterator raises, when what came before is written.
function rows.tell(columns, each)
  local is_broken, reason = false, nil
  local count = output.rows(columns, function()
    local ok, row = pcall(each)
    if ok then
      return row
    end
    is_broken, reason = true, row
    return nil
  end)
  if is_broken then
    error(reason, 0)
  end
  return count
end

return rows
