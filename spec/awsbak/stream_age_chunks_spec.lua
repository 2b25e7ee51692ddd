--- Age in a pipe, over many chunks: they lie anywhere in the pipe's own buffers, and are sealed and
--- opened there, or straddle their borders.

local age = require("awsbak.core.age")
local errors = require("awsbak.errors")
local noise = require("spec.support.noise")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")
local task = require("awsbak.task")

local CASES = 25
local CHUNK = 64 * 1024
local SEALED = CHUNK + 16
local random = math.random

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null") == true
end

--- A writer that keeps what it is given.
local function keeper()
  local kept = { parts = {} }
  function kept:write(bytes)
    self.parts[#self.parts + 1] = bytes
  end
  function kept:commit()
    self.committed = true
  end
  function kept:text()
    return table.concat(self.parts)
  end
  return kept
end

describe("age in a pipe, chunk by chunk,", function()
  local dir
  local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
  local all = noise(34 * CHUNK)
  local identity, recipient = age.keygen()
  local open = stream.open({ identities = { identity } })

  before_each(function()
    dir = scratch.new()
    math.randomseed(seed)
  end)
  after_each(function()
    dir:close()
  end)

  local function bytes_of(size)
    local first = random(#all - size + 1)
    return all:sub(first, first + size - 1)
  end

  --- Seal a file for `count` recipients, so that its header has one length or another.
  local function seal(count, armor)
    local recipients = { recipient }
    for i = 2, count do
      recipients[i] = select(2, age.keygen())
    end
    return stream.seal({ recipients = recipients, armor = armor })
  end

  --- What comes out of some bytes by a stage: from a file, or in pieces of any size.
  local function through(bytes, stage)
    local from = stream.file(dir:write("from", bytes))
    if random(2) == 1 then
      local at, longest = 1, ({ 5000, CHUNK, SEALED, 300000 })[random(4)]
      from = stream.bytes(function()
        if at <= #bytes then
          local piece = bytes:sub(at, at + random(0, longest) - 1)
          at = at + #piece
          return piece
        end
      end)
    end
    stream.pipe(from, stage, stream.save(dir:path("to"), { force = true }))
    return dir:read("to")
  end

  --- A sealed file, where its chunks begin in it, and how many there are.
  local function sealed_chunks(plain)
    local sealed = through(plain, seal(1))
    local count = math.max(1, (#plain + CHUNK - 1) // CHUNK)
    return sealed, #sealed - #plain - 16 * count, count
  end

  --- The error of opening these bytes, and what had come out before.
  local function fails(sealed)
    local to = keeper()
    local from = stream.file(dir:write("sealed", sealed))
    local _, err = errors.try(stream.pipe, from, open, to)
    assert(err, "it did not fail")
    assert.is_nil(to.committed)
    return err, to:text()
  end

  it("brings back any size, in any pieces, in armor or not", function()
    for case = 1, CASES do
      local plain = bytes_of(math.max(0, random(0, 24) * CHUNK + random(-2, 2)))
      local sealed = through(plain, seal(random(5), random(4) == 1))
      local said = ("AWSBAK_SEED=%d, case %d of %d bytes"):format(seed, case, #plain)
      assert.is_true(plain == through(sealed, open), said)
    end
  end)

  it("agrees with the age program in both directions", function()
    if not has("age") then
      return pending("no age here")
    end
    local key = shell.quote(dir:write("key", identity:reveal()))
    for _, size in ipairs({ 4, 8, 16, 33 }) do
      for difference = -1, 1 do
        local plain = bytes_of(size * CHUNK + difference)
        local sealed = dir:write("sealed", through(plain, seal(size % 3 + 1)))
        assert(os.execute(("age -d -i %s -o %s %s"):format(key, dir:path("made"), sealed)))
        assert.is_true(plain == dir:read("made"), "AWSBAK_SEED=" .. seed)
        local command = "age -r %s -o %s %s"
        assert(os.execute(command:format(recipient, sealed, dir:write("plain", plain))))
        assert.is_true(plain == through(dir:read("sealed"), open), "AWSBAK_SEED=" .. seed)
      end
    end
  end)

  it("tells which chunk was touched by giving nothing of it or after it", function()
    local plain = bytes_of(11 * CHUNK + 5)
    local sealed, head, count = sealed_chunks(plain)
    for chunk = 0, count - 1 do
      local last = math.min(#sealed, head + (chunk + 1) * SEALED)
      local at = random(head + chunk * SEALED + 1, last)
      local flipped = string.char(sealed:byte(at) ~ 1 << random(0, 7))
      local err, out = fails(sealed:sub(1, at - 1) .. flipped .. sealed:sub(at + 1))
      local said = ("AWSBAK_SEED=%d, byte %d"):format(seed, at)
      assert.equal("age_payload", err.code, said)
      assert.is_true(#out <= chunk * CHUNK and out == plain:sub(1, #out), said)
    end
  end)

  it("refuses chunks that are missing, doubled, in another order, or follow the last", function()
    local plain = bytes_of(9 * CHUNK)
    local sealed, head, count = sealed_chunks(plain)
    local function chunk(i)
      return sealed:sub(head + (i - 1) * SEALED + 1, head + i * SEALED)
    end
    local function file(...)
      local parts = { sealed:sub(1, head) }
      for i = 1, select("#", ...) do
        parts[i + 1] = chunk((select(i, ...)))
      end
      return table.concat(parts)
    end
    assert.equal(9, count)
    assert.is_true(sealed == file(1, 2, 3, 4, 5, 6, 7, 8, 9))
    assert.equal("age_payload", fails(file(1, 2, 3, 5, 6, 7, 8, 9)).code)
    assert.equal("age_payload", fails(file(1, 2, 3, 4, 5, 5, 6, 7, 8, 9)).code)
    assert.equal("age_payload", fails(file(1, 2, 3, 4, 6, 5, 7, 8, 9)).code)
    assert.equal("age_trailing", fails(file(1, 2, 3, 4, 5, 6, 7, 8, 9, 9)).code)
    assert.equal("age_trailing", fails(sealed .. "x").code)
    for n = 1, count - 1 do
      local err, out = fails(sealed:sub(1, head + n * SEALED))
      assert.equal("age_truncated", err.code)
      assert.is_true(#out <= n * CHUNK and out == plain:sub(1, #out))
    end
  end)

  it("stops when cancelled midway, and leaves nothing", function()
    local piece, n, pipe, err = bytes_of(100000), 0, nil, nil
    local reader = {
      read = function()
        n = n + 1
        if n == 50 then
          task.cancel(pipe)
        end
        return piece
      end,
    }
    task.run(function()
      pipe = task.spawn(function()
        local to = stream.save(dir:path("y"))
        err = select(2, errors.try(stream.pipe, reader, seal(1), open, seal(1, true), open, to))
      end)
    end)
    assert.equal("cancelled", err.kind)
    assert.is_true(n < 80)
    assert.same({}, dir:list())
  end)
end)
