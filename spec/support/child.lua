--- A helper process that a spec starts and steers (the Python side is control.py).
---
--- Needs nothing but stock Lua, so that specs of any module can use it: commands go down a pipe,
--- the answers come back through a fifo. The helper ends when the pipe is closed, also when we are
--- killed.

local shell = require("spec.support.shell")

local child = {}
child.__index = child

local function json_string(text)
  local escaped = text:gsub('[%c"\\\127-\255]', function(c)
    return ("\\u%04x"):format(c:byte())
  end)
  return '"' .. escaped .. '"'
end

--- JSON of strings (as bytes), numbers, booleans and tables (a sequence, else an object).
---@param value any
---@return string
function child.json(value)
  if type(value) == "string" then
    return json_string(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for i, item in ipairs(value) do
      parts[i] = child.json(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    parts[#parts + 1] = json_string(key) .. ":" .. child.json(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function read_all(path)
  local file = io.open(path, "rb")
  local text = file and file:read("a") or ""
  if file then
    file:close()
  end
  return text
end

--- Start `PYTHON SCRIPT ARGUMENTS...`.
---@param python string the interpreter
---@param script string path from the repository root
---@param ... string its arguments
---@return table child raises when the helper does not start; close it, or let it be collected
function child.start_with(python, script, ...)
  local pipe = assert(io.popen("d=$(mktemp -d) && mkfifo -m 600 $d/reply && echo $d"))
  local folder = assert(pipe:read("l"), "cannot make a temporary folder")
  pipe:close()

  -- The shell opens the fifo, which waits until we read from it: no start-up race on either side.
  local command = "exec %s >%s/reply 2>%s/log"
  local self = setmetatable({ folder = folder }, child)
  local words = shell.join({ python, script, ... })
  self.commands = assert(io.popen(command:format(words, folder, folder), "w"))
  self.replies = assert(io.open(folder .. "/reply", "rb"))
  return self
end

--- Start `python3 SCRIPT ARGUMENTS...`, as start_with does.
---@param script string
---@param ... string
---@return table child
function child.start(script, ...)
  return child.start_with("python3", script, ...)
end

--- Send a command and return its value.
---@param command string
---@param fields table|nil its named arguments
---@return any value raises with what the helper said when it failed
function child:call(command, fields)
  local words = { command = command }
  for key, value in pairs(fields or {}) do
    words[key] = value
  end
  assert(self.commands, "the helper was stopped")
  self.commands:write(child.json(words), "\n")
  self.commands:flush()
  local line = self.replies:read("l")
  if not line then
    error("the helper ended: " .. read_all(self.folder .. "/log"), 2)
  end
  local reply = assert(load("return " .. line, "=reply", "t", {}))()
  if not reply.ok then
    error("the helper says: " .. reply.error, 2)
  end
  return reply.value
end

--- Stop the helper and wait until it is gone; harmless when done already.
function child:close()
  if self.commands then
    self.commands:close()
    self.replies:close()
    os.execute("rm -rf " .. shell.quote(self.folder))
    self.commands = nil
  end
end

child.__close = child.close
child.__gc = child.close

return child
