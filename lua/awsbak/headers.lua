--- Headers as requests and responses carry them: lists of pairs { name, value }.

local M = {}

--- The value of a header, the first if there are several.
---@param list string[][]
---@param name string in any case
---@return string? value nil when there is none
function M.find(list, name)
  name = name:lower()
  for _, pair in ipairs(list) do
    if pair[1]:lower() == name then
      return pair[2]
    end
  end
  return nil
end

return M
