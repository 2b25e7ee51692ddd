--- Run the awsbak program itself, as a person would, and see what it says.

local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local program = {}

--- The program under test: the one these specs run in, so that the ASan build tests itself.
---@return string path
function program.path()
  local found, sys = pcall(require, "awsbak.core.sys")
  local exe = found and sys.exe and sys.exe() or ""
  return os.getenv("AWSBAK_PROGRAM") or (exe:match("/awsbak$") and exe) or "build/awsbak"
end

--- Whether it was built with AddressSanitizer, which needs terabytes of addresses.
---@return boolean
function program.is_sanitized()
  local file <close> = assert(io.open(program.path(), "rb"))
  return file:read("a"):find("__asan_init", 1, true) ~= nil
end

-- Nothing of the developer's own settings: no keys, no profile, no proxy, no config folder.
local function environment(home, extra)
  local words = { "env", "-i", "HOME=" .. home, "PATH=" .. os.getenv("PATH"), "LC_ALL=C.UTF-8" }
  for _, name in ipairs({ "AWSBAK_LUA", "AWSBAK_SANDBOX_CMD", "ASAN_OPTIONS", "LSAN_OPTIONS" }) do
    local value = os.getenv(name)
    if value then
      words[#words + 1] = name .. "=" .. value
    end
  end
  for name, value in pairs(extra or {}) do
    words[#words + 1] = name .. "=" .. value
  end
  return words
end

--- Run awsbak and wait for it.
---@param words string[] its arguments
---@param options table|nil `env` (added to an otherwise empty environment), `stdin` (bytes),
---  `home` (HOME, and so the config folder; default an empty folder), `prefix` (words before its
---  name: { "timeout", "1" })
---@return table result `{ status, stdout, stderr }`; status is 128 + N when signal N ended it
function program.run(words, options)
  options = options or {}
  local dir <close> = scratch.new()
  local command = environment(options.home or dir:path(), options.env)
  local prefix = options.prefix or {}
  table.move(prefix, 1, #prefix, #command + 1, command)
  command[#command + 1] = program.path()
  table.move(words, 1, #words, #command + 1, command)
  local stdin = options.stdin and dir:write(".stdin", options.stdin) or "/dev/null"
  local line = ("%s <%s >%s 2>%s"):format(
    shell.join(command),
    stdin,
    dir:path(".stdout"),
    dir:path(".stderr")
  )
  local _, how, number = os.execute(line)
  return {
    status = how == "signal" and 128 + number or number,
    stdout = dir:read(".stdout"),
    stderr = dir:read(".stderr"),
  }
end

return program
