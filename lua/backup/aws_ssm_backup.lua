--- Reads the plain dumps of the aws-ssm-backup tool.
---
--- Such a file is one JSON object. A key is a parameter's full name; its value is an object of the
--- strings `value`, `type` and `description` (empty when there is none), or just the value of a
--- SecureString. Nothing in it tells its age, its account or whether it is whole.

local errors = require("awsbak.errors")
local json = require("awsbak.core.json")

local M = {}

local TYPES = { String = true, StringList = true, SecureString = true }

local function refuse(location, what)
  errors.raise({
    kind = "integrity",
    code = "not_a_dump",
    message = location .. ": not a dump of aws-ssm-backup: " .. what,
    hint = "nothing was restored",
  })
end

local function record_of(location, name, entry)
  if type(entry) == "string" then
    return { name = name, type = "SecureString", value = entry }
  elseif type(entry) ~= "table" then
    refuse(location, name .. " is neither an object nor text")
  elseif not TYPES[entry.type] then
    refuse(location, name .. " has no type String, StringList or SecureString")
  elseif type(entry.value) ~= "string" then
    refuse(location, name .. " has no value")
  end
  local description = entry.description
  if description == json.null or description == "" then
    description = nil
  elseif description ~= nil and type(description) ~= "string" then
    refuse(location, name .. " has a description that is not text")
  end
  return { name = name, type = entry.type, value = entry.value, description = description }
end

--- Could this be such a dump? A plain archive of awsbak's also begins with an object, but says what
--- it is in that one.
---@param text string the first bytes of a file
---@return boolean
function M.recognise(text)
  local first = text:match("^[^\n]*")
  local is_ours = first:find('"format":"awsbak', 1, true) ~= nil
  return text:find("^%s*{") ~= nil and not is_ours
end

--- The records of a dump, sorted by name.
---@param text string the whole file
---@param location string what to call it in a message
---@return table[] records name, type, value and description, see aws.ssm.record
function M.parse(text, location)
  local object, e = json.decode(text, { unique_keys = true })
  if object == nil then
    refuse(location, e.message)
  elseif type(object) ~= "table" or getmetatable(object) == json.array_mt then
    refuse(location, "it is not one JSON object")
  end
  local records = {}
  for name, entry in pairs(object) do
    records[#records + 1] = record_of(location, name, entry)
  end
  table.sort(records, function(a, b)
    return a.name < b.name
  end)
  return records
end

return M
