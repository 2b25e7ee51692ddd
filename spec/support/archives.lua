--- Sealing and opening whole strings through core.stream, for specs.

local file = require("awsbak.core.file")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

local archives = {}

--- Seal a string as stream.writer does.
---@param plain string
---@param options table those of stream.writer
---@param step integer|nil bytes a write; all at once when absent
---@return string sealed raises what the writer raises
function archives.seal(plain, options, step)
  local w <close> = assert(stream.writer(options))
  local parts = {}
  for at = 1, #plain, step or math.max(#plain, 1) do
    if not w:write(plain:sub(at, at + (step or #plain) - 1)) then
      task.await(w:flush())
      parts[#parts + 1] = w:take()
    end
  end
  task.await(w:finish())
  parts[#parts + 1] = w:take()
  return table.concat(parts)
end

--- Open a file as stream.reader does.
---@param path string
---@param options table|nil those of stream.reader
---@return string released every byte handed out, before a failure too
---@return table|nil failure the error that ended it
function archives.open(path, options)
  local handle <close> = assert(file.open(path))
  local r <close> = assert(stream.reader(handle, options))
  local parts = {}
  local failure
  repeat
    local ok, err = pcall(task.await, r:fill())
    failure = not ok and err or nil
    local bytes, why = r:take()
    parts[#parts + 1] = bytes
  until failure or why == "end"
  return table.concat(parts), failure
end

return archives
