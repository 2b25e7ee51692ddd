--- Tables in a stable order, so that what is made of them is the same on every run.

local M = {}

local function as_text(a, b)
  return tostring(a) < tostring(b)
end

--- The keys of a table, sorted; keys of other types than string by their text.
---@param map table
---@return any[]
function M.keys(map)
  local keys, mixed = {}, false
  for key in pairs(map) do
    keys[#keys + 1] = key
    mixed = mixed or type(key) ~= "string"
  end
  table.sort(keys, mixed and as_text or nil)
  return keys
end

return M
