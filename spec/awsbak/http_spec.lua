local child = require("spec.support.child")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local http = require("awsbak.http")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local server = require("spec.support.server")

--- Send with an environment of the spec's own.
local function send(request, environment)
  return outside.with({
    getenv = function(name)
      return (environment or {})[name]
    end,
  }, http.send, request)
end

local function failure(request, environment)
  local response, e = errors.try(send, request, environment)
  assert.is_nil(response)
  return e
end

describe("http.send", function()
  local s

  setup(function()
    s = server.start({ tls = true })
  end)
  teardown(function()
    s:close()
  end)
  before_each(function()
    s:clear()
  end)

  it("returns a response of any status", function()
    s:script("*", { { status = 503, body = "busy", headers = { { "Retry-After", "3" } } } })
    local r = send({ method = "GET", url = s.url .. "/" })
    assert.equal(503, r.status)
    assert.equal("3", headers.find(r.headers, "retry-after"))
    assert.is_nil(headers.find(r.headers, "absent"))
  end)

  it("says of its errors whether another try may do better", function()
    s:script("*", { { body = "abc", cut = 1 }, { raw = "HTTP/1.1 200 OK\r\n\r\n" } })
    assert.is_true(failure({ method = "GET", url = s.url .. "/" }).retryable)
    assert.is_false(failure({ method = "GET", url = s.url .. "/" }).retryable)
    assert.is_true(failure({ method = "GET", url = "http://127.0.0.1:1/" }).retryable)
    assert.is_false(failure({ method = "GET", url = s.tls_url .. "/" }).retryable)
  end)

  it("takes a call's own limit of silence", function()
    s:script("*", { { silent = true } })
    local e = failure({ method = "GET", url = s.url .. "/", timeout = 0.02 })
    assert.equal("timeout_first_byte", e.code)
  end)

  describe("over TLS", function()
    local function secure(environment, extra)
      local request = { method = "GET", url = s.tls_url .. "/" }
      for name, value in pairs(extra or {}) do
        request[name] = value
      end
      return request, environment
    end

    it("trusts the file of AWS_CA_BUNDLE, or that of the request", function()
      s:script("*", { { body = "a", times = 2 } })
      assert.equal("a", send(secure({ AWS_CA_BUNDLE = s.ca_file })).body)
      assert.equal("a", send(secure({}, { ca_file = s.ca_file })).body)
    end)

    it("refuses an unknown issuer and names AWS_CA_BUNDLE", function()
      local e = failure(secure())
      assert.equal("network tls", e.kind .. " " .. e.code)
      assert.matches("certificate", e.message)
      assert.matches("AWS_CA_BUNDLE", e.message)
      assert.same({}, s:requests())
    end)

    it("refuses a certificate for another name", function()
      local other <close> = server.start({ tls = { names = { "example.com" } } })
      local e = failure({ method = "GET", url = other.tls_url .. "/", ca_file = other.ca_file })
      assert.equal("tls", e.code)
      assert.matches("127.0.0.1", e.message)
      assert.not_matches("AWS_CA_BUNDLE", e.message) -- whom to trust changes nothing
      assert.same({}, other:requests())
    end)

    it("says of a port that speaks something else that it does", function()
      local e = failure({ method = "GET", url = s.url:gsub("^http:", "https:") .. "/" })
      assert.equal("network tls", e.kind .. " " .. e.code)
      assert.matches("what it sent is not TLS; check whether its URL", e.message, 1, true)
    end)

    it("names no file of issuers when the handshake fails before there is a certificate", function()
      local alerts <const> = { [40] = "handshake failure", [70] = "version", [80] = "internal" }
      for alert, words in pairs(alerts) do -- RFC 8446, 6.2
        local other <close> = server.start({ alert = alert })
        local e = failure({ method = "GET", url = other.url:gsub("^http:", "https:") .. "/" })
        assert.equal("network tls", e.kind .. " " .. e.code)
        assert.matches(words, e.message)
        assert.not_matches("AWS_CA_BUNDLE", e.message)
      end
    end)

    it("refuses TLS 1.1", function()
      local old <close> = server.start({ tls = { max = "1.1" } })
      local e = failure({ method = "GET", url = old.tls_url .. "/", ca_file = old.ca_file })
      assert.equal("network", e.kind)
      assert.matches("TLS", e.message)
      assert.not_matches("AWS_CA_BUNDLE", e.message)
      assert.same({}, old:requests())
    end)

    it("names a CA file that cannot be used", function()
      local e = failure(secure({ AWS_CA_BUNDLE = "/no/such/file" }))
      assert.equal("config", e.kind)
      assert.matches("/no/such/file", e.message)
    end)

    it("notices a reply that is cut", function()
      s:script("*", { { body = "hello", cut = 2 } })
      assert.equal("cut", failure(secure({ AWS_CA_BUNDLE = s.ca_file })).code)
    end)
  end)

  describe("of an http URL whose port may be for TLS", function()
    local HINT <const> = "; if that port is for TLS, the endpoint's URL must begin with https://"
    local ALERT <const> = "\x15\x03\x03\0\2\2\x0a"

    local function hinted(what, url)
      local e = failure({ method = "GET", url = url or s.url .. "/" })
      assert.matches(what .. HINT, e.message, 1, true)
      return e.kind .. " " .. e.code
    end

    it("says what to do when it closes", function()
      local url = s.tls_url:gsub("^https:", "http:") .. "/"
      assert.equal("network cut", hinted("closed the connection before it answered", url))
    end)

    it("says what to do when it answers with an alert, or with 400 and no length", function()
      local go = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
      s:script("*", { { raw = ALERT }, { raw = go } })
      assert.equal("reply protocol", hinted("the reply is not HTTP"))
      assert.equal("reply protocol", hinted("so nothing proves it whole"))
    end)

    it("does not say so of one that has spoken HTTP", function()
      s:script("*", {
        { body = "HTTP" },
        { cut_head = 0, times = 2 },
        { body = "HTTP" },
        { raw = ALERT },
        { cut_head = 20 },
        { raw = "HTTP/1.1 200 OK\r\n\r\n" },
      })
      for _, code in ipairs({ false, "cut", false, "protocol", "cut", "protocol" }) do
        if code then
          local e = failure({ method = "GET", url = s.url .. "/" })
          assert.equal(code, e.code)
          assert.not_matches("TLS", e.message)
        else
          assert.equal("HTTP", send({ method = "GET", url = s.url .. "/" }).body)
        end
      end
    end)

    it("does not say so of a proxy", function()
      s:script("*", { { raw = ALERT } })
      local e = failure({ method = "GET", url = "http://service.invalid/" }, { http_proxy = s.url })
      assert.equal("protocol", e.code)
      assert.not_matches("TLS", e.message)
    end)
  end)

  describe("through a proxy", function()
    local NAME = "service.invalid" -- only the proxy can reach it

    it("of the environment, in either case, asks the proxy for another host", function()
      s:script("*", { { body = "proxied", times = -1 } })
      for _, name in ipairs({ "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" }) do
        local r = send({ method = "GET", url = "http://" .. NAME .. "/x" }, { [name] = s.url })
        assert.equal("proxied", r.body, name)
      end
      assert.equal("http://" .. NAME .. "/x", s:requests()[1].target)
    end)

    it("may be given without a scheme, which is http then", function()
      s:script("*", { { body = "proxied", times = -1 } })
      local request = { method = "GET", url = "http://" .. NAME .. "/x" }
      assert.equal("proxied", send(request, { http_proxy = s.url:gsub("^http://", "") }).body)
    end)

    it("opens a tunnel for https and checks the far side's certificate", function()
      local tls <close> = server.start({ tls = { names = { NAME } } })
      tls:script("GET /", { { body = "far" } })
      for _, name in ipairs({ "https_proxy", "HTTPS_PROXY" }) do
        tls:script("GET /", { { body = "far" } })
        local url = "https://" .. NAME .. "/"
        local r = send({ method = "GET", url = url, ca_file = tls.ca_file }, { [name] = tls.url })
        assert.equal("far", r.body)
      end
      assert.equal(NAME .. ":443", tls:requests()[1].target)
      local request = { method = "GET", url = "https://" .. NAME .. "/" }
      local e = failure(request, { https_proxy = tls.url })
      assert.equal("tls", e.code)
    end)

    describe("that speaks TLS", function()
      local far = { method = "GET", url = "http://" .. NAME .. "/" }

      --- What comes of a request by an https proxy with these options, on a new connection.
      local function by(proxy, options)
        proxy:drop()
        options.method, options.url = far.method, far.url
        return errors.try(send, options, { http_proxy = proxy.tls_url })
      end

      it("trusts the issuers named for it, else those for servers", function()
        s:script("*", { { body = "proxied", times = -1 } })
        assert.equal("proxied", by(s, { proxy_ca_file = s.ca_file }).body)
        assert.equal("proxied", by(s, { ca_file = s.ca_file }).body)
        local _, e = by(s, {})
        assert.equal("tls", e.code)
        assert.matches("^TLS with the proxy 127.0.0.1:%d+ failed: .*proxy_ca_bundle", e.message)
      end)

      it("is told as one that does not when it does not", function()
        local e = failure(far, { http_proxy = s.url:gsub("^http:", "https:") })
        assert.matches("^TLS with the proxy 127.0.0.1:%d+ failed: what it sent is not", e.message)
        assert.not_matches("ca_bundle", e.message)
      end)

      it("says which file of issuers cannot be used", function()
        local _, e = by(s, { ca_file = s.ca_file, proxy_ca_file = "/nowhere.pem" })
        assert.equal("config", e.kind)
        assert.matches("^cannot use the CA file /nowhere.pem %(proxy_ca_bundle%)", e.message)
      end)

      it("is shown our certificate", function()
        local strict <close> = server.start({ tls = { client = true } })
        strict:script("*", { { body = "proxied", times = -1 } })
        local shown = { proxy_ca_file = strict.ca_file, proxy_cert_file = strict.key_file }
        assert.equal("proxied", by(strict, shown).body)
        assert.is_nil(by(strict, { proxy_ca_file = strict.ca_file }))
        shown.proxy_cert_file = "/nowhere.pem"
        local _, e = by(strict, shown)
        assert.equal("tls", e.code)
      end)
    end)

    it("is named by its variable when its URL is not valid, and its password is not", function()
      local request = { method = "GET", url = "http://" .. NAME }
      local e = failure(request, { all_proxy = "http://me:hunter2@127.0.0.1:99999" })
      assert.equal("usage", e.kind)
      assert.matches("the proxy's URL is not valid: Port", e.message, 1, true)
      assert.matches("all_proxy", e.hint, 1, true)
      assert.is_nil(tostring(e):find("hunter2", 1, true))
    end)

    it("is avoided by no_proxy, in either case", function()
      for _, name in ipairs({ "no_proxy", "NO_PROXY" }) do
        local e = failure(
          { method = "GET", url = "http://" .. NAME .. "/" },
          { http_proxy = s.url, [name] = "other,.invalid" }
        )
        assert.equal("dns", e.code)
      end
      assert.same({}, s:requests())
    end)

    it("is not taken for this machine and the link-local addresses", function()
      s:script("*", { { body = "direct" } })
      local environment = { http_proxy = "http://127.0.0.1:1" }
      assert.equal("direct", send({ method = "GET", url = s.url .. "/" }, environment).body)
    end)

    it("is taken for names that only begin like an address of this machine", function()
      s:script("*", { { body = "proxied", times = -1 } })
      for _, host in ipairs({ "127.1.1.1.example.invalid", "169.254.1.1.invalid" }) do
        local r = send({ method = "GET", url = "http://" .. host .. "/" }, { http_proxy = s.url })
        assert.equal("proxied", r.body)
      end
    end)

    it("is not taken when the request says none", function()
      local request = { method = "GET", url = "http://" .. NAME .. "/", proxy = "" }
      assert.equal("dns", failure(request, { http_proxy = s.url }).code)
    end)

    it("ignores HTTP_PROXY in a CGI program, where it is a request's header", function()
      local environment = { HTTP_PROXY = s.url, REQUEST_METHOD = "GET" }
      local e = failure({ method = "GET", url = "http://" .. NAME .. "/" }, environment)
      assert.equal("dns", e.code)
    end)

    it("never shows the proxy's password", function()
      local e = failure(
        { method = "GET", url = "http://" .. NAME .. "/" },
        { http_proxy = "http://user:hunter2@127.0.0.1:1" }
      )
      assert.equal("cannot connect to the proxy 127.0.0.1:1: connection refused", e.message)
      local denied = { status = 407, body = "" }
      s:script("CONNECT", { denied })
      e = failure(
        { method = "GET", url = "https://" .. NAME .. "/" },
        { https_proxy = s.url:gsub("//", "//user:hunter2@") }
      )
      assert.matches("the proxy 127.0.0.1:%d+ did not open a way to " .. NAME .. ":443", e.message)
      assert.is_nil(e.message:find("hunter2", 1, true))
    end)
  end)
end)

