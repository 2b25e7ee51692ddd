--- The prompt: Lua, line by line, with results printed as Lua would write them.

local errors = require("awsbak.errors")
local failure = require("awsbak.failure")
local folders = require("awsbak.folders")
local host = require("awsbak.core.host")
local log = require("awsbak.log")
local pretty = require("awsbak.pretty")
local settings = require("awsbak.settings")
local strict = require("awsbak.strict")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

local M = {}

local PROMPT, MORE = "> ", ">> "

-- Put after what was typed: calls `keeper`, which is given to the chunk, with its locals in sight.
local KEEP = "\n;(...)()"

--- Compile what was typed: as an expression if it is one. nil, "more" when it only began.
---@param source string
---@param env table
---@return function? chunk
---@return string? message or "more"
function M.compile(source, env)
  local chunk = load("return " .. source, "=prompt", "t", env)
  if chunk then
    return chunk
  end
  local message
  chunk, message = load(source, "=prompt", "t", env)
  if not chunk then
    return nil, message:find("<eof>$") and "more" or message
  end
  return load(source .. KEEP, "=prompt", "t", env) or chunk -- nothing can follow a return
end

--- Makes the locals of the chunk that calls it variables of the prompt: the next line sees them.
local function keeper(env)
  return function()
    local i = 1
    local name, value = debug.getlocal(2, i)
    while name do
      if name:sub(1, 1) ~= "(" then -- a name of the compiler's own
        rawset(env, name, value)
      end
      i = i + 1
      name, value = debug.getlocal(2, i)
    end
  end
end

local function show(...)
  for i = 1, select("#", ...) do
    io.stdout:write(pretty.lua((select(i, ...))), "\n")
  end
end

--- Run a chunk as a task of its own, so that Ctrl-C, or the time that --timeout gives each, ends it
--- and not the prompt.
local function execute(chunk, env)
  host.deadline(settings.get("timeout") or 0)
  local results = table.pack(pcall(task.run, chunk, keeper(env)))
  host.deadline(0)
  if results[1] then
    show(table.unpack(results, 2, results.n))
  else
    failure.report(results[2])
  end
  host.rearm()
end

local function history_path()
  local folder = folders.state()
  local made = folder and require("awsbak.core.file").mkdirs(folder, 448) -- 0700
  return made and folder .. "/history" or nil
end

--- Lines until they are a whole chunk: chunk and source, or nil and "end", "again" or a message.
local function read(editor, env)
  local lines = {}
  while true do
    local line, why = editor:read(#lines == 0 and PROMPT or MORE)
    if not line then
      host.rearm()
      io.stdout:write("\n")
      return nil, why == "end" and #lines == 0 and "end" or "again"
    end
    lines[#lines + 1] = line
    local source = table.concat(lines, "\n")
    local chunk, message = M.compile(source, env)
    if message ~= "more" then
      return chunk, message or source, source
    end
  end
end

--- Read, run and print until the end of input.
---@return integer exit code
function M.run()
  local env = strict.prompt()
  local editor <close> = errors.check(require("awsbak.core.line").open(history_path()))
  io.stdout:write("awsbak ", sys.version, ", ", _VERSION, ". Ctrl-D ends.\n")
  while true do
    local chunk, message, source = read(editor, env)
    if source and source:find("%S") and source:sub(1, 1) ~= " " then
      editor:remember(source)
    end
    if chunk then
      execute(chunk, env)
    elseif message == "end" then
      return 0
    elseif message ~= "again" then
      log.error(message)
    end
  end
end

return M
