--- The command line: which words are flags, which a script, which a command.
---
---   awsbak [flags] SCRIPT.lua words...     awsbak [flags] COMMAND words...     awsbak [flags] -e
---   CODE
---
--- Modules are required where they are used: what `awsbak -e ''` does not need is not loaded.

local M = {}

local PROMPT_MODULE = "aws" -- a global of the prompt, as by -l

-- Names under which the program is a command: links to it.
local LINKS = { ["age-plugin-awskms"] = { "age", "plugin" } }

local function usage(message, hint)
  require("awsbak.errors").raise({
    kind = "usage",
    code = "bad_option",
    message = message,
    hint = hint,
  })
end

---@class awsbak.Line what the words before the script or command say
---@field chunks string[][] { "-e", code } and { "-l", module }, in order
---@field interactive boolean?
---@field version boolean?
---@field help boolean?
---@field next integer index of the first word that is no flag

local simple = {
  ["-i"] = "interactive",
  ["-V"] = "version",
  ["--version"] = "version",
  ["-h"] = "help",
  ["--help"] = "help",
}

local function set_log(level)
  require("awsbak.log").level = level
end

--- Flags every command has, from word `i` on; index of the word after them.
local function read_globals(argv, i, line)
  local flags, settings = require("awsbak.flags"), require("awsbak.settings")
  local found, next_word = flags.read(argv, i, { list = {}, by_key = {} }, settings.options, true)
  settings.set(found.globals)
  if found.log then
    set_log(found.log)
  end
  line.help = line.help or found.help
  return next_word
end

--- Read the words before the script or command.
---@param argv string[]
---@return awsbak.Line
local function parse(argv)
  local line = { chunks = {} }
  local i = 1
  while argv[i] do
    local word = argv[i]
    if word == "-e" or word == "-l" then
      if not argv[i + 1] then
        usage(word .. " needs a value: " .. (word == "-e" and "Lua code" or "the name of a module"))
      end
      table.insert(line.chunks, { word, argv[i + 1] })
      i = i + 2
    elseif simple[word] then
      line[simple[word]] = true
      i = i + 1
    elseif word == "--" then
      i = i + 1
      break
    elseif word:find("^%-.") then
      local after = read_globals(argv, i, line)
      if after == i then
        usage(("there is no option '%s'"):format(word), "`awsbak help` lists them")
      end
      i = after
    else
      break
    end
  end
  line.next = i
  return line
end

--- Errors of load(): file:line: what the compiler says.
local function compiled(path, chunk, message)
  if not chunk and message:find("attempt to load a binary chunk", 1, true) then
    require("awsbak.errors").raise({
      kind = "usage",
      code = "bytecode",
      message = (path == "-" and "standard input" or path)
        .. " is compiled Lua, and scripts are text",
      hint = "run the source it was made of",
    })
  elseif not chunk then
    require("awsbak.errors").raise({ kind = "bug", code = "syntax", message = message })
  end
  return chunk
end

local function load_script(path, env)
  if path ~= "-" then
    local file, message = io.open(path, "rb")
    if not file then
      require("awsbak.errors").raise({
        kind = "io",
        code = "ENOENT",
        message = "cannot open script " .. message,
      })
    end
    file:close()
  end
  local name = path
  if path:find("^lua/") or path:find("^scripts/") then
    name = "./" .. path -- without the dot, names of chunks are files of our own
  end
  return compiled(path, loadfile(path ~= "-" and name or nil, "t", env))
end

--- Whether `require(name)` would find something.
local function is_module(name)
  if package.loaded[name] then
    return true
  end
  for _, searcher in ipairs(package.searchers) do
    local loader = searcher(name) -- or a text, or nothing at all
    if type(loader) == "function" then
      return true
    end
  end
  return false
end

local function load_module(name)
  if not is_module(name) then
    usage(
      ("there is no module '%s'"):format(name),
      "`awsbak -e 'print(package.path)'` shows the folders where Lua's modules may be"
    )
  end
  rawset(_G, name, require(name))
end

local function run_chunks(chunks, env)
  for _, chunk in ipairs(chunks) do
    if chunk[1] == "-l" then
      load_module(chunk[2])
    else
      compiled("-e", load(chunk[2], "=(command line)", "t", env))()
    end
  end
end

--- The value of a setting, without loading settings when nobody set any.
local function setting(name)
  local variable = os.getenv("AWSBAK_" .. name:upper())
  if not package.loaded["awsbak.settings"] and (variable or "") == "" then
    return nil
  end
  return (require("awsbak.settings").get(name))
end

--- Tracebacks can be taken only where an error is raised, so under -v one is put into it there.
local function traced(body)
  if not (package.loaded["awsbak.log"] and require("awsbak.log").enabled("info")) then
    return body
  end
  local function handler(e)
    e = require("awsbak.errors").from(e)
    e.traceback = e.traceback or debug.traceback("", 2):gsub("^\n", "")
    return e
  end
  return function()
    local results = table.pack(xpcall(body, handler))
    if not results[1] then
      error(results[2], 0)
    end
    return table.unpack(results, 2, results.n)
  end
end

--- Say what a dry run withheld, if it was not said before.
local function show_plan()
  local plan = package.loaded["awsbak.plan"]
  if plan and plan.show() > 0 then
    require("awsbak.output").summary("dry run", { withheld = plan.count() })
  end
end

--- What follows a run: the plan of a dry one, and of one that did not fail the end of its output.
local function conclude(is_done)
  show_plan()
  local output = is_done and package.loaded["awsbak.output"]
  if output then
    output.finish()
  end
end

local exit = os.exit -- while tasks run, os.exit is the scheduler's

