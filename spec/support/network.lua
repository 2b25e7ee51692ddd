--- A network of the spec's own, in place of awsbak.outside: replies in order, a standing clock, and
--- no other variables and files than it is given.

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")

local network = {}

--- The time it is: 2026-11-21T04:00:00Z.
network.NOW = 1795233600

--- Keys to sign with.
network.KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "secret" }

local function answer(reply, request)
  if type(reply) == "function" then
    reply = reply(request)
  elseif errors.is(reply) then
    error(reply, 0)
  end
  return {
    status = reply.status or 200,
    headers = reply.headers or {},
    body = reply.body or "{}",
    version = "1.1",
    remote = "127.0.0.1:1",
  }
end

--- Run `f` on such a network; one request more than replies is a failure.
---@param replies (table|fun(request: table): table)[] `status` (200), `headers` (none) and `body`
---  ("{}"); or an error to raise
---@param f function
---@param world { variables: table<string, string>?, files: table<string, string>? }?
---@return table[] sent the requests
---@return number[] slept the seconds of each wait
---@return string[] logged
function network.with(replies, f, world)
  local variables, files = world and world.variables or {}, world and world.files or {}
  local sent, slept, lines = {}, {}, {}
  log.lines = lines
  local _restore <close> = setmetatable({}, {
    __close = function()
      log.lines = nil
    end,
  })
  outside.with({
    send = function(request)
      sent[#sent + 1] = request
      return answer(assert(replies[#sent], "one request too many"), request)
    end,
    now = function()
      return network.NOW
    end,
    sleep = function(seconds)
      slept[#slept + 1] = seconds
    end,
    random = function()
      return 0.5
    end,
    getenv = function(name)
      return variables[name]
    end,
    read_file = function(path)
      return files[path], { kind = "io", code = "ENOENT", message = "there is no " .. path }
    end,
  }, f)
  assert(#sent <= #replies, "one request too many, and its error was caught")
  return sent, slept, lines
end

--- Headers of a request by their names in lower case.
---@param request table
---@return table<string, string>
function network.headers(request)
  local found = {}
  for _, pair in ipairs(request.headers) do
    found[pair[1]:lower()] = pair[2]
  end
  return found
end

return network
