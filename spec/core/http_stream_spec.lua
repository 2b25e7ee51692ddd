local errors = require("awsbak.errors")
local http = require("awsbak.core.http")
local server = require("spec.support.server")
local task = require("awsbak.task")

describe("a streamed reply", function()
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

  local function stream(options)
    options = options or {}
    return task.await(assert(http.request({
      url = s.url .. "/a",
      stream = true,
      timeout_slow = options.timeout_slow,
    })))
  end

  local function read_all(reader, size)
    local parts = {}
    for part in
      function()
        return task.await(reader:read(size))
      end
    do
      parts[#parts + 1] = part
    end
    return table.concat(parts), #parts
  end

  it("gives the head first, and the body in pieces of at most the size asked", function()
    s:script("*", { { body = ("0123456789"):rep(1000), status = 206 } })
    local r = stream()
    assert.equal(206, r.status)
    assert.is_nil(r.body)
    local reader <close> = r.reader
    assert.equal("0123", task.await(reader:read(4)))
    assert.equal(("0123456789"):rep(1000):sub(5), (read_all(reader, 777)))
    assert.is_nil(task.await(reader:read()))
  end)

  it("holds back a server that is faster than the reader, and loses nothing", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local body = ("0123456789abcdef"):rep(200000)
    s:script("*", { { body = body } })
    local reader <close> = stream().reader
    local parts = {}
    while true do
      if math.random(10) == 1 then
        task.sleep(0)
      end
      local part = task.await(reader:read(math.random(1, 100000)))
      if not part then
        break
      end
      parts[#parts + 1] = part
    end
    assert.is_true(body == table.concat(parts), "seed " .. seed)
  end)

  it("that is cut gives what came, then the error, again and again", function()
    s:script("*", { { body = "hello", cut = 3 } })
    local reader <close> = stream().reader
    assert.equal("hel", task.await(reader:read(100)))
    for _ = 1, 2 do
      local _, e = errors.try(function()
        return task.await(reader:read())
      end)
      assert.equal("cut", e.code)
    end
  end)

  it("that is empty ends at once", function()
    s:script("*", { { body = "" }, { status = 204, body = "" } })
    for _ = 1, 2 do
      local reader <close> = stream().reader
      assert.is_nil(task.await(reader:read()))
    end
  end)

  it("that hangs ends by its time limit", function()
    s:script("*", { { body = "hello", cut = 3, hang = true } })
    local reader <close> = stream({ timeout_slow = 0.02 }).reader
    local _, e = errors.try(read_all, reader)
    assert.equal("timeout_slow", e.code)
  end)

  it("allows one read at a time, and none when closed", function()
    s:script("*", { { body = "hello", cut = 0, hang = true } })
    local reader <close> = stream().reader
    local first <close> = reader:read()
    local second, e = reader:read()
    assert.is_nil(second)
    assert.equal("busy", e.code)
    first:close()
    local third <close> = assert(reader:read())
    assert.is_false(third:done())
    reader:close()
    reader:close()
    assert.is_false(pcall(reader.read, reader))
  end)

  it("may be given up half way", function()
    s:script("*", { { body = ("x"):rep(1000000) }, { body = "fine" } })
    do
      local reader <close> = stream().reader
      task.await(reader:read(10))
    end
    assert.equal("fine", task.await(http.request({ url = s.url .. "/a" })).body)
  end)
end)
