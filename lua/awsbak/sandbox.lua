--- `--sandbox`: a moto_server of our own on this machine, with dummy keys and an empty
--- configuration.
---
--- While it runs, requests to other hosts are refused, and settings of AWS come from here alone:
--- the environment's AWS_ variables and proxies are not seen, nor are the user's own keys: a folder
--- of the sandbox stands for that of the configuration. The server dies with us, however we end.

local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local http = require("awsbak.http")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local process = require("awsbak.core.process")
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

--- What scripts and clients see of the environment: nothing of AWS but this.
---@param url string
---@param folder string stands for the user's configuration folder
---@param getenv fun(name: string): string? the real environment
---@return fun(name: string): string?
function M.environment(url, folder, getenv)
  local given = {
    XDG_CONFIG_HOME = folder,
    AWS_ACCESS_KEY_ID = "sandbox",
    AWS_SECRET_ACCESS_KEY = "sandbox",
    AWS_REGION = "us-east-1",
    AWS_ENDPOINT_URL = url,
    AWS_CONFIG_FILE = "/dev/null",
    AWS_SHARED_CREDENTIALS_FILE = "/dev/null",
    AWS_EC2_METADATA_DISABLED = "true",
  }
  return function(name)
    if given[name] or name:find("^AWS_") or name:lower():find("_proxy$") then
      return given[name]
    end
    return getenv(name)
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

--- Make a folder only we can read, below $TMPDIR or /tmp.
local function make_folder()
  local above = outside.getenv("TMPDIR") or "/tmp"
  local path = ("%s/awsbak-sandbox-%s"):format(above, codec.hex(outside.random_bytes(8)))
  errors.check(file.mkdirs(path))
  return path
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

--- Start the server and live in the sandbox from now on. Requests to other hosts stay refused, also
--- when it was closed.
---@return table sandbox to be closed: ends the server, removes its folder
function M.open()
  local server = start()
  local url = task.timeout(START_S, wait_for_url, server)
  log.info("sandbox at %s", url)
  http.loopback_only()
  local getenv, folder = outside.getenv, make_folder()
  outside.getenv = M.environment(url, folder, getenv)
  return setmetatable({ url = url }, {
    __close = function()
      outside.getenv = getenv
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
