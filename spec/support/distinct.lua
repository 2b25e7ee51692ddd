--- Bytes of which no two neighbours of four are the same: what comes to a wrong place shows.

--- `size` of them, the same each time.
---@param size integer
---@return string
return function(size)
  local parts = {}
  for i = 1, size // 4 + 1 do
    parts[i] = (">I4"):pack(i * 2654435761 & 0xffffffff)
  end
  return table.concat(parts):sub(1, size)
end
