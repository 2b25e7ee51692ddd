-- Prepared calls beside ordinary ones: the same requests, and the same ends of whatever goes wrong.

local aws = require("aws")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local outside = require("awsbak.outside")
local world = require("spec.support.world")

local CASES = 300
local KEYS = { "AKIDEXAMPLE", "k" }

local function client(options)
  local all = {
    region = "eu-west-1",
    credentials = { access_key_id = KEYS[1], secret_access_key = KEYS[2] },
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return aws.client("s3", all)
end

local function reply(status, body, headers)
  return { status = status, headers = headers or {}, body = body or "" }
end

--- What is sent of a request, for comparing.
local function sent(request)
  local headers = {}
  for _, pair in ipairs(request.headers) do
    headers[#headers + 1] = pair[1]:lower() .. ": " .. pair[2]
  end
  table.sort(headers)
  return { request.method, request.url, request.body or false, headers, request.stream or false }
end

--- Call `f` where requests are answered by `answers` in turn (the last one again and again); what
--- was sent.
local function exchange(answers, f)
  local requests = {}
  local w = {}
  function w.send(request)
    requests[#requests + 1] = sent(request)
    local answer = answers[math.min(#requests, #answers)]
    return type(answer) == "function" and answer() or answer
  end
  world.with(w, function()
    outside.with({
      random_bytes = function(n)
        return ("\1"):rep(n)
      end,
    }, f)
  end)
  return requests, w
end

local PIECES = { "a", "/", "?", "&", "=", "%2F", "é", " ", "+", "..", "~", "\u{1F600}", "#", "'" }
local HEADS = { nil, "*", '"e"', "a, b" }

local function random_key()
  local parts = {}
  for i = 1, math.random(1, 8) do
    parts[i] = PIECES[math.random(#PIECES)]
  end
  return table.concat(parts)
end

--- Inputs of a run: what is fixed changes at times.
local function random_inputs(make)
  local inputs, bucket = {}, "vault"
  for i = 1, CASES do
    if math.random(20) == 1 then
      bucket = ({ "vault", "a.b.c", "other" })[math.random(3)]
    end
    inputs[i] = make({ Bucket = bucket, Key = random_key() })
  end
  return inputs
end

describe("client.prepare", function()
  local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()

  --- Compare the requests of prepared and of ordinary calls with the same inputs.
  local function compare(options, word, varying, make)
    math.randomseed(seed)
    local inputs = random_inputs(make)
    local function all(s3, f)
      return exchange({ reply(200) }, function()
        for _, input in ipairs(inputs) do
          f(s3)(input)
        end
      end)
    end
    local ordinary = all(client(options), function(s3)
      return s3[word]
    end)
    local s3 = client(options)
    local prepared = s3.prepare(word, varying)
    local alike = all(s3, function()
      return prepared
    end)
    assert.equal(CASES, #ordinary)
    for i, request in ipairs(ordinary) do
      assert.same(request, alike[i], ("seed %d, %s"):format(seed, json.encode(inputs[i])))
    end
  end

  for name, options in pairs({
    ["a host for each bucket"] = {},
    ["buckets in the path"] = { endpoint_url = "http://127.0.0.1:9/base" },
    ["no keys"] = { no_sign_request = true },
    ["path style"] = { addressing_style = "path" },
  }) do
    it("sends what ordinary calls send: PutObject, " .. name, function()
      local varying = { "Key", "Body", "ChecksumCRC32", "IfNoneMatch" }
      compare(options, "put_object", varying, function(input)
        input.Body = random_key()
        input.ChecksumCRC32 = "AAAAAA=="
        input.IfNoneMatch = HEADS[math.random(2)]
        input.StorageClass = math.random(10) == 1 and "GLACIER" or nil
        return input
      end)
    end)

    it("sends what ordinary calls send: GetObject, " .. name, function()
      compare(options, "get_object", { "Key", "IfMatch", "VersionId" }, function(input)
        input.IfMatch = HEADS[math.random(4)]
        input.VersionId = math.random(3) == 1 and random_key() or nil
        return input
      end)
    end)
  end

  it("signs what it sends with the keys and the time of the call", function()
    local s3 = client()
    local get = s3.prepare("get_object", { "Key" })
    local requests = exchange({ reply(200) }, function()
      get({ Bucket = "vault", Key = "a" })
      outside.with({
        now = function()
          return 1800090000
        end,
      }, get, { Bucket = "vault", Key = "a" })
    end)
    assert.not_same(requests[1][4], requests[2][4])
  end)

  it("makes the checksum of a body that varies anew", function()
    local s3 = client()
    local put = s3.prepare("put_object", { "Key", "Body" })
    local requests = exchange({ reply(200) }, function()
      for _, text in ipairs({ "one", "two" }) do
        put({ Bucket = "vault", Key = "k", Body = text })
      end
    end)
    for i, text in ipairs({ "one", "two" }) do
      local sum = require("awsbak.core.codec").base64(digest.digest("crc32", text))
      local all = table.concat(requests[i][4], "\n")
      assert.matches("x-amz-checksum-crc32: " .. sum, all, 1, true)
    end
  end)

  --- The end of ordinary and of prepared calls of the same input, after one that kept something.
  local function ends(answers, input)
    local found = {}
    for i, way in ipairs({ "ordinary", "prepared" }) do
      local s3 = client()
      local get = way == "prepared" and s3.prepare("head_object", { "Key" }) or s3.head_object
      exchange({ reply(200) }, function()
        get({ Bucket = "vault", Key = "before" })
      end)
      local output, err
      local requests, w = exchange(answers, function()
        output, err = errors.try(get, input)
      end)
      found[i] = {
        requests = #requests,
        slept = w.slept,
        ok = output ~= nil,
        message = err and tostring(err),
        attempts = err and err.attempts,
        code = err and err.code,
        hint = err and err.hint,
      }
    end
    assert.same(found[1], found[2])
    return found[2]
  end

  local INPUT = { Bucket = "vault", Key = "a" }

  it("goes on after a failure as an ordinary call does", function()
    local error_503 = reply(503, "<Error><Code>SlowDown</Code></Error>")
    assert.equal(2, ends({ error_503, reply(200) }, INPUT).requests)
    assert.equal(3, ends({ error_503 }, INPUT).attempts)
    assert.equal(1, ends({ reply(403) }, INPUT).attempts)
    assert.equal(
      2,
      ends({
        function()
          errors.raise({ kind = "network", code = "cut", message = "cut", retryable = true })
        end,
        reply(200),
      }, INPUT).requests
    )
  end)

  it("reads the members that are wanted of a reply", function()
    local s3 = client()
    local headers = { { "etag", '"e"' }, { "x-amz-version-id", "v" } }
    local all = s3.prepare("head_object", { "Key" })
    local some = s3.prepare("head_object", { "Key" }, { "ETag", "StorageClass" })
    exchange({ reply(200, "", headers) }, function()
      assert.same({ ETag = '"e"', VersionId = "v", Metadata = {} }, all(INPUT))
      assert.same({ ETag = '"e"' }, some(INPUT))
      assert.same({ ETag = '"e"' }, some(INPUT))
    end)
    for word, name in pairs({ head_object = "Nonsense", list_objects_v2 = "Contents" }) do
      local _, err = errors.try(s3.prepare, word, {}, { name })
      assert.matches(name .. " of %w+ is not read by itself", err.message)
    end
  end)

  it("learns the region of a bucket, and goes there at once from then on", function()
    local s3 = client()
    local head = s3.prepare("head_object", { "Key" })
    local moved = reply(301, "", { { "x-amz-bucket-region", "us-west-2" } })
    local requests = exchange({ reply(200), moved, reply(200) }, function()
      for _, key in ipairs({ "a", "b", "c" }) do
        head({ Bucket = "vault", Key = key })
      end
    end)
    local hosts = {}
    for i, request in ipairs(requests) do
      hosts[i] = request[2]:match("s3%.([%w-]+)%.")
    end
    assert.same({ "eu-west-1", "eu-west-1", "us-west-2", "us-west-2" }, hosts)
  end)

  it("refuses what an ordinary call refuses, and sends nothing", function()
    for _, input in ipairs({
      { Bucket = "vault", Key = "" },
      { Bucket = "vault", Key = 7 },
      { Bucket = "vault" },
      { Key = "a" },
      { Bucket = "vault", Key = "a", Nonsense = 1 },
      { Bucket = "vault", Key = "a\xff" },
    }) do
      local found = ends({ reply(200) }, input)
      assert.equal(0, found.requests)
      assert.is_string(found.message)
    end
  end)

  it("keeps to the guards", function()
    local s3 = client({ read_only = true })
    local put = s3.prepare("put_object", { "Key", "Body", "ChecksumCRC32" })
    local requests = exchange({ reply(200) }, function()
      local _, err = errors.try(put, { Bucket = "vault", Key = "a", Body = "b" })
      assert.equal("read_only", err.code)
    end)
    assert.same({}, requests)
  end)

  it("sends no customer's key without TLS", function()
    local s3 = client({ endpoint_url = "http://example.com" })
    local get = s3.prepare("get_object", { "Key" })
    local input = { Bucket = "vault", Key = "a", SSECustomerKey = ("k"):rep(32) }
    local requests = exchange({ reply(200) }, function()
      local _, err = errors.try(get, input)
      assert.equal("insecure_key", err.code)
    end)
    assert.same({}, requests)
  end)

  it("asks before each attempt in adaptive mode", function()
    local s3 = client({ retry_mode = "adaptive" })
    local head = s3.prepare("head_object", { "Key" })
    local rate = require("aws.rate")
    local new, asked = rate.new, 0
    finally(function()
      rate.new = new
    end)
    function rate.new()
      local made = new()
      return setmetatable({
        acquire = function()
          asked = asked + 1
          return made:acquire()
        end,
      }, { __index = made })
    end
    local requests = exchange({ reply(200) }, function()
      for _, key in ipairs({ "a", "b", "c" }) do
        head({ Bucket = "vault", Key = key })
      end
    end)
    assert.same({ 3, 3 }, { asked, #requests })
  end)

  it("gives tokens of the quota back, as ordinary calls do", function()
    local s3 = client()
    local head = s3.prepare("head_object", { "Key" })
    local refused = reply(503, "<Error><Code>SlowDown</Code></Error>")
    local storm = {}
    for i = 1, 302 do
      storm[i] = refused
    end
    local function times_tried()
      local requests = exchange(storm, function()
        errors.try(head, { Bucket = "vault", Key = "a" })
      end)
      return #requests
    end
    while times_tried() > 1 do -- luacheck: ignore 542
    end
    exchange({ reply(200) }, function()
      for _ = 1, 10 do
        head({ Bucket = "vault", Key = "b" })
      end
    end)
    assert.equal(3, times_tried())
  end)

  it("refuses members that cannot vary", function()
    local s3 = client()
    for _, name in ipairs({ "Metadata", "ContentLength", "Nonsense", "Expires" }) do
      local _, err = errors.try(s3.prepare, "put_object", { "Key", name })
      assert.equal("prepare", err.code)
      assert.matches(name .. " of PutObject cannot vary", err.message, 1, true)
    end
    local _, err = errors.try(s3.prepare, "put_object", "Key")
    assert.equal("bad_argument", err.code)
  end)

  it("never sends a body unprotected where an earlier one came with its checksum", function()
    local found = {}
    for i, way in ipairs({ "ordinary", "prepared" }) do
      local s3 = client()
      local varying = { "Key", "Body", "ChecksumCRC32", "ChecksumCRC64NVME" }
      local put = way == "prepared" and s3.prepare("put_object", varying) or s3.put_object
      found[i] = exchange({ reply(200) }, function()
        put({ Bucket = "vault", Key = "a", Body = "one", ChecksumCRC32 = "AAAAAA==" })
        put({ Bucket = "vault", Key = "b", Body = "two" })
        put({ Bucket = "vault", Key = "c", Body = "three", ChecksumCRC64NVME = "AAAAAAAAAAA=" })
      end)
    end
    assert.same(found[1], found[2])
  end)

  it("sees that a table of what is fixed was changed", function()
    local s3 = client()
    local put = s3.prepare("put_object", { "Key", "Body", "ChecksumCRC32" })
    local input = { Bucket = "vault", Key = "k", Body = "b", ChecksumCRC32 = "AAAAAA==" }
    input.Metadata = { time = "1" }
    local requests = exchange({ reply(200) }, function()
      put(input)
      input.Metadata.time = "2"
      put(input)
    end)
    assert.matches("x-amz-meta-time: 2", table.concat(requests[2][4], "\n"), 1, true)
  end)

  it("gives each call an identity of its own, which its later attempts keep", function()
    local ids, count = {}, 0
    local w = {}
    function w.send(request)
      ids[#ids + 1] = require("awsbak.headers").find(request.headers, "amz-sdk-invocation-id")
      return reply(#ids == 3 and 503 or 200)
    end
    world.with(w, function()
      outside.with({
        random_bytes = function(n)
          count = count + 1
          return (">I8"):pack(count):rep(n // 8)
        end,
      }, function()
        local head = client().prepare("head_object", { "Key" })
        for i = 1, 3 do
          head({ Bucket = "vault", Key = "k" .. i })
        end
      end)
    end)
    assert.equal(4, #ids)
    assert.not_equal(ids[1], ids[2])
    assert.not_equal(ids[2], ids[3])
    assert.equal(ids[3], ids[4])
  end)

  it("does not repeat the session token that a service quotes", function()
    local token = "FwoGZXIvYXdzEXAMPLETOKEN"
    local keys = { access_key_id = "A", secret_access_key = "s", session_token = token }
    local head = client({ credentials = keys }).prepare("get_object", { "Key" })
    local told = "<Error><Code>SignatureDoesNotMatch</Code><Message>token:%s</Message></Error>"
    exchange({ reply(200), reply(403, told:format(token)) }, function()
      head({ Bucket = "vault", Key = "a" })
      local _, err = errors.try(head, { Bucket = "vault", Key = "b" })
      assert.equal("SignatureDoesNotMatch", err.code)
      assert.not_matches(token, tostring(err), 1, true)
    end)
  end)

  it("encodes a label as its path wants it", function()
    local urls = {}
    for _, way in ipairs({ "ordinary", "prepared" }) do
      local lambda = aws.client("lambda", {
        region = "eu-west-1",
        credentials = { access_key_id = KEYS[1], secret_access_key = KEYS[2] },
      })
      local get = way == "prepared" and lambda.prepare("get_function", { "FunctionName" })
        or lambda.get_function
      local requests = exchange({ reply(200, "{}") }, function()
        get({ FunctionName = "a" })
        get({ FunctionName = "a/../b:c" })
      end)
      urls[#urls + 1] = requests[2][2]
    end
    assert.equal(urls[1], urls[2])
  end)

  it("does not let a header's value make another header", function()
    local found = {}
    for _, way in ipairs({ "ordinary", "prepared" }) do
      local s3 = client()
      local head = way == "prepared" and s3.prepare("head_object", { "Key", "IfMatch" })
        or s3.head_object
      local requests = exchange({ reply(200) }, function()
        head({ Bucket = "vault", Key = "a", IfMatch = '"e"' })
        local _, err = errors.try(head, { Bucket = "vault", Key = "b", IfMatch = "a\r\nb: c" })
        table.insert(found, err and err.code or "none")
        head({ Bucket = "vault", Key = "c" })
      end)
      table.insert(found, requests)
    end
    assert.same({ found[1], found[2] }, { found[3], found[4] })
  end)
end)
