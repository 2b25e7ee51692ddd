--- Bytes that nothing can compress, by math.random.

--- `size` of them.
---@param size integer
---@return string
return function(size)
  local parts = {}
  for i = 1, size // 8 + 1 do
    parts[i] = string.pack("j", math.random(0))
  end
  return table.concat(parts):sub(1, size)
end
