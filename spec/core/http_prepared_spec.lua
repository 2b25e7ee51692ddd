local errors = require("awsbak.errors")
local http = require("awsbak.core.http")
local secret = require("awsbak.core.secret")
local server = require("spec.support.server")
local sigv4 = require("awsbak.core.sigv4")
local task = require("awsbak.task")

local KEYS = { access_key_id = "AKIDEXAMPLE", secret_access_key = "k", session_token = "t" }
local HASH = ("0"):rep(64)
local TIME = 1440938160 -- 2015-08-30T12:36:00Z

describe("core.http: prepared requests", function()
  local s

  setup(function()
    s = server.start()
  end)
  teardown(function()
    s:close()
  end)
  before_each(function()
    s:clear()
    s:script("*", { { body = "" } })
  end)

  local function start(prepared, path, body, ...)
    return task.await(errors.check(prepared:start(s.url .. path, body, nil, ...)))
  end

  --- The headers of a request that the server got, by name.
  local function headers_of(request)
    local map = {}
    for _, row in ipairs(request.header_list) do
      map[row[1]:lower()] = row[2]
    end
    return map
  end

  it("are sent with their own URL, body and values, and what they have in common", function()
    local prepared = http.prepare({
      method = "PUT",
      headers = { { "X-Fixed", "f" } },
      varying = { "X-One", "X-Two" },
    })
    start(prepared, "/a", "bytes", nil, nil, nil, "1", "2")
    start(prepared, "/b", nil, nil, nil, nil, false, "3")
    start(prepared, "/c", nil, nil, nil, nil)
    local first, second, third = table.unpack(s:requests())
    assert.same({ "PUT", "/a", "bytes" }, { first.method, first.target, first.body })
    local sent = headers_of(first)
    assert.same({ "f", "1", "2" }, { sent["x-fixed"], sent["x-one"], sent["x-two"] })
    sent = headers_of(second)
    assert.same({ "PUT", "/b", "" }, { second.method, second.target, second.body })
    assert.same({ "f", "3", "0" }, { sent["x-fixed"], sent["x-two"], sent["content-length"] })
    assert.is_nil(sent["x-one"])
    assert.is_nil(headers_of(third)["x-two"])
  end)

  it("are signed as core.sigv4 signs", function()
    local prepared = http.prepare({
      headers = { { "X-Fixed", "f" } },
      varying = { "X-One" },
      sign = { region = "eu-west-1", service = "s3", s3 = true },
    })
    start(prepared, "/a%20b?x=1", nil, KEYS, HASH, TIME, "1")
    local sent = headers_of(s:requests()[1])
    local added = assert(sigv4.sign({
      method = "GET",
      url = s.url .. "/a%20b?x=1",
      headers = { { "X-Fixed", "f" }, { "X-One", "1" } },
      payload_hash = HASH,
      access_key = KEYS.access_key_id,
      secret_key = KEYS.secret_access_key,
      session_token = KEYS.session_token,
      region = "eu-west-1",
      service = "s3",
      time = TIME,
      s3 = true,
    }))
    assert.equal(4, #added)
    for _, pair in ipairs(added) do
      assert.equal(pair[2], sent[pair[1]:lower()])
    end
  end)

  it("send a token that is a secret as it is, whatever its length", function()
    local prepared = http.prepare({
      varying = {},
      sign = { region = "eu-west-1", service = "s3", s3 = true },
    })
    for n = 1, 64 do
      local token = ("t"):rep(n)
      local keys = {
        access_key_id = KEYS.access_key_id,
        secret_access_key = secret.new(KEYS.secret_access_key),
        session_token = secret.new(token),
      }
      s:clear()
      s:script("*", { { body = "" } })
      start(prepared, "/", nil, keys, HASH, TIME)
      assert.equal(token, headers_of(s:requests()[1])["x-amz-security-token"])
    end
  end)

  it("have room for many headers of their own", function()
    local names = {}
    for i = 1, 900 do
      names[i] = "X-" .. i
    end
    local prepared = http.prepare({ varying = names })
    local _, _, list = prepared:shown("http://h/")
    assert.same({}, list)
  end)

  it("show what they would send", function()
    local prepared = http.prepare({
      method = "HEAD",
      headers = { { "X-Fixed", "f" } },
      varying = { "X-One" },
      sign = { region = "*", service = "s3", s3 = true, asymmetric = true },
    })
    local method, stream, list =
      prepared:shown("http://h/", nil, nil, KEYS, HASH, TIME, "1")
    assert.same({ "HEAD", false }, { method, stream })
    local names = {}
    for i, pair in ipairs(list) do
      names[i] = pair[1]
    end
    assert.same({
      "X-Fixed",
      "X-One",
      "X-Amz-Date",
      "X-Amz-Content-SHA256",
      "x-amz-security-token",
      "X-Amz-Region-Set",
      "Authorization",
    }, names)
    local nothing, err = prepared:shown("ftp://h/", nil, nil, KEYS, HASH, TIME, "1")
    assert.is_nil(nothing)
    assert.equal("url", err.code)
  end)

  it("tell the headers that are wanted of a success, and all of a failure", function()
    local prepared = http.prepare({ stream = true, varying = {}, wanted = { "x-b", "x-none" } })
    local reply = { body = "", headers = { { "X-A", "1" }, { "X-B", "2" }, { "x-b", "3" } } }
    s:script("*", { reply })
    local told = start(prepared, "/")
    assert.same({ { "x-b", "2" }, { "x-b", "3" } }, told.headers)
    assert.is_nil(task.await(told.reader:read()))
    reply.status = 404
    s:script("*", { reply })
    local names = {}
    for _, pair in ipairs(start(prepared, "/").headers) do
      names[pair[1]] = true
    end
    assert.is_true(names["x-a"] and names["x-b"] and names["content-length"])
  end)

  it("keep what they were made of, whatever becomes of the tables", function()
    local options = {
      method = ("P"):rep(3) .. "UT",
      headers = { { "X-" .. ("n"):rep(50), ("v"):rep(50) } },
      varying = { "X-" .. ("w"):rep(50) },
      wanted = { ("u"):rep(50) },
      sign = { region = ("r"):rep(50), service = ("s"):rep(50) },
    }
    local prepared = http.prepare(options)
    local _, _, before = prepared:shown("http://h/", nil, nil, KEYS, HASH, TIME, "1")
    for key in pairs(options) do
      options[key] = nil
    end
    collectgarbage()
    local others = {}
    for i = 1, 1000 do
      others[i] = ("x"):rep(50) .. i
    end
    local method, _, after = prepared:shown("http://h/", nil, nil, KEYS, HASH, TIME, "1")
    assert.equal(1000, #others)
    assert.equal("PPPUT", method)
    assert.same(before, after)
  end)

  it("refuse what no request can have", function()
    local function refused(options, pattern)
      options.varying = options.varying or {}
      local ok, err = pcall(http.prepare, options)
      assert.is_false(ok)
      assert.matches(pattern, err)
    end
    refused({ url = "http://h/" }, "unknown option 'url'")
    refused({ method = "G T" }, "bad method")
    refused({ headers = { { "a b", "1" } } }, "not allowed")
    refused({ headers = { { "a", "1\r\nb: 2" } } }, "line break")
    refused({ headers = { "a" } }, "pair")
    refused({ varying = { "a b" } }, "not allowed")
    refused({ varying = { 1 } }, "is a string")
    refused({ sign = { region = "r" } }, "a text 'service'")

    local prepared = http.prepare({
      varying = { "X-One" },
      sign = { region = "r", service = "s" },
    })
    local function bad(pattern, ...)
      local ok, err = pcall(prepared.start, prepared, ...)
      assert.is_false(ok)
      assert.matches(pattern, err)
    end
    bad("URL must be a string", nil)
    bad("line break", "http://h/\n", nil, nil, KEYS, HASH, TIME, "1")
    bad("line break", "http://h/", nil, nil, KEYS, HASH, TIME, "1\r\nX: 2")
    bad("is a string", "http://h/", nil, nil, KEYS, HASH, TIME, {})
    bad("table expected", "http://h/", nil, nil, nil, HASH, TIME)
    bad("string", "http://h/", nil, nil, KEYS, nil, TIME)
    bad("number expected", "http://h/", nil, nil, KEYS, HASH, nil)
    bad("string", "http://h/", {}, nil, KEYS, HASH, TIME)
  end)
end)
