--- `--sandbox`: a moto_server of our own on this machine, with dummy keys and an empty
--- configuration.
---
--- While it runs, requests to other hosts are refused, and settings of AWS come from here alone,
--- for the programs that a script starts as well: the environment's AWS_ variables and proxies are
--- taken out of it. A folder of the sandbox stands for that of the configuration, so the user's own
--- keys are not seen either. The server dies with us, however we end; the folder of a run that was
--- killed is removed by the next.

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local http = require("awsbak.http")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local process = require("awsbak.core.process")
local settings = require("awsbak.settings")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

local M = {}

local LOG_BYTES = 65536 -- of what the server says; older lines are forgotten

local START_S = 60 -- for a Python program on a slow machine to say where it listens

local function is_executable_name(path)
  local opened = io.open(path, "rb")
  if opened then
    opened:close()
  end
  return opened ~= nil
end

--- The words that start moto_server: AWSBAK_SANDBOX_CMD, else the one `./dev` puts beside the
--- program it builds, else the one in PATH.
---@return string[] argv raises kind "config" with the command that installs it
function M.command()
  local argv = {}
  for word in (outside.getenv("AWSBAK_SANDBOX_CMD") or ""):gmatch("%S+") do
    argv[#argv + 1] = word
  end
  if #argv > 0 then
    return argv
  end
  local beside = (sys.exe() or ""):gsub("[^/]*$", "") .. "venv/bin"
  for folder in (beside .. ":" .. (outside.getenv("PATH") or "")):gmatch("[^:]+") do
    local path = folder .. "/moto_server"
    if folder:sub(1, 1) == "/" and is_executable_name(path) then
      return { path }
    end
  end
  errors.raise({
    kind = "config",
    code = "no_moto",
    message = "the sandbox needs moto_server, which was not found",
    hint = "install it with: python3 -m venv ~/moto && ~/moto/bin/pip install 'moto[server]'"
      .. " and set AWSBAK_SANDBOX_CMD=~/moto/bin/moto_server",
  })
end

-- Settings that would lead out of the sandbox, or to a profile that it does not have.
local REFUSED = { "endpoint_url", "profile" }

local OWN = { AWSBAK_ENDPOINT_URL = true, AWSBAK_PROFILE = true, AWSBAK_REGION = true }

--- What is changed in the environment: nothing of AWS stays but this.
---@param url string
---@param folder string stands for the user's configuration folder
---@param environ table<string, string> the environment as it is
---@return table<string, string|false> changes false: the variable is taken out
function M.environment(url, folder, environ)
  local changes = {
    XDG_CONFIG_HOME = folder,
    AWS_ACCESS_KEY_ID = "sandbox",
    AWS_SECRET_ACCESS_KEY = "sandbox",
    AWS_REGION = "us-east-1",
    AWS_ENDPOINT_URL = url,
    AWS_CONFIG_FILE = "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE = "/dev/null",
    AWS_EC2_METADATA_DISABLED = "true",
  }
  for name in pairs(environ) do
    if name:find("^AWS_") or name:lower():find("_proxy$") or OWN[name] then
      changes[name] = changes[name] or false
    end
  end
  return changes
end

--- Make changes of the environment; what undoes them.
local function apply(changes, environ)
  local undo = {}
  for name, value in pairs(changes) do
    undo[name] = environ[name] or false
    sys.setenv(name, value or nil)
  end
  return undo
end

--- Flags that the sandbox cannot heed are refused; variables of the same meaning are not seen.
local function check_flags()
  for _, name in ipairs(REFUSED) do
    local value, source = settings.get(name)
    if value and source:find("^%-%-") then
      errors.raise({
        kind = "usage",
        code = "bad_option",
        message = ("%s has no meaning in the sandbox"):format(source),
        hint = "leave out one of the two",
      })
    end
  end
end

local function start()
  local argv = { "/bin/sh", "-c", 'exec "$@" 2>&1', "sh" } -- it says where it listens on either
  table.move(M.command(), 1, 99, #argv + 1, argv)
  table.move({ "-H", "127.0.0.1", "-p", "0" }, 1, 4, #argv + 1, argv)
  return errors.check(process.spawn({
    argv = argv,
    env = {
      PATH = outside.getenv("PATH") or "/usr/bin:/bin",
      HOME = outside.getenv("HOME") or "/",
      PYTHONUNBUFFERED = "1",
      AWS_ACCESS_KEY_ID = "sandbox",
      AWS_SECRET_ACCESS_KEY = "sandbox",
    },
    die_with_parent = true,
    max_output = LOG_BYTES,
  }))
end

--- Read what the server says until it listens.
local function wait_for_url(server)
  local said = {}
  while true do
    local line = task.await(server:read_line())
    if not line then
      errors.raise({
        kind = "config",
        code = "no_moto",
        message = "moto_server ended at once: " .. (said[#said] or "it said nothing"),
        hint = "is AWSBAK_SANDBOX_CMD right?",
      })
    end
    said[#said + 1] = line
    local url = line:match("http://127%.0%.0%.1:%d+")
    if url then
      return url
    end
  end
end

--- Remove a file, or a folder with all in it; links are not followed.
local function remove_tree(path)
  if os.remove(path) then
    return
  end
  for _, name in ipairs(file.list(path) or {}) do
    remove_tree(path .. "/" .. name)
  end
  os.remove(path)
end

--- Remove the folders of sandboxes on this host whose process is gone.
local function remove_stale(above, prefix)
  for _, name in ipairs(file.list(above) or {}) do
    local pid = name:sub(1, #prefix) == prefix and name:match("^(%d+)%-%x+$", #prefix + 1)
    local path = above .. "/" .. name
    local facts = pid and not file.stat("/proc/" .. pid) and file.stat(path)
    if facts and facts.type == "folder" and facts.uid == outside.uid() then
      log.info("%s was left by a run that was killed; it is removed", path)
      remove_tree(path)
    end
  end
end

--- Make a folder only we can read, below $TMPDIR or /tmp. Its name says whose it is: containers may
--- share the folder above, but not the names of their processes.
local function make_folder()
  local above = outside.getenv("TMPDIR") or "/tmp"
  local host = (sys.hostname() or ""):gsub("[^%w.-]", "_")
  local prefix = "awsbak-sandbox-" .. host .. "-"
  remove_stale(above, prefix)
  local random = codec.hex(outside.random_bytes(8))
  local path = ("%s/%s%d-%s"):format(above, prefix, sys.pid(), random)
  errors.check(file.mkdirs(path))
  return path
end

--- Start the server and live in the sandbox from now on. Requests to other hosts stay refused, also
--- when it was closed.
---@return table sandbox to be closed: ends the server, removes its folder
--- Raises kind "usage" for flags that lead out of it.
function M.open()
  check_flags()
  local server = start()
  local url = task.timeout(START_S, wait_for_url, server)
  log.info("sandbox at %s", url)
  http.loopback_only()
  local folder, environ = make_folder(), sys.environ()
  local undo = apply(M.environment(url, folder, environ), environ)
  return setmetatable({ url = url }, {
    __close = function()
      apply(undo, {})
      server:close()
      remove_tree(folder)
    end,
  })
end

--- Run `body` against a moto_server that is started for it and ended after it.
---@param body function
---@return any ... what `body` returns
function M.run(body)
  local _sandbox <close> = M.open()
  return body()
end

return M
