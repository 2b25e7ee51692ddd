local errors = require("awsbak.errors")
local http = require("awsbak.core.http")
local server = require("spec.support.server")
local task = require("awsbak.task")

describe("core.http", function()
  local s

  setup(function()
    s = server.start()
  end)
  teardown(function()
    s:close()
  end)
  before_each(function()
    s:clear()
  end)

  local function send(options)
    options.url = s.url .. (options.path or "/a")
    options.path = nil
    return task.await(assert(http.request(options)))
  end

  --- The error of a GET that is answered as scripted.
  local function failure(reply, options)
    s:script("*", { reply })
    local response, e = errors.try(send, options or {})
    assert.is_nil(response)
    return e
  end

  local function header(response, name)
    for _, pair in ipairs(response.headers) do
      if pair[1] == name then
        return pair[2]
      end
    end
  end

  describe("a request", function()
    it("is sent as it was written, and nothing is added but its length", function()
      s:script("*", { { body = "" } })
      send({
        method = "PUT",
        path = "/a/../b//c%2f?x=1&y=%20",
        headers = { { "X-One", "1" }, { "X-Empty", "" }, { "x-one", "again" } },
        body = "\0\1body",
      })
      local request = s:requests()[1]
      assert.equal("PUT", request.method)
      assert.equal("/a/../b//c%2f?x=1&y=%20", request.target)
      assert.equal("\0\1body", request.body)
      local names = {}
      for i, row in ipairs(request.header_list) do
        names[i] = row[1] .. "=" .. (row[1] == "Host" and "" or row[2])
      end
      table.sort(names)
      assert.same({ "Content-Length=6", "Host=", "X-Empty=", "X-One=1", "x-one=again" }, names)
    end)

    it("may name its host and content type, and a length of its own is replaced", function()
      s:script("*", { { body = "" } })
      send({
        method = "POST",
        headers = {
          { "Host", "example.com" },
          { "Content-Type", "text/x" },
          { "content-length", "99" },
        },
        body = "ab",
      })
      local headers = s:requests()[1].headers
      assert.equal("example.com", headers.host)
      assert.equal("text/x", headers["content-type"])
      assert.equal("2", headers["content-length"])
    end)

    it("with a method that has bodies says the length 0 of none", function()
      s:script("*", { { body = "", times = 3 } })
      send({ method = "POST" })
      send({ method = "DELETE" })
      send({ method = "DELETE", body = "x" })
      local requests = s:requests()
      assert.equal("0", requests[1].headers["content-length"])
      assert.is_nil(requests[2].headers["content-length"])
      assert.equal("DELETE x", requests[3].method .. " " .. requests[3].body)
    end)

    it("has nothing of the one before", function()
      s:script("*", { { body = "x", times = -1 } })
      local kinds = {
        { method = "POST", body = "ab", headers = { { "Content-Type", "text/x" } } },
        { method = "HEAD", headers = { { "X-One", "1" } } },
        { method = "GET" },
        { method = "PUT", body = "" },
        { method = "DELETE" },
      }
      local sent = { "POST ab", "HEAD ", "GET ", "PUT ", "DELETE " }
      local own = { ["content-type"] = 1, ["x-one"] = 2 }
      local order = { 1, 2, 1, 3, 1, 4, 1, 5, 2, 3, 2, 4, 2, 5, 3, 4, 3, 5, 4, 5, 5, 4, 3, 2, 1 }
      for _, kind in ipairs(order) do
        local options = {}
        for name, value in pairs(kinds[kind]) do
          options[name] = value
        end
        local response = send(options)
        assert.equal(kind == 2 and "" or "x", response.body)
      end
      for i, request in ipairs(s:requests()) do
        assert.equal(sent[order[i]], request.method .. " " .. request.body)
        for name, kind in pairs(own) do
          assert.equal(kind == order[i], request.headers[name] ~= nil)
        end
        local length = ({ "2", nil, nil, "0" })[order[i]]
        assert.equal(length, request.headers["content-length"])
      end
    end)

    it("sends a body of megabytes without asking first", function()
      local body = ("0123456789abcdef"):rep(256 * 1024)
      s:script("*", { { body = "" } })
      send({ method = "PUT", body = body })
      local headers = s:requests()[1].headers
      assert.equal(tostring(#body), headers["content-length"])
      assert.is_nil(headers.expect)
    end)

    it("refuses what would change the request's lines", function()
      for _, options in ipairs({
        { headers = { { "X-A", "1\r\nX-B: 2" } } },
        { headers = { { "X-A", "1\0" } } },
        { headers = { { "X A", "1" } } },
        { headers = { { "X-A:", "1" } } },
        { headers = { { "", "1" } } },
        { headers = { { "X-A" } } },
        { headers = { "X-A: 1" } },
        { method = "GET /x HTTP/1.1\r\n" },
        { method = "" },
        { path = "/a\r\nX-B: 2" },
        { path = "/a\0" },
        { unknown = 1 },
        { timeout_total = 0 / 0 },
      }) do
        assert.is_false(pcall(send, options))
      end
      assert.same({}, s:requests())
    end)

    it("never shows the value of a refused header", function()
      local _, e = pcall(send, { headers = { { "Authorization", "secret\n" } } })
      assert.is_nil(tostring(e):find("secret", 1, true))
    end)

    it("refuses other schemes, credentials and nonsense in the URL", function()
      for _, url in ipairs({
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://user:password@127.0.0.1/",
        "http://",
        "127.0.0.1",
        "http://127.0.0.1:99999/",
      }) do
        local op, e = http.request({ url = url })
        assert.is_nil(op)
        assert.equal("usage", e.kind)
        assert.is_nil(e.message:find("password@", 1, true))
      end
    end)
  end)

  describe("a reply", function()
    it("has status, headers in order with names in lower case, body, version and peer", function()
      local headers = { { "X-Two", "b" }, { "X-One", " a " }, { "x-two", "" } }
      s:script("*", { { status = 404, body = "what?", headers = headers } })
      local r = send({})
      assert.equal(404, r.status)
      assert.equal("what?", r.body)
      assert.equal("1.1", r.version)
      assert.equal(s.url:match("//(.*)"), r.remote)
      local rows = {}
      for _, pair in ipairs(r.headers) do
        if pair[1]:match("^x%-") then
          rows[#rows + 1] = pair[1] .. "=" .. pair[2]
        end
      end
      assert.same({ "x-two=b", "x-one=a", "x-two=" }, rows)
    end)

    it("may be chunked, empty, or to a HEAD the length of what is not sent", function()
      local chunked = { body = "hello", chunked = 2 }
      s:script("*", { chunked, { status = 204, body = "" }, { body = "hello" } })
      assert.equal("hello", send({}).body)
      assert.equal("", send({}).body)
      local head = send({ method = "HEAD" })
      assert.equal("", head.body)
      assert.equal("5", header(head, "content-length"))
    end)

    it("that redirects is not followed", function()
      s:script("*", { { status = 301, body = "", headers = { { "Location", s.url .. "/b" } } } })
      assert.equal(301, send({}).status)
      assert.equal(1, #s:requests())
    end)

    it("that is compressed is not touched", function()
      s:script("*", { { body = "\31\139raw", headers = { { "Content-Encoding", "gzip" } } } })
      assert.equal("\31\139raw", send({}).body)
      assert.is_nil(s:requests()[1].headers["accept-encoding"])
    end)

    it("after an interim one is the reply", function()
      s:script("*", {
        {
          raw = "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n"
            .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Real: 1\r\n\r\nok",
        },
      })
      local r = send({})
      assert.equal("ok", r.body)
      assert.equal("1", header(r, "x-real"))
      assert.is_nil(header(r, "x-hint"))
    end)

    it("after an interim one is the reply, whatever the reason phrase says", function()
      s:script("*", {
        {
          raw = "HTTP/1.1 103 Early: hints\r\nX-Hint: 1\r\n\r\n"
            .. "HTTP/1.1 200 Fine: really\r\nContent-Length: 2\r\n\r\nok",
        },
      })
      local r = send({})
      assert.same({ { "content-length", "2" } }, r.headers)
      assert.equal("ok", r.body)
    end)

    it("keeps the connection for the next request", function()
      s:script("*", { { body = "a", times = 5 } })
      local before = s:connections()
      for _ = 1, 5 do
        send({})
      end
      assert.is_true(s:connections() - before <= 1)
    end)

    it("does not fail because a kept connection died meanwhile", function()
      s:script("*", { { body = "a" }, { body = "b" } })
      send({})
      s:drop()
      assert.equal("b", send({ method = "POST", body = "again" }).body)
    end)
  end)

  describe("a reply that is not whole", function()
    it("fails wherever it was cut", function()
      local whole = 60
      for _, reply in ipairs({
        { body = ("x"):rep(whole), cut = 0 },
        { body = ("x"):rep(whole), cut = whole - 1 },
        { body = ("x"):rep(whole), cut = 30, reset = true },
        { body = ("x"):rep(whole), chunked = 7, cut = 3 },
        { body = ("x"):rep(whole), chunked = 60, cut = 66 }, -- all but the last chunk
        { body = ("x"):rep(whole), cut_head = 5 },
        { body = ("x"):rep(whole), cut_head = 17 },
        { body = ("x"):rep(whole), cut_head = 40 },
        { body = "", reset = true },
        { raw = "" },
      }) do
        local e = failure(reply)
        assert.equal("network", e.kind)
        assert.equal("cut", e.code)
        assert.matches("127.0.0.1", e.message)
      end
    end)

    it("fails when its head is cut at any byte", function()
      local reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc"
      for n = 0, #reply - 1 do
        local e = failure({ raw = reply:sub(1, n) })
        assert.is_true(e.code == "cut" or e.code == "protocol", n .. ": " .. tostring(e))
      end
    end)

    it("says how much of how much came", function()
      assert.matches("after 2 of 5 bytes", failure({ body = "hello", cut = 2 }).message)
    end)

    it("is also one that does not say where it ends", function()
      local e = failure({ raw = "HTTP/1.1 200 OK\r\n\r\nall of it?" })
      assert.equal("reply protocol", e.kind .. " " .. e.code)
    end)
  end)

  describe("a hostile reply", function()
    it("with two lengths, or none that is a number, is refused", function()
      for _, lines in ipairs({
        "Content-Length: 2\r\nContent-Length: 3",
        "Content-Length: two",
        "Content-Length: -2",
        "Content-Length: 0x2",
        "Content-Length: 99999999999999999999",
      }) do
        local e = failure({ raw = "HTTP/1.1 200 OK\r\n" .. lines .. "\r\n\r\nab" })
        assert.equal("reply", e.kind)
      end
    end)

    it("that is no HTTP is refused", function()
      for _, raw in ipairs({ "garbage\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\0\0\0\0\r\n\r\n" }) do
        local e = failure({ raw = raw })
        assert.is_true(e.code == "protocol" or e.code == "cut", tostring(e))
      end
    end)

    it("with too large a body is refused, by its length or while it comes", function()
      assert.equal("too_large", failure({ body = ("x"):rep(101) }, { max_body = 100 }).code)
      local chunked = { body = ("x"):rep(101), chunked = 10 }
      assert.equal("too_large", failure(chunked, { max_body = 100 }).code)
      s:script("*", { { body = ("x"):rep(100) } })
      assert.equal(100, #send({ max_body = 100 }).body)
    end)

    it("with too many or too long headers is refused", function()
      local many = {}
      for i = 1, 201 do
        many[i] = { "X-" .. i, "v" }
      end
      assert.equal("too_large", failure({ body = "", headers = many }).code)
      local long = {}
      for i = 1, 4 do
        long[i] = { "X-" .. i, ("v"):rep(80 * 1024) }
      end
      assert.equal("too_large", failure({ body = "", headers = long }).code)
    end)

    it("with trailers without end is refused", function()
      local trailers = ("X-T: v\r\n"):rep(300)
      local head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      local e = failure({ raw = head .. "1\r\na\r\n0\r\n" .. trailers .. "\r\n" })
      assert.equal("too_large", e.code)
    end)

    it("leaves the next request unharmed", function()
      failure({ body = ("x"):rep(101) }, { max_body = 100 })
      s:script("*", { { body = "fine" } })
      assert.equal("fine", send({}).body)
    end)
  end)

  describe("time limits", function()
    it("end the silence before the first byte", function()
      local e = failure({ silent = true }, { timeout_first_byte = 0.02 })
      assert.equal("timeout timeout_first_byte", e.kind .. " " .. e.code)
      assert.matches("did not answer within 0.02 s", e.message)
    end)

    it("end a body that hangs or drips", function()
      local e = failure({ body = ("x"):rep(100), cut = 10, hang = true }, { timeout_slow = 0.02 })
      assert.equal("timeout_slow", e.code)
    end)

    it("are not shortened by a length without end", function()
      local head = "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n"
      local e = failure({ raw = head, hang = true }, { timeout_first_byte = 0.05 })
      assert.equal("timeout_first_byte", e.code)
    end)

    it("end it all", function()
      local e = failure({ body = ("x"):rep(1000), drip = 0.001 }, { timeout_total = 0.05 })
      assert.equal("timeout_total", e.code)
    end)

    it("do not count the time of a fast reply", function()
      s:script("*", { { body = ("x"):rep(200000) } })
      assert.equal(200000, #send({ timeout_slow = 0.05, timeout_first_byte = 30 }).body)
    end)
  end)

  describe("an operation that is closed", function()
    it("ends the transfer; others go on", function()
      s:script("GET /silent", { { silent = true } })
      s:script("GET /a", { { body = "fine", delay = 0.01 } })
      local silent = http.request({ url = s.url .. "/silent" })
      local other = http.request({ url = s.url .. "/a" })
      silent:close()
      assert.equal("fine", task.await(other).body)
    end)

    it("by the cancellation of its task, raises there", function()
      s:script("*", { { silent = true } })
      local e
      task.run(function()
        local t = task.spawn(function()
          local _, caught = pcall(send, {})
          e = caught
        end)
        task.sleep(0.001)
        task.cancel(t)
      end)
      assert.equal("cancelled", e.kind)
    end)
  end)

  it("cannot connect where nobody listens, and says so", function()
    local op = http.request({ url = "http://127.0.0.1:1/" })
    local _, e = errors.try(task.await, op)
    assert.equal("network connect", e.kind .. " " .. e.code)
    assert.equal("cannot connect to 127.0.0.1:1: connection refused", e.message)
  end)

  it("cannot find a host without address, and names it", function()
    local op = http.request({ url = "http://nothing.invalid/" })
    local _, e = errors.try(task.await, op)
    assert.equal("dns", e.code)
    assert.matches("nothing.invalid", e.message)
  end)

  it("keeps many requests in flight", function()
    s:script("*", { { body = "ok", delay = 0.01, times = -1 } })
    local ok, i = 0, 0
    task.each(
      function()
        i = i + 1
        return i <= 200 and i or nil
      end,
      100,
      function()
        local body = send({}).body
        ok = ok + (body == "ok" and 1 or 0)
      end
    )
    assert.equal(200, ok)
  end)
end)
