--- Parts of age files: what is read, what of the file that takes, and what is noticed.

local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local errors = require("awsbak.errors")
local scratch = require("spec.support.scratch")
local seek = require("backup.age.seek")

local CHUNK, SEALED, NONCE = 65536, 65552, 16

describe("a part of an age file", function()
  local dir, identity, recipient

  setup(function()
    dir = scratch.new()
    identity, recipient = age.keygen()
  end)
  teardown(function()
    dir:close()
  end)

  local function seal(plain, more)
    local options = { recipients = { recipient }, zstd = false }
    for name, value in pairs(more or {}) do
      options[name] = value
    end
    return archives.seal(plain, options)
  end

  -- Bytes in memory, with what was read of them.
  local function memory(bytes)
    local self = { name = "memory", size = #bytes, asked = {} }
    function self.read(_, from, to)
      self.asked[#self.asked + 1] = { from, to }
      return bytes:sub(from + 1, to)
    end
    return self
  end

  local function open(bytes)
    local ranges = memory(bytes)
    return seek.open(ranges, { identities = { identity } }), ranges
  end

  local function code(f, ...)
    local _, err = errors.try(f, ...)
    return err and err.code
  end

  -- Text in which every place is told from the next ones.
  local function sample(size)
    local words = {}
    for i = 1, size // 8 + 1 do
      words[i] = ("%08x"):format(i)
    end
    return table.concat(words):sub(1, size)
  end

  it("is what the whole file has there, at every border of chunks", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for _, chunks in ipairs({ 0, 1, 2, 3 }) do
      for _, off in ipairs({ -1, 0, 1, 100 }) do
        local size = chunks * CHUNK + off
        if size >= 0 then
          local plain = sample(size)
          local part <close> = open(seal(plain))
          assert.equal(size, part:size())
          local edges = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size - 1, size, size + 9 }
          for _ = 1, 8 do
            edges[#edges + 1] = math.random(0, size + CHUNK)
          end
          for _, from in ipairs(edges) do
            for _, to in ipairs(edges) do
              if 0 <= from and from <= to then
                local said = ("seed %d, size %d, %d to %d"):format(seed, size, from, to)
                assert.is_true(plain:sub(from + 1, to) == part:read(from, to), said)
              end
            end
          end
        end
      end
    end
  end)

  it("takes only the chunks it lies in", function()
    local sealed = seal(sample(10 * CHUNK))
    local part <close>, ranges = open(sealed)
    local start = #sealed - 10 * SEALED
    ranges.asked = {}
    part:read(3 * CHUNK + 5, 3 * CHUNK + 6)
    part:read(3 * CHUNK, 4 * CHUNK) -- the same chunk, which is still there
    part:read(4 * CHUNK - 1, 5 * CHUNK + 1)
    part:read(7, 7)
    assert.same({
      { start + 3 * SEALED, start + 4 * SEALED },
      { start + 3 * SEALED, start + 6 * SEALED },
    }, ranges.asked)
  end)

  it("of a long file is got in pieces, and not without limit", function()
    local plain = sample(70 * CHUNK + 1)
    local part <close>, ranges = open(seal(plain))
    ranges.asked = {}
    assert.is_true(plain == part:read(0, #plain))
    for _, asked in ipairs(ranges.asked) do
      assert.is_true(asked[2] - asked[1] <= 64 * SEALED)
    end
    for _, bad in ipairs({ { -1, 0 }, { 1, 0 }, { 0, 1 << 27 }, { 0.5, 1 } }) do
      assert.equal("bad_argument", code(part.read, part, bad[1], bad[2]))
    end
  end)

  it("is not given out of a chunk that was altered, or moved", function()
    local sealed = seal(sample(4 * CHUNK + 100))
    local start = #sealed - 4 * SEALED - 116
    local function chunk(i)
      return sealed:sub(start + i * SEALED + 1, start + (i + 1) * SEALED)
    end
    local head = sealed:sub(1, start)
    local swapped = head .. chunk(0) .. chunk(2) .. chunk(1) .. chunk(3) .. chunk(4)
    local part <close> = open(swapped)
    assert.equal(sample(10), part:read(0, 10))
    assert.equal("age_payload", code(part.read, part, CHUNK, CHUNK + 1))
    assert.equal("age_payload", code(part.read, part, 2 * CHUNK, 2 * CHUNK + 1))
    assert.equal(4 * CHUNK + 100, part:size())

    local at = start + SEALED + 1000
    local altered = sealed:sub(1, at)
      .. string.char(sealed:byte(at + 1) ~ 1)
      .. sealed:sub(at + 2)
    local other <close> = open(altered)
    assert.equal("age_payload", code(other.read, other, CHUNK, CHUNK + 1))
    assert.equal("age_payload", code(other.read, other, 0, 3 * CHUNK))
    assert.equal(sample(CHUNK), other:read(0, CHUNK))
  end)

  it("notices a file that was cut or prolonged, when its end matters", function()
    local plain = sample(3 * CHUNK)
    local sealed = seal(plain)
    local start = #sealed - 3 * SEALED
    for kept = 1, 2 do
      local part <close> = open(sealed:sub(1, start + kept * SEALED))
      assert.equal("age_truncated", code(part.size, part))
      assert.equal("age_truncated", code(part.read, part, 0, kept * CHUNK))
      assert.equal("age_truncated", code(part.read, part, 3 * CHUNK, 3 * CHUNK + 1))
      if kept == 2 then
        assert.is_true(plain:sub(1, CHUNK) == part:read(0, CHUNK))
      end
    end
    local cut <close> = open(sealed:sub(1, -2))
    assert.equal("age_payload", code(cut.size, cut))
    local longer <close> = open(sealed .. ("x"):rep(100))
    assert.equal("age_payload", code(longer.size, longer))
    assert.equal("age_trailing", code(longer.read, longer, 2 * CHUNK, 2 * CHUNK + 1))
    for _, keep in ipairs({ start, start + 15, start + SEALED + 15 }) do
      assert.equal("age_truncated", code(open, sealed:sub(1, keep)))
    end
  end)

  it("of what is no such file is refused with a sentence", function()
    local sealed = seal("x")
    assert.equal("age_header", code(open, ""))
    assert.equal("not_age", code(open, "hello"))
    assert.equal("age_header", code(open, sealed:sub(1, 10)))
    assert.equal("age_header", code(open, sealed:sub(1, 60)))
    assert.equal("not_age", code(open, ("x"):rep(600 * 1024)))
    assert.equal("age_header", code(open, "age-encryption.org/v1\n" .. ("x"):rep(600 * 1024)))
    local other = open((sealed:gsub("/v1\n", "/v2\n")))
    assert.equal("age_version", code(other.read, other, 0, 1))
    assert.equal("age_armor", code(open, seal("x", { armor = true })))
    local others = archives.seal("x", { recipients = { select(2, age.keygen()) } })
    assert.equal("age_no_match", code(open, others))
    local shrinks = memory(sealed)
    shrinks.size = #sealed + 5
    local part <close> = seek.open(shrinks, { identities = { identity } })
    assert.equal("age_truncated", code(part.read, part, 0, 1))
    local _, err = errors.try(open, "hello")
    assert.matches("^memory: it is no age file", err.message)
  end)

  it("is opened with a passphrase, and from a header of any length", function()
    local locked = archives.seal(sample(100), { passphrase = "p", work_factor = 2, zstd = false })
    local part <close> = seek.open(memory(locked), { identities = {}, passphrase = "p" })
    assert.equal(sample(100), part:read(0, 1000))
    local many = { recipient }
    for i = 1, 60 do
      many[i + 1] = select(2, age.keygen())
    end
    local long = seal(sample(CHUNK + 5), { recipients = many })
    assert.is_true(age.header_length(long) > 4096)
    local other <close>, ranges = open(long)
    assert.equal(sample(CHUNK + 5):sub(-5), other:read(CHUNK, CHUNK + 5))
    assert.equal(#long, ranges.size)
    assert.equal(NONCE, #long - age.header_length(long) - SEALED - 21)
  end)

  it("of a file on disk", function()
    local path = dir:write("sealed", seal(sample(CHUNK + 50)))
    local part <close> = seek.open(seek.file(path), { identities = { identity } })
    assert.equal(sample(CHUNK + 50):sub(CHUNK), part:read(CHUNK - 1, CHUNK + 50))
    part:close()
    assert.equal("seek", code(part.read, part, 0, 1))
  end)

  -- An S3 of one object, in place of a client; `answer` may change what it says of a range.
  local function bucket(bytes, answer)
    local asked = {}
    return {
      head_object = function(input)
        asked[#asked + 1] = input
        return { ContentLength = #bytes, ETag = '"e"', VersionId = "v1" }
      end,
      get_object = function(input)
        asked[#asked + 1] = input
        local from, to = input.Range:match("^bytes=(%d+)%-(%d+)$")
        local body, at = bytes:sub(from + 1, to + 1), 1
        local reply = {
          ContentRange = ("bytes %d-%d/%d"):format(from, to, #bytes),
          Body = setmetatable({
            read = function(_, count)
              local piece = body:sub(at, at + count - 1)
              at = at + #piece
              return piece ~= "" and piece or nil
            end,
          }, { __close = function() end }),
        }
        return answer and answer(reply) or reply
      end,
    },
      asked
  end

  it("of an object is asked for by range, version and ETag", function()
    local sealed = seal(sample(3 * CHUNK))
    local s3, asked = bucket(sealed)
    local part <close> = seek.open(seek.object(s3, "b", "k"), { identities = { identity } })
    assert.equal(sample(3 * CHUNK):sub(CHUNK + 1, CHUNK + 9), part:read(CHUNK, CHUNK + 9))
    local start = #sealed - 3 * SEALED
    assert.equal(3, #asked)
    assert.same({
      Bucket = "b",
      Key = "k",
      IfMatch = '"e"',
      VersionId = "v1",
      Range = ("bytes=%d-%d"):format(start + SEALED, start + 2 * SEALED - 1),
    }, asked[3])
  end)

  it("of an object is refused when another range, or too little, comes", function()
    local sealed = seal(sample(3 * CHUNK))
    local changes = {
      range = function(reply)
        reply.ContentRange = reply.ContentRange:gsub("%d+%-", "7-", 1)
        return reply
      end,
      age_truncated = function(reply)
        reply.Body.read = function() end
        return reply
      end,
    }
    for expected, change in pairs(changes) do
      local broken = false
      local s3 = bucket(sealed, function(reply)
        return broken and change(reply) or reply
      end)
      local part <close> = seek.open(seek.object(s3, "b", "k"), { identities = { identity } })
      broken = true
      assert.equal(expected, code(part.read, part, 0, 1))
    end
  end)
end)
