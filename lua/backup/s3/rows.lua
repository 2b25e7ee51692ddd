--- What commands show of a listing: entries as rows for awsbak.output, counted as they go by.

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

return rows
