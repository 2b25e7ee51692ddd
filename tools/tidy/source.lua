--- The files of the project, as lists of lines.

local source = {}

--- Every file that is ours to keep tidy: tracked or about to be, without data and generated text.
---@return string[] paths sorted
function source.files()
  local pipe = assert(io.popen(
    "git ls-files --cached --others --exclude-standard 2>/dev/null || find . -type f | cut -c3-"))
  local paths = {}
  for path in pipe:lines() do
    local data = path:find("^lua/aws/models/") or path:find("^spec/vectors/")
    local file = not data and io.open(path, "rb")
    if file then
      file:close()
      paths[#paths + 1] = path
    end
  end
  pipe:close()
  table.sort(paths)
  return paths
end

--- The lines of a file.
---@param path string
---@return string[]
function source.lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

return source
