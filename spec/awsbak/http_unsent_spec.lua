local errors = require("awsbak.errors")
local http = require("awsbak.http")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

--- A server by a script of Python; its port, when it listens. It ends by itself.
local function serve(script)
  local pipe = assert(io.popen("exec python3 -c " .. shell.quote(script)))
  finally(function()
    pipe:close()
  end)
  return pipe:read("n")
end

local function send(port, ca_file)
  return http.send({
    method = "PUT",
    url = ("%s://127.0.0.1:%d/"):format(ca_file and "https" or "http", port),
    headers = {},
    body = "x",
    ca_file = ca_file,
    timeout_connect = not ca_file and 0.2 or nil,
  })
end

local function failure(port, ca_file)
  return select(2, errors.try(send, port, ca_file))
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

  it("is told as repeated when libcurl sent it again by itself, and went well", function()
    local port = serve([[
import socket
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
print(listener.getsockname()[1], flush=True)
for answers in (2, 1):
    with listener.accept()[0] as connection:
        connection.settimeout(20)
        for _ in range(answers):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        if answers > 1:
            connection.recv(65536)
]])
    local told = {}
    for i = 1, 3 do
      told[i] = tostring(send(port).repeated)
    end
    assert.same({ "nil", "nil", "true" }, told)
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

  describe("for a certificate that nobody knows", function()
    -- Each connection has the next of two certificates; on the first one, a request is answered,
    -- and another one is not. So many connections are awaited.
    local SERVER <const> = [[
import socket, ssl, subprocess
listener = socket.create_server(("127.0.0.1", 0))
listener.settimeout(20)
contexts = []
for name in ("first", "second"):
    path = "%s/" + name
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=" + name, "-keyout", path + ".key", "-out", path + ".crt",
         "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    contexts[-1].load_cert_chain(path + ".crt", path + ".key")
print(listener.getsockname()[1], flush=True)
for context in contexts[:%d]:
    try:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            connection.settimeout(20)
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
            connection.recv(65536)
    except OSError:
        pass
]]

    it("was not sent by the first connection", function()
      local dir <close> = scratch.new()
      local port = serve(SERVER:format(dir:path(), 1))
      local e = failure(port, dir:path("second.crt"))
      assert.same({ "network", "tls", true }, { e.kind, e.code, e.unsent })
    end)

    it("was sent by the one before, which was kept and broke", function()
      local dir <close> = scratch.new()
      local port = serve(SERVER:format(dir:path(), 2))
      assert.equal("a", send(port, dir:path("first.crt")).body)
      local e = failure(port, dir:path("first.crt"))
      assert.same({ "network", "cut" }, { e.kind, e.code })
      assert.is_nil(e.unsent)
    end)
  end)
end)