describe("HTTP/2", function()
  local h2, hello

  setup(function()
    h2 = child.start("spec/support/h2_server.py")
    hello = h2:call("hello")
  end)
  teardown(function()
    h2:close()
  end)

  local function get(mode)
    h2:call("mode", { mode = mode })
    local url = "https://127.0.0.1:" .. hello.port .. "/"
    return errors.try(send, { method = "GET", url = url, ca_file = hello.ca_file })
  end

  it("is spoken when the server offers it", function()
    local r = assert(get("whole"))
    assert.equal("2 200 over http/2", r.version .. " " .. r.status .. " " .. r.body)
    assert.equal("h2", headers.find(r.headers, "x-made-by"))
  end)

  it("proves a reply whole by the end of its stream", function()
    assert.equal("over http/2", assert(get("no_length")).body)
  end)

  it("takes no reply that ends early, in whichever way", function()
    for _, mode in ipairs({ "short", "reset", "goaway" }) do
      local r, e = get(mode)
      assert.is_nil(r, mode)
      assert.equal("cut", e.code, mode)
    end
    assert.equal(200, get("whole").status)
  end)
end)

describe("http.host", function()
  it("is what a request goes to, without user and port", function()
    for url, wanted in pairs({
      ["http://Example.com/x"] = "http example.com",
      ["HTTPS://u:p@example.com:8443?x"] = "https example.com",
      ["http://127.0.0.1:80@example.com/"] = "http example.com",
      ["http://[::1]:80/"] = "http [::1]",
      ["ftp://example.com/"] = "",
      ["http://:80/"] = "",
      ["http://a:b:c/"] = "",
      ["example.com"] = "",
    }) do
      local scheme, host = http.host(url)
      assert.equal(wanted, scheme and scheme .. " " .. host or "", url)
    end
  end)

  it("is this machine only by its whole name", function()
    for _, host in ipairs({ "localhost", "127.0.0.1", "127.1.2.3", "[::1]" }) do
      assert.is_true(http.is_loopback(host), host)
    end
    for _, host in ipairs({ "127.1.1.1.example.com", "localhost.example.com", "127", "[::2]" }) do
      assert.is_false(http.is_loopback(host), host)
    end
  end)
end)

describe("http.loopback_only", function()
  it("refuses other hosts, also through a proxy, and cannot be undone", function()
    local s <close> = server.start()
    s:script("*", { { body = "near", times = -1 } })
    local result = program.run({
      "-e",
      ([[
        local core, http = require("awsbak.core.http"), require("awsbak.http")
        local errors = require("awsbak.errors")
        http.loopback_only()
        for _, host in ipairs({ "192.0.2.1", "example.com", "127.0.0.1.example.com" }) do
          local url = "http://" .. host .. "/"
          for _, proxy in ipairs({ "", %q }) do
            local r, e = errors.try(http.send, { method = "GET", url = url, proxy = proxy })
            print(r, e.code)
          end
        end
        print((pcall(core.loopback_only, false)))
        print(http.send({ method = "GET", url = %q .. "/" }).body)
      ]]):format(s.url, s.url),
    })
    assert.equal("", result.stderr)
    assert.equal(("nil\tsandbox_host\n"):rep(6) .. "false\nnear\n", result.stdout)
    assert.equal(1, #s:requests())
  end)
end)
