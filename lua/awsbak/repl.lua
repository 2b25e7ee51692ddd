--- The prompt: Lua, line by line, with results printed as Lua would write them; and lines that
--- begin with a dot, which are commands of the prompt.

local commands = require("awsbak.commands")
local complete = require("awsbak.repl.complete")
local errors = require("awsbak.errors")
local failure = require("awsbak.failure")
local folders = require("awsbak.folders")
local host = require("awsbak.core.host")
local log = require("awsbak.log")
local pretty = require("awsbak.pretty")
local settings = require("awsbak.settings")
local sorted = require("awsbak.sorted")
local strict = require("awsbak.strict")
local sys = require("awsbak.core.sys")
local tab = require("awsbak.repl.tab")
local task = require("awsbak.task")
local text = require("awsbak.text")

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

--- Print values; one that cannot be shown (its __tostring raises, say) is told, and no more.
local function show(...)
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    local ok, shown = pcall(pretty.lua, value)
    if not ok then
      shown = ("<%s that cannot be shown: %s>"):format(type(value), errors.from(shown).message)
      shown = text.escape(shown)
    end
    io.stdout:write(shown, "\n")
  end
end

--- Run a function as a task of its own, so that Ctrl-C, or the time that --timeout gives each, ends
--- it and not the prompt.
local function execute(f, ...)
  host.deadline(settings.get("timeout") or 0)
  local results = table.pack(pcall(task.run, f, ...))
  host.deadline(0)
  if results[1] then
    show(table.unpack(results, 2, results.n))
  else
    failure.report(results[2])
  end
  host.rearm()
end

local function help()
  return commands.load(commands.find("help"))
end

-- Lines that begin with a dot: what each does with the words after it, and how those complete.
local DOTS = {
  help = {
    run = function(words)
      help().run({ command = words }, "command")
    end,
    complete = function(...)
      return help().schema.by_key.command.complete(...)
    end,
  },
}

--- Run a line that begins with a dot.
local function run_dot(line)
  local name, rest = line:match("^%.(%S*)%s*(.*)$")
  local words = {}
  for word in rest:gmatch("%S+") do
    words[#words + 1] = word
  end
  if DOTS[name] then
    execute(DOTS[name].run, words)
    return
  end
  local known = sorted.keys(DOTS)
  local near = errors.nearest(name, known) or known[1]
  log.error("there is no command '.%s' of the prompt; did you mean '.%s'?", name, near)
end

local function history_path()
  local folder = folders.state()
  local made = folder and require("awsbak.core.file").mkdirs(folder, 448) -- 0700
  return made and folder .. "/history" or nil
end

--- What the tab key does in a line below `lines`.
local function completer(lines, env)
  return function(line)
    local before = table.concat(lines, "\n") .. (#lines > 0 and "\n" or "")
    local found = complete.candidates(before .. line, env, #lines == 0 and DOTS or nil)
    if found then
      return tab.press(line:sub(found.from - #before), found)
    end
  end
end

--- Lines until they are a whole chunk: chunk and source, or nil and "end", "again", "dot" (with the
--- line) or a message.
local function read(editor, env)
  local lines = {}
  local press = completer(lines, env)
  while true do
    local line, why = editor:read(#lines == 0 and PROMPT or MORE, press)
    if not line then
      host.rearm()
      io.stdout:write("\n")
      return nil, why == "end" and #lines == 0 and "end" or "again"
    end
    if #lines == 0 and line:find("^%.%a") then
      return nil, "dot", line
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
  local greeting = "awsbak %s, %s. Tab completes, .help explains, Ctrl-D ends.\n"
  io.stdout:write(greeting:format(sys.version, _VERSION))
  while true do
    local chunk, message, source = read(editor, env)
    if source and source:find("%S") and source:sub(1, 1) ~= " " then
      editor:remember(source)
    end
    if chunk then
      execute(chunk, keeper(env))
    elseif message == "dot" then
      run_dot(source)
    elseif message == "end" then
      return 0
    elseif message ~= "again" then
      log.error(message)
    end
  end
end

return M
