--- Servers of others that are stricter than moto in something: each started on a free loopback
--- port, and stopped when it is closed.
---
---   local s = servers.start("elasticmq") -- nil and why, where `./dev live` has not installed it
---   ... client("sqs", s.options) ...
---   s:close()
---
--- They lie in a cache folder outside the build: docs/decisions/servers.md.

local child = require("spec.support.child")
local operator = require("spec.support.operator")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local servers = {}

local Server = {}
Server.__index = Server

--- How each is started; `{port}` and `{folder}` (empty, its own) are filled in by live_server.py.
local WORDS = {}

function WORDS.dynalite(home)
  local cli = home .. "/node_modules/dynalite/cli.js"
  local quick = { "--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0" }
  return cli, { "node", cli, "--host", "127.0.0.1", "--port", "{port}", table.unpack(quick) }
end

function WORDS.elasticmq(home)
  return home,
    {
      "java",
      "-Xmx192m",
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-Drest-sqs.bind-hostname=127.0.0.1",
      "-Drest-sqs.bind-port={port}",
      "-Dnode-address.host=127.0.0.1",
      "-Dnode-address.port={port}",
      "-Drest-stats.enabled=false",
      "-cp",
      home .. "/*",
      "org.elasticmq.server.Main",
    }
end

function WORDS.versitygw(home)
  local keys = operator.KEYS
  local program = home .. "/versitygw"
  local words = { program, "--port", "127.0.0.1:{port}", "--quiet" }
  local access = { "--access", keys.access_key_id, "--secret", keys.secret_access_key }
  local posix = { "posix", "--sidecar", "{folder}/meta", "--versioning-dir", "{folder}/versions" }
  table.move(access, 1, #access, #words + 1, words)
  table.move(posix, 1, #posix, #words + 1, words)
  words[#words + 1] = "{folder}/data"
  return program, words
end

local function cache()
  local base = os.getenv("XDG_CACHE_HOME") or os.getenv("HOME") .. "/.cache"
  return base .. "/awsbak-dev/"
end

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

--- Start a server.
---@param name "dynalite"|"elasticmq"|"versitygw"
---@return table? server `url`; `options` of a client for it; `close()`
---@return string? reason why there is none
--- Raises when it is installed and does not start, with what it said.
function servers.start(name)
  local program, words = WORDS[name](cache() .. name)
  if not exists(program) then
    return nil, name .. " is not installed: ./dev live does it"
  end
  local self = setmetatable({ folder = scratch.new() }, Server)
  os.execute(("cd %s && mkdir data meta versions"):format(shell.quote(self.folder:path())))
  local script = "spec/support/live_server.py"
  self.child = child.start(script, self.folder:path(), table.unpack(words))
  self.url = ("http://127.0.0.1:%d"):format(self.child:call("hello"))
  self.options = { region = "us-east-1", endpoint_url = self.url, credentials = operator.KEYS }
  return self
end

--- Stop the server, and forget what it holds.
function Server:close()
  self.child:close()
  self.folder:close()
end

return servers