--- End the process where a script calls os.exit: its output is whole, whatever its code, or else
--- the end is that of any run whose output could not be written.
local function exit_process(code, close)
  conclude(true)
  exit(require("awsbak.core.host").finish(code), close)
end

--- Run `body` as the root of all tasks, below the run's deadline and in the sandbox if one is
--- wanted.
local function run(body)
  local seconds = setting("timeout")
  if seconds then
    require("awsbak.core.host").deadline(seconds)
  end
  body = traced(body)
  require("awsbak.task.scheduler").exit_process = exit_process
  if setting("sandbox") then
    return require("awsbak.task").run(require("awsbak.sandbox").run, body)
  end
  return require("awsbak.task").run(body)
end

local function show_help(words)
  local commands = require("awsbak.commands")
  commands.load(commands.find("help")).run({ command = words }, "command")
  return 0
end

--- Run a policy with the words from `first` on as its options.
---@param path string the file it is from
---@param called string the words that name it
local function run_policy(p, path, called, argv, first)
  if p.raw then
    return p.run({ words = table.move(argv, first, #argv, 1, {}) }).exit_code
  end
  local settings = require("awsbak.settings")
  local found = require("awsbak.flags").read(argv, first, p.schema, settings.options)
  if found.help then
    require("awsbak.output").text(require("awsbak.manual").policy(p, path, called))
    return 0
  end
  settings.set(found.globals)
  if found.log then
    set_log(found.log)
  end
  settings.get("query") -- a wrong one is told before anything is done
  return run(function()
    local result = p.run(found.values, "command")
    require("awsbak.output").summary(p.name, result)
    return require("awsbak.policy").exit_code(result)
  end)
end

local function run_command(argv, first, chunks)
  local commands = require("awsbak.commands")
  local command, after = commands.match(argv, first)
  if #chunks > 0 then
    local words, module = command.name:gsub("/", " "), command.name:gsub("/", ".")
    usage(
      ("%s goes before a script, not before the command '%s'"):format(chunks[1][1], words),
      ([[a script runs commands with require("scripts.%s").run{...}]]):format(module)
    )
  end
  local p = commands.load(command)
  return run_policy(p, command.path, p.name, argv, after)
end

--- Lua's `arg`: the script at 0, its words from 1, ours before it. Without a script, as Lua has it,
--- the program at 0.
local function set_arg(argv, script)
  local arg = {}
  for i = 0, #argv do
    arg[i - script] = argv[i]
  end
  _G.arg = arg
end

local function run_script(argv, line)
  local env = require("awsbak.strict").script()
  local path = argv[line.next]
  set_arg(argv, line.next)
  local value = run(function()
    run_chunks(line.chunks, env)
    return load_script(path, env)(table.unpack(argv, line.next + 1))
  end)
  local policy = package.loaded["awsbak.policy"]
  if policy and policy.is(value) then
    return run_policy(value, path, path, argv, line.next + 1)
  end
  return 0
end

local function run_code(argv, line)
  local env = require("awsbak.strict").script()
  set_arg(argv, 0)
  run(function()
    run_chunks(line.chunks, env)
  end)
  return 0
end

local function is_terminal()
  local sys = require("awsbak.core.sys")
  return sys.isatty(0) and sys.isatty(1)
end

local function is_script(word)
  return word == "-" or word:find("/", 1, true) or word:find("%.lua$")
end

--- Whether the words are `s3 --help`: the first is several commands, and the next asks which.
local function asks_for_group(word, following)
  local is_asked = following == "help" or simple[following] == "help"
  return is_asked and require("awsbak.commands").is_group(word)
end

local function run_target(argv, line)
  local word = argv[line.next]
  if line.version then
    return run_command({ "version" }, 1, {})
  elseif line.help then
    return show_help(table.move(argv, line.next, #argv, 1, {}))
  elseif word and is_script(word) then
    return run_script(argv, line)
  elseif word and asks_for_group(word, argv[line.next + 1]) then
    return show_help({ word })
  elseif word then
    return run_command(argv, line.next, line.chunks)
  elseif #line.chunks > 0 then
    return run_code(argv, line)
  elseif line.interactive or is_terminal() then
    set_arg(argv, 0)
    return 0
  end
  argv[line.next] = "-"
  return run_script(argv, line)
end

--- The words of a program that was started under the name of a command, that command before them.
local function expand(argv)
  local command = LINKS[(argv[0] or ""):match("[^/]*$")]
  if not command then
    return argv
  end
  local words = table.move(command, 1, #command, 1, { [0] = argv[0] })
  return table.move(argv, 1, #argv, #words + 1, words)
end

local function start(argv)
  argv = expand(argv)
  if (os.getenv("AWSBAK_LOG") or "") ~= "" then
    require("awsbak.log").check()
  end
  local line = parse(argv)
  local interactive = line.interactive
    or (#argv == line.next - 1 and #line.chunks == 0 and is_terminal())
  local code = run_target(argv, line)
  if interactive and not line.version and not line.help then
    local _sandbox <close> = setting("sandbox") and require("awsbak.sandbox").open() or nil
    load_module(PROMPT_MODULE)
    return require("awsbak.repl").run()
  end
  return code
end

--- Run the program.
---@param argv string[] argv[0] is the program, argv[1] the first word
---@return integer exit code
---@return boolean? said whether people were told that standard output cannot be written
function M.main(argv)
  local function noted(e)
    return require("awsbak.failure").note(e)
  end
  local ok, result = xpcall(start, noted, argv)
  local shown, problem = xpcall(conclude, noted, ok)
  if ok and shown then
    return math.tointeger(result) or 0
  end
  return require("awsbak.failure").report(ok and problem or result)
end

return M
