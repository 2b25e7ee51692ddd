local errors = require("awsbak.errors")
local http = require("awsbak.http")
local shell = require("spec.support.shell")

--- A server by a script of Python; its port, when it listens. It ends by itself.
local function serve(script)
  local pipe = assert(io.popen("exec python3 -c " .. shell.quote(script)))
  finally(function()
    pipe:close()
  end)
  return pipe:read("n")
end

local function send(port)
  return http.send({
    method = "PUT",
    url = ("http://127.0.0.1:%d/"):format(port),
    headers = {},
    body = "x",
    timeout_connect = 0.2,
  })
end

local function failure(port)
  return select(2, errors.try(send, port))
end

describe("a request that failed", function()
  it("was not sent where nobody listens", function()
    local e = failure(1)
    assert.same({ "network", "connect", true }, { e.kind, e.code, e.unsent })
  end)

  it("may have been sent where it went by a proxy", function()
    local request = { url = "http://example.com/", proxy = "http://127.0.0.1:1" }
    local _, e = errors.try(http.send, request)
    assert.same({ "network", "connect" }, { e.kind, e.code })
    assert.is_nil(e.unsent)
  end)

  it("was not sent when no connection came about in time", function()
    -- Connections beyond those that a listener lets wait are not answered at all.
    local port = serve([[
import select, socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
waiting = [socket.socket() for _ in range(4)]
for one in waiting:
    one.setblocking(False)
    one.connect_ex(listener.getsockname())
print(listener.getsockname()[1], flush=True)
reader = select.poll()
reader.register(1, 0)
reader.poll(20000) # until nobody reads what is printed
]])
    local e = failure(port)
    assert.same({ "timeout", "timeout_connect", true }, { e.kind, e.code, e.unsent })
  end)

  it("was sent when the connection that was kept for it broke, whoever listens then", function()
    local port = serve([[
import socket
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
print(listener.getsockname()[1], flush=True)
kept = listener.accept()[0]
kept.settimeout(20)
kept.recv(65536)
kept.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
listener.close()
kept.recv(65536)
]])
    assert.equal("a", send(port).body)
    local e = failure(port)
    assert.same({ "network", "cut" }, { e.kind, e.code })
    assert.is_nil(e.unsent)
  end)
end)
