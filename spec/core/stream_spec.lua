local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local secret = require("awsbak.core.secret")
local shell = require("spec.support.shell")
local stream = require("awsbak.core.stream")
local task = require("awsbak.task")

-- Around the borders of age's chunks.
local SIZES = { 0, 1, 65535, 65536, 65537, 131072, 200000 }
local CHEAP = 2 -- scrypt work factor

local function sample(size)
  local line = "the quick brown fox %d\n"
  local parts = {}
  local length = 0
  for i = 1, math.huge do
    if length >= size then
      break
    end
    parts[i] = line:format(i * i)
    length = length + #parts[i]
  end
  return table.concat(parts):sub(1, size)
end

local function run(...)
  return os.execute(shell.join({ ... }) .. " 2>/dev/null")
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null") == true
end

describe("a stream", function()
  local dir
  local identity, recipient = age.keygen()
  local other_identity, other_recipient = age.keygen()

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  local function opened(bytes, options)
    return archives.open(dir:write("sealed", bytes), options)
  end

  describe("in one piece", function()
    for _, size in ipairs(SIZES) do
      it("brings back " .. size .. " bytes, however they are written", function()
        local plain = sample(size)
        for _, zstd in ipairs({ 3, false }) do
          for _, step in ipairs({ 4096, 65536, 1 << 20 }) do
            local sealed = archives.seal(plain, { recipients = { recipient }, zstd = zstd }, step)
            local released, failure = opened(sealed, { identities = { identity } })
            assert.is_nil(failure)
            assert.is_true(plain == released)
          end
        end
      end)
    end

    it("is the plain bytes themselves when neither sealed nor compressed", function()
      assert.equal("abc\n", archives.seal("abc\n", { zstd = false }))
    end)

    it("opens for each of several recipients and for nobody else", function()
      local sealed = archives.seal("x", { recipients = { recipient, other_recipient } })
      for _, one in ipairs({ identity, other_identity }) do
        assert.equal("x", (opened(sealed, { identities = { one } })))
      end
      local _, failure = opened(sealed, { identities = { (age.keygen()) } })
      assert.equal("age_no_match", failure.code)
      _, failure = opened(sealed)
      assert.matches("no identity was given", failure.message, 1, true)
    end)

    it("opens with its passphrase and with no other", function()
      local sealed = archives.seal("x", { passphrase = secret.new("correct"), work_factor = CHEAP })
      assert.equal("x", (opened(sealed, { passphrase = "correct" })))
      local _, failure = opened(sealed, { passphrase = "wrong" })
      assert.equal("the passphrase is wrong", failure.message)
      _, failure = opened(sealed, { identities = { identity } })
      assert.matches("locked with a passphrase", failure.message, 1, true)
    end)

    it("is not opened when its passphrase costs more than the limit", function()
      local sealed = archives.seal("x", { passphrase = "p", work_factor = 3 })
      local _, failure = opened(sealed, { passphrase = "p", max_work_factor = 2 })
      assert.equal("age_work_factor", failure.code)
    end)

    it("never uses a nonce or a file key twice", function()
      local options = { recipients = { recipient } }
      assert.not_equal(archives.seal("x", options), archives.seal("x", options))
    end)

    it("tells what it was made of", function()
      local path = dir:write("sealed", archives.seal("x", { recipients = { recipient } }))
      local handle <close> = assert(file.open(path))
      local r <close> = assert(stream.reader(handle, { identities = { identity } }))
      task.await(r:fill())
      assert.same({ armored = false, encrypted = true, compressed = true }, r:form())
    end)
  end)

  describe("beside age and zstd", function()
    if not (has("age") and has("zstd") and has("age-keygen")) then
      pending("needs the programs age and zstd")
      return
    end

    for _, size in ipairs(SIZES) do
      it("is opened by them: " .. size .. " bytes", function()
        local plain = sample(size)
        local sealed = dir:write("a.age", archives.seal(plain, { recipients = { recipient } }))
        local key = dir:write("key", identity:reveal() .. "\n")
        assert.is_true(run("age", "-d", "-i", key, "-o", dir:path("a.zst"), sealed))
        assert.is_true(run("zstd", "-dq", "-o", dir:path("a"), dir:path("a.zst")))
        assert.is_true(plain == dir:read("a"))
      end)

      it("opens what they wrote: " .. size .. " bytes", function()
        local plain = sample(size)
        local path = dir:write("b", plain)
        assert.is_true(run("zstd", "-q", path))
        for _, form in ipairs({ "-e", "-a" }) do
          for _, name in ipairs({ "b", "b.zst" }) do
            local out = dir:path(name .. form)
            local to = { "-r", other_recipient, "-r", recipient, "-o", out, dir:path(name) }
            assert.is_true(run("age", form, table.unpack(to)))
            local released, failure = archives.open(out, { identities = { identity } })
            assert.is_nil(failure)
            assert.is_true(plain == released)
          end
        end
        assert.equal(plain, (archives.open(dir:path("b.zst"))))
      end)
    end

    it("takes the identity files of age-keygen", function()
      assert.is_true(run("age-keygen", "-o", dir:path("key")))
      local text = dir:read("key")
      local key = text:match("AGE%-SECRET%-KEY%-1%w+")
      assert.equal(text:match("public key: (age1%w+)"), age.recipient(key))
    end)

    it("shares passphrases with age", function()
      local plain = sample(70000)
      local sealed = dir:write(
        "p.age",
        archives.seal(plain, { passphrase = "horse", zstd = false, work_factor = CHEAP })
      )
      assert.is_true(
        run("python3", "spec/support/typed.py", "horse", "age", "-d", "-o", dir:path("p"), sealed)
      )
      assert.is_true(plain == dir:read("p"))

      local out = dir:path("q.age")
      assert.is_true(
        run("python3", "spec/support/typed.py", "horse", "age", "-p", "-o", out, dir:path("p"))
      )
      local released, failure = archives.open(out, { passphrase = "horse" })
      assert.is_nil(failure)
      assert.is_true(plain == released)
    end)
  end)

  describe("that is damaged", function()
    local plain = sample(1500)
    local sealed = archives.seal(plain, { recipients = { recipient } })
    local long = archives.seal(sample(150000), { recipients = { recipient }, zstd = false })
    local options = { identities = { identity } }

    local function refused(bytes)
      local released, failure = opened(bytes, options)
      assert.is_truthy(failure, "it opened")
      assert.equal("integrity", failure.kind)
      return released, failure
    end

    it("is refused when cut at any byte", function()
      for length = 0, #sealed - 1 do
        assert.equal("", (refused(sealed:sub(1, length))))
      end
    end)

    it("is refused when any byte is flipped, and releases nothing", function()
      for at = 1, #sealed do
        local flipped = string.char(sealed:byte(at) ~ (1 << at % 8))
        local bytes = sealed:sub(1, at - 1) .. flipped .. sealed:sub(at + 1)
        local released, failure = opened(bytes, options)
        if not failure then -- the magic is gone: not an age file at all, handed out as it is
          assert.is_true(at <= #"age-encryption.org/")
          assert.equal(bytes, released)
        else
          assert.equal("integrity", failure.kind)
          assert.equal("", released)
        end
      end
    end)

    it("is refused when anything follows it", function()
      refused(long .. "x")
      refused(long .. long)
      local whole = archives.seal(sample(65536), { recipients = { recipient }, zstd = false })
      local _, failure = refused(whole .. "x")
      assert.equal("age_trailing", failure.code)
    end)

    it("releases whole chunks that were authenticated, and nothing else", function()
      local at = #long - 100 -- in the last of three chunks
      local bytes = long:sub(1, at - 1) .. string.char(long:byte(at) ~ 1) .. long:sub(at + 1)
      local released, failure = refused(bytes)
      assert.equal("age_payload", failure.code)
      assert.is_true(sample(150000):sub(1, 131072) == released)
      local tail = 150000 - 131072 + 16
      released, failure = refused(long:sub(1, -tail - 1))
      assert.equal("age_truncated", failure.code)
      assert.is_true(sample(150000):sub(1, 131072) == released)
    end)

    it("stays refused on a second try", function()
      local path = dir:write("cut", long:sub(1, -2))
      local handle <close> = assert(file.open(path))
      local r <close> = assert(stream.reader(handle, options))
      local ok, first, second
      repeat
        ok, first = pcall(task.await, r:fill())
      until not ok
      ok, second = pcall(task.await, r:fill())
      assert.is_false(ok)
      assert.equal(first.message, second.message)
    end)

    it("is refused when the damage is in the compressed data alone", function()
      local packed = archives.seal(plain, {})
      local _, failure = refused(packed:sub(1, -2))
      assert.equal("zstd_truncated", failure.code)
      _, failure = refused(packed .. "garbage")
      assert.equal("zstd_corrupt", failure.code)
      local flipped = packed:sub(1, 200) .. string.char(packed:byte(201) ~ 1) .. packed:sub(202)
      _, failure = refused(flipped)
      assert.equal("zstd_corrupt", failure.code)
    end)

    it("is named when it is empty", function()
      local _, failure = refused("")
      assert.equal("the file is empty", failure.message)
    end)
  end)

  describe("of lines", function()
    local function lines_of(bytes, options)
      local handle <close> = assert(file.open(dir:write("lines", bytes)))
      local r <close> = assert(stream.reader(handle, options))
      local lines = {}
      while true do
        local line, why = r:line()
        if line then
          lines[#lines + 1] = line
        elseif why == "end" then
          return lines, r:sha256()
        else
          task.await(r:fill())
        end
      end
    end

    it("gives each without its line feed, the last one too when it has none", function()
      assert.same({ "a", "", "b\r", "c" }, (lines_of("a\n\nb\r\nc")))
      assert.same({ "a" }, (lines_of("a\n")))
    end)

    it("knows the digest of what was handed out", function()
      local text = sample(600000)
      local sealed = archives.seal(text, { recipients = { recipient } })
      local lines, sha256 = lines_of(sealed, { identities = { identity } })
      assert.is_true(text == table.concat(lines, "\n") or text == table.concat(lines, "\n") .. "\n")
      assert.equal(codec.hex(digest.digest("sha256", text)), codec.hex(sha256))
    end)

    it("knows the digest before the last line", function()
      local handle <close> = assert(file.open(dir:write("lines", "one\ntwo\nend\n")))
      local r <close> = assert(stream.reader(handle))
      task.await(r:fill())
      assert.equal("one", r:line())
      assert.equal(digest.digest("sha256", ""), r:sha256(true))
      assert.equal("two", r:line())
      assert.equal("end", r:line())
      assert.equal(digest.digest("sha256", "one\ntwo\n"), r:sha256(true))
      assert.equal(digest.digest("sha256", "one\ntwo\nend\n"), r:sha256())
    end)

    it("takes a line of a megabyte", function()
      local line = ("x"):rep(1 << 20)
      assert.is_true(lines_of("a\n" .. line .. "\nb\n")[2] == line)
    end)

    it("is refused when a line has no end in sight", function()
      local bomb = archives.seal(("x"):rep(20 << 20), {})
      assert.is_true(#bomb < 1 << 16)
      local ok, failure = pcall(lines_of, bomb)
      assert.is_false(ok)
      assert.equal("line_too_long", failure.code)
    end)
  end)

  describe("writer", function()
    it("says when to flush, and hands out what is finished", function()
      local w <close> = assert(stream.writer({ zstd = false }))
      assert.is_true(w:write("x"))
      assert.is_nil(w:take())
      assert.is_false(w:write(("x"):rep(256 * 1024)))
      task.await(w:flush())
      assert.is_nil(w:take(1 << 20))
      assert.equal(256 * 1024 + 1, #w:take())
      assert.equal(256 * 1024 + 1, w:bytes())
      assert.is_nil(w:take())
    end)

    it("knows the digest of what was flushed", function()
      local w <close> = assert(stream.writer({ recipients = { recipient } }))
      w:write("abc")
      task.await(w:flush())
      assert.equal(digest.digest("sha256", "abc"), w:sha256())
      w:write("def")
      task.await(w:flush())
      assert.equal(digest.digest("sha256", "abcdef"), w:sha256())
    end)

    it("takes bytes while a flush runs, for the next one", function()
      local w <close> = assert(stream.writer({ zstd = false }))
      w:write("one ")
      local op = w:flush()
      w:write("two")
      task.await(op)
      assert.equal("one ", w:take())
      task.await(w:finish())
      assert.equal("two", w:take())
    end)

    it("loses nothing when a flush is cancelled", function()
      local w <close> = assert(stream.writer({ zstd = false }))
      w:write("one ")
      w:flush():close()
      w:write("two")
      local op
      repeat -- the cancelled job may still run
        local started
        started, op = pcall(w.finish, w)
      until started
      task.await(op)
      assert.equal("one two", w:take())
    end)

    it("raises when it is used wrongly", function()
      local both = { recipients = { recipient }, passphrase = "p" }
      assert.error_matches(function()
        stream.writer(both)
      end, "exclude each other")
      assert.error_matches(function()
        stream.writer({ recipient = { recipient } })
      end, "unknown option 'recipient'")
      assert.error_matches(function()
        stream.writer({ recipients = recipient })
      end, "list expected")
      local w = assert(stream.writer({}))
      task.await(w:finish())
      assert.error_matches(function()
        w:write("x")
      end, "finished")
      w:close()
      assert.error_matches(function()
        w:write("x")
      end, "closed")
    end)

    it("refuses what is no recipient", function()
      local w, err = stream.writer({ recipients = { recipient, identity } })
      assert.is_nil(w)
      assert.equal("config", err.kind)
      assert.matches("age identity", err.message, 1, true)
    end)
  end)
end)
