-- The ends of a pipe that a script serves while the core works: fed, taken from, given room.

local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

local CHUNK = 256 * 1024

local function sample(size)
  local lines = {}
  for i = 1, size // 8 + 1 do
    lines[i] = ("%07d\n"):format(i)
  end
  return table.concat(lines):sub(1, size)
end

describe("a pipe of the core", function()
  local dir, bytes, handle

  before_each(function()
    dir = scratch.new()
    bytes = sample(8 * CHUNK + 1)
    handle = assert(file.open(dir:write("from", bytes)))
  end)
  after_each(function()
    handle:close()
    dir:close()
  end)

  local function from_file()
    local pipe = assert(stream.pipe())
    assert(pipe:file(handle))
    return pipe
  end

  it("lets the run that serves end when there is something to take", function()
    local pipe <close> = from_file()
    assert(pipe:start())
    assert.is_nil(pipe:take())
    assert.equal("busy", task.await(pipe:run(true)))
    assert.equal(bytes:sub(1, 2 * CHUNK), pipe:take())
    assert.equal("full", task.await(pipe:run()))
    assert.equal(bytes:sub(2 * CHUNK + 1, 6 * CHUNK), pipe:take())
  end)

  it("lets it end when there is room for what could not be fed", function()
    local to = assert(file.memory())
    local pipe <close> = assert(stream.pipe())
    pipe:room(to, 0, #bytes)
    assert(pipe:start())
    assert.equal(4 * CHUNK, pipe:feed(bytes))
    pipe:filled()
    repeat
      assert.equal("busy", task.await(pipe:run(true)))
    until pipe:filled() == 0
    assert.equal(2 * CHUNK, pipe:feed(bytes, 4 * CHUNK + 1))
    to:close()
  end)

  it("puts bytes into rooms, and tells of the first and the last of each", function()
    local to = assert(file.memory())
    local pipe <close> = from_file()
    local size = CHUNK + 1000
    local at, told, wanted = 0, {}, {}
    pipe:room(to, 0, size)
    assert(pipe:start())
    local state
    repeat
      state = task.await(pipe:run(true))
      local count, is_full = pipe:filled()
      told[#told + 1] = count > 0 and count or nil
      at = at + count
      if is_full then
        pipe:room(to, at, size)
      end
    until state == "done"
    for begins = 0, #bytes - 1, size do
      local ends = math.min(begins + size, #bytes)
      local border = math.min((begins // CHUNK + 1) * CHUNK, ends)
      wanted[#wanted + 1] = border - begins
      wanted[#wanted + 1] = ends > border and ends - border or nil
    end
    assert.same(wanted, told)
    assert.equal(#bytes, at)
    assert.is_true(bytes == assert(to:region(0, at)):read())
    to:close()
  end)

  it("takes no other room before one is used up, and none that is no memory", function()
    local to = assert(file.memory())
    local pipe <close> = from_file()
    pipe:room(to, 0, 10)
    assert.has_error(function()
      pipe:room(to, 10, 10)
    end, "calling 'room' on bad self (the pipe has room)")
    local other <close> = from_file()
    assert.has_error(function()
      other:room(handle, 0, 10)
    end, "bad argument #1 to 'room' (the file is not one in memory)")
    to:close()
  end)
end)
