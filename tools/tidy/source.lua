--- The files of the project, as lists of lines.

local source = {}

local FOLDERS = "src lua scripts spec examples tools docs cmake .ci"
local TOP = "dev CMakeLists.txt README.md CHANGELOG.md NOTICE"

--- Every file that is ours to keep tidy: all but data, generated text and what was built.
---@return string[] paths sorted
function source.files()
  local pipe = assert(io.popen(("find %s %s -type f | sort"):format(FOLDERS, TOP)))
  local paths = {}
  for path in pipe:lines() do
    local data = path:find("^lua/aws/models/") or path:find("^spec/vectors/")
    if not data and not path:find("%.pyc$") then
      paths[#paths + 1] = path
    end
  end
  pipe:close()
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
