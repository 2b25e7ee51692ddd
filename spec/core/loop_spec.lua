local loop = require("awsbak.core.loop")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

local function ids(seconds)
  return assert(loop.step(seconds))
end

describe("loop.sleep", function()
  it("finishes those that are due and no other, whatever was set and closed around them", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local ops, expected = {}, {}
    for i = 1, 300 do
      local due = math.random(2) == 1
      ops[i] = { op = loop.sleep(due and 0 or 1000 + math.random(1000)), due = due }
    end
    for _, o in ipairs(ops) do
      if math.random(3) == 1 then
        o.op:close()
      elseif o.due then
        expected[o.op:id()] = true
      end
    end
    while next(expected) do
      for _, id in ipairs(ids(10)) do
        assert.is_true(expected[id], "seed " .. seed)
        expected[id] = nil
      end
    end
    assert.same({}, ids(0), "seed " .. seed)
    for _, o in ipairs(ops) do
      o.op:close()
    end
  end)

  it("refuses a negative time", function()
    assert.has_error(function()
      loop.sleep(-1)
    end)
  end)
end)

describe("an operation", function()
  it("is done before its result can be had, once", function()
    local op = loop.sleep(0)
    assert.is_false(op:done())
    local _, e = pcall(op.result, op)
    assert.matches("still running", e)
    assert.same({ op:id() }, ids(10))
    assert.is_true(op:done())
    op:result()
    assert.has_error(function()
      op:result()
    end)
  end)

  it("that was closed, or collected, never shows up", function()
    local op <close> = loop.sleep(0)
    op:close()
    op:close()
    loop.sleep(0)
    collectgarbage()
    collectgarbage()
    assert.same({}, ids(0.01))
  end)

  it("that was closed among others is not handed out", function()
    local first, second, third = loop.sleep(0), loop.sleep(0), loop.sleep(0)
    local job <close> = loop.sleep(0.001)
    second:close()
    first:close()
    third:close()
    assert.same({ job:id() }, ids(10))
  end)
end)

describe("loop.step", function()
  it("returns nothing when the time is over", function()
    local op <close> = loop.sleep(100)
    assert.same({}, ids(0.001))
    assert.is_false(op:done())
  end)
end)

describe("loop.ready", function()
  it("finishes when the descriptor can be read", function()
    local result = program.run({
      "-e",
      [[
        local loop, task = require("awsbak.core.loop"), require("awsbak.task")
        task.await(loop.ready(0, "read"))
        io.write(io.read("a"))
      ]],
    }, { stdin = "some input" })
    assert.equal("some input", result.stdout)
  end)

  it("tells reading from writing on one descriptor", function()
    local dir <close> = scratch.new()
    local code = dir:write(
      "code.lua",
      [[
      local loop = require("awsbak.core.loop")
      local read, write = loop.ready(0, "read"), loop.ready(0, "write")
      loop.step(10)
      io.write(tostring(read:done()), " ", tostring(write:done()))]]
    )
    local fifo = dir:path("fifo") -- open to both ends: it can be written, and nothing is to be read
    local line = ("mkfifo %s && exec %s %s 0<>%s"):format(fifo, program.path(), code, fifo)
    local pipe <close> = io.popen(line)
    assert.equal("false true", pipe:read("a"))
  end)
end)

describe("the end of the program", function()
  it("with operations in flight frees them all", function()
    local result = program.run({
      "-e",
      [[
        local loop = require("awsbak.core.loop")
        local http = require("awsbak.core.http")
        local process = require("awsbak.core.process")
        kept = {
          loop.sleep(100),
          http.request({ url = "http://127.0.0.1:9/" }),
          process.run({ argv = { "sleep", "100" } }),
          process.spawn({ argv = { "sleep", "100" } }),
        }
        loop.step(0)
      ]],
    })
    assert.equal("", result.stderr)
    assert.equal(0, result.status)
  end)
end)
