--- Words for a POSIX shell.

local shell = {}

--- One word, quoted.
---@param word string
---@return string
function shell.quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

--- Several words, quoted and joined by blanks.
---@param words string[]
---@return string
function shell.join(words)
  local quoted = {}
  for i, word in ipairs(words) do
    quoted[i] = shell.quote(word)
  end
  return table.concat(quoted, " ")
end

return shell
