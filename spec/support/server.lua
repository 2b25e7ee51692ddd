--- The loopback server of the specs: scripted replies and faults, a log of requests, a fake SSM.
---
---   local s <close> = server.start({ ssm = 120 })
---   s:script("GetParameters", { { cut = 40 }, { status = 503, body = "", times = 2 } })
---   ... requests to s.url ...
---   assert.equal(3, s:counts().GetParameters)
---
--- What a scripted reply may say is listed at the top of spec/support/http_server.py.

local child = require("spec.support.child")

local server = {}
server.__index = server

--- Start a server.
---@param options table|nil `tls` (true, or `{ names = {...}, max = "1.1", client = true }`, which
---  asks clients for its own certificate), `alert` (the number of that with which TLS is answered
---  where it is not expected), `ssm` (a number of parameters)
---@return table server `url`, `port`; with `tls` also `tls_url`, `tls_port`, `ca_file`, `key_file`
---  (the certificate and its key)
function server.start(options)
  local self = setmetatable({}, server)
  self.child = child.start("spec/support/server.py", child.json(options or {}))
  local hello = self.child:call("hello")
  self.port, self.tls_port = hello.port, hello.tls_port
  self.ca_file, self.key_file = hello.ca_file, hello.key_file
  self.url = "http://127.0.0.1:" .. self.port
  self.tls_url = "https://127.0.0.1:" .. self.tls_port
  return self
end

--- Set the replies to the next requests of one operation; what was scripted for it is forgotten.
--- A reply changes what the fake SSM says, or stands alone when it has a `body`.
---@param operation string "GetParameters", "GET /path", "CONNECT", or "*" for any
---@param replies table[] in order, each used `times` times (default 1; -1: always), with `attempt`
---  kept for requests that are the n-th attempt of their call; `pass` leaves one as it is
function server:script(operation, replies)
  self.child:call("script", { operation = operation, replies = replies })
end

--- The requests so far, oldest first (the last 2,000).
---@return table[] requests `{ method, target, headers, header_list, body, sha256, connection,
---  operation }`; of a body the first 64 KiB, and the digest of all of it
function server:requests()
  return self.child:call("requests")
end

--- How many requests of each operation came.
---@return table<string, integer>
function server:counts()
  return self.child:call("counts")
end

--- How many connections were opened.
---@return integer
function server:connections()
  return self.child:call("connections")
end

--- Forget scripts and log; the fake SSM starts afresh.
function server:clear()
  self.child:call("clear")
end

--- Abort all open connections.
function server:drop()
  self.child:call("drop")
end

--- Stop the server.
function server:close()
  self.child:close()
end

server.__close = server.close

return server
