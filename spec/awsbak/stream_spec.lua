local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local noise = require("spec.support.noise")
local program = require("spec.support.program")
local s3_sink = require("backup.transfer.s3_sink")
local scratch = require("spec.support.scratch")
local stream = require("awsbak.stream")
local task = require("awsbak.task")

local CHUNK = 256 * 1024

--- A text of `size` bytes that is not all the same.
local function sample(size)
  local parts, length = {}, 0
  while length < size do
    parts[#parts + 1] = ("line %d of it\n"):format(#parts * #parts)
    length = length + #parts[#parts]
  end
  return table.concat(parts):sub(1, size)
end

--- A sink that notes what is done with it.
local function journal(fail_at)
  local sink = { location = "journal", parts = {}, events = {} }
  function sink:write(bytes)
    if #self.parts + 1 == fail_at then
      errors.raise({ kind = "io", code = "broken", message = "it broke" })
    end
    self.parts[#self.parts + 1] = bytes
  end
  function sink:commit()
    self.events[#self.events + 1] = "commit"
    return { location = self.location }
  end
  function sink:close()
    self.events[#self.events + 1] = "close"
  end
  return sink
end

--- A reader that gives pieces, and notes that it was closed.
local function reader(pieces, fail_at)
  local at = 0
  return {
    read = function(_, n)
      assert.equal("integer", math.type(n))
      at = at + 1
      if at == fail_at then
        errors.raise({ kind = "network", code = "cut", message = "the reply ended early" })
      end
      return pieces[at]
    end,
    close = function(self)
      self.closed = true
    end,
  }
end

describe("a pipe", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  it("moves a file into a file through stages, and counts", function()
    local plain = sample(3 * CHUNK + 17)
    local from, to = dir:write("x", plain), dir:path("x.zst")
    local done = stream.pipe(stream.file(from), stream.zstd(), stream.save(to))
    assert.equal(#plain, done.read)
    assert.equal(#dir:read("x.zst"), done.written)
    assert.is_true(done.written < done.read)
    done = stream.pipe(stream.file(to), stream.unzstd(), stream.text())
    assert.is_true(plain == done.text)
    assert.same({ "x", "x.zst" }, dir:list())
  end)

  it("works without a stage, and with nothing to move", function()
    for _, size in ipairs({ 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 9 * CHUNK }) do
      local plain = sample(size)
      local from = dir:write("x", plain)
      local to = stream.save(dir:path("y"), { force = true })
      assert.equal(size, stream.pipe(stream.file(from), to).written)
      assert.is_true(plain == dir:read("y"))
      assert.is_true(plain == stream.pipe(stream.bytes(plain), stream.text()).text)
    end
  end)

  it("takes as many stages as there are", function()
    local plain = sample(2 * CHUNK)
    local done = stream.pipe(
      stream.bytes(plain),
      stream.gzip({ level = 1 }),
      stream.zstd({ level = 1 }),
      stream.gzip(),
      stream.gunzip(),
      stream.unzstd(),
      stream.gunzip(),
      stream.text()
    )
    assert.is_true(plain == done.text)
    local many = {}
    for i = 1, 17 do
      many[i] = stream.digest("crc32")
    end
    many[18] = stream.text()
    local _, err = errors.try(stream.pipe, stream.bytes(""), table.unpack(many))
    assert.matches("at most 16 stages", err.message, 1, true)
  end)

  it("takes what an iterator gives, however small, and which may wait", function()
    local n = 0
    local done = stream.pipe(
      stream.bytes(function()
        n = n + 1
        if n % 1000 == 0 then
          task.sleep(0)
        end
        if n <= 5000 then
          return n .. "\n"
        end
      end),
      stream.text()
    )
    assert.equal(5000, select(2, done.text:gsub("\n", "")))
    assert.equal(5001, n) -- not asked again after its end
  end)

  it("takes what a reader gives and hands it to a writer, then commits and closes both", function()
    local pieces = { sample(10), "", sample(3 * CHUNK), sample(1) }
    local from, to = reader(pieces), journal()
    local done = stream.pipe(from, to)
    assert.is_true(table.concat(pieces) == table.concat(to.parts))
    assert.same({ "commit", "close" }, to.events)
    assert.is_true(from.closed)
    assert.same({ location = "journal" }, done.commit)
  end)

  it("uploads to S3 as a sink of parts", function()
    local uploaded = {}
    local s3 = {
      head_object = function()
        errors.raise({ kind = "service", status = 404, message = "none" })
      end,
      each = {
        list_multipart_uploads = function()
          return function() end
        end,
      },
      create_multipart_upload = function()
        return { UploadId = "u" }
      end,
      upload_part = function(input)
        uploaded[input.PartNumber] = input.Body:read()
        return { ETag = "e" }
      end,
      complete_multipart_upload = function()
        return { VersionId = "v1" }
      end,
    }
    local plain = sample(1024 * 1024):rep(17)
    local to = s3_sink.open("s3://vault/x", { s3 = s3 })
    local done = stream.pipe(stream.file(dir:write("x", plain)), to)
    assert.equal("v1", done.commit.version_id)
    assert.equal(3, #uploaded)
    assert.is_true(plain == table.concat(uploaded))
  end)

  it("takes digests on the way, of what passes there", function()
    local plain = sample(CHUNK + 5)
    for _, name in ipairs({ "sha256", "sha512", "sha1", "md5", "crc32", "crc32c", "crc64nvme" }) do
      local done = stream.pipe(
        stream.bytes(plain),
        stream.digest(name, { as = "plain" }),
        stream.gzip(),
        stream.digest(name),
        stream.text()
      )
      assert.equal(digest.digest(name, plain), done.digests.plain)
      assert.equal(digest.digest(name, done.text), done.digests[name])
    end
  end)

  it("keeps nothing of what has another digest than the expected one", function()
    local plain = sample(CHUNK + 5)
    local right = digest.digest("sha256", plain)
    for _, expected in ipairs({ right, codec.hex(right), codec.hex(right):upper() }) do
      local check = stream.digest("sha256", { expect = expected })
      assert.equal(#plain, stream.pipe(stream.bytes(plain), check, stream.text()).written)
    end
    local check = stream.digest("sha256", { expect = digest.digest("sha256", "other") })
    local to = stream.save(dir:path("y"))
    local _, err = errors.try(stream.pipe, stream.bytes(plain), check, to)
    assert.equal("integrity", err.kind)
    assert.matches("stage 1 (digest sha256): the digest of the data is not", err.message, 1, true)
    assert.same({}, dir:list())
    assert.is_false(pcall(stream.digest, "sha256", { expect = "short" }))
  end)

  it("reads an open file, from its beginning, and leaves it open", function()
    local handle <close> = errors.check(file.open(dir:write("x", "abc")))
    for _ = 1, 2 do
      assert.equal("abc", stream.pipe(stream.file(handle), stream.text()).text)
    end
    assert.equal(3, handle:size())
  end)

  it("reads standard input and writes standard output", function()
    local script = dir:write(
      "x.lua",
      [[
io.stdout:write("before ")
local stream = require("awsbak.stream")
stream.pipe(stream.stdin(), stream.gzip(), stream.gunzip(), stream.stdout())]]
    )
    local plain = sample(3 * CHUNK)
    local result = program.run({ script }, { stdin = plain })
    assert.equal(0, result.status, result.stderr)
    assert.is_true("before " .. plain == result.stdout)
  end)

  it("lets several work at once, and other tasks go on meanwhile", function()
    local plain = sample(5 * CHUNK)
    local from = dir:write("x", plain)
    local turns, over = 0, false
    local function pipe()
      return stream.pipe(stream.file(from), stream.gzip(), stream.gunzip(), stream.text()).text
    end
    local function other()
      while not over do
        turns = turns + 1
        task.sleep(0)
      end
    end
    task.all({
      other,
      function()
        local texts = { task.all({ pipe, pipe, pipe, pipe, pipe, pipe }) }
        for i = 1, 6 do
          assert.is_true(plain == texts[i])
        end
        over = true
      end,
    })
    assert.is_true(turns > 1)
  end)

  it("keeps the mode asked for, and replaces a file only when told to", function()
    local to = dir:write("y", "old")
    local _, err = errors.try(stream.pipe, stream.bytes("new"), stream.save(to))
    assert.equal("EEXIST", err.code)
    assert.equal("old", dir:read("y"))
    stream.pipe(stream.bytes("new"), stream.save(to, { force = true, mode = 416 })) -- 0640
    assert.equal("new", dir:read("y"))
    assert.equal(416, file.stat(to).mode & 511)
  end)

  it("names a wrong part and a wrong option before anything is opened", function()
    local text, bytes = stream.text(), stream.bytes("x")
    local wrong = {
      { "a pipe needs a source and a sink", stream.pipe, bytes },
      { 'the source of a pipe is "x"', stream.pipe, "x", text },
      { "the sink of a pipe is a function", stream.pipe, bytes, print },
      { "stage 1 of a pipe is a table", stream.pipe, bytes, text, text },
      { 'stream.zstd has no option "levle"', stream.zstd, { levle = 3 } },
      { "option level of stream.zstd is 20, not from 1 to 19", stream.zstd, { level = 20 } },
      { "option level of stream.gzip is 0, not a whole number", stream.gzip, { level = 0 } },
      { "option force of stream.save is 1, not true or false", stream.save, "x", { force = 1 } },
      { 'there is no digest "sha3"', stream.digest, "sha3" },
      { "the file of a pipe is nothing, not a path", stream.file },
    }
    for _, case in ipairs(wrong) do
      local _, err = errors.try(table.unpack(case, 2))
      assert.equal("usage", err.kind, case[1])
      assert.matches(case[1], err.message, 1, true)
    end
  end)

  it("compresses with a long window, with threads, and within memory given", function()
    local block = noise(CHUNK)
    local plain = block .. noise(12 * CHUNK) .. block -- alike, 3 MiB apart
    local function packed(options)
      return stream.pipe(stream.bytes(plain), stream.zstd(options), stream.text()).text
    end
    local near, far = packed({ level = 1, window_log = 20 }), packed({ level = 1, long = true })
    assert.is_true(#near - #far > #block // 2)
    for _, bytes in ipairs({ far, packed({ level = 6, workers = 2 }) }) do
      local done = stream.pipe(stream.bytes(bytes), stream.unzstd(), stream.text())
      assert.is_true(plain == done.text)
    end
    local _, err =
      errors.try(stream.pipe, stream.bytes(far), stream.unzstd({ window_log = 20 }), stream.text())
    assert.equal("zstd_window", err.code)
    assert.matches("a window of more than 2^20 bytes", err.message, 1, true)
  end)

  it("tells how far it is, whatever its ends are", function()
    local text = ("0123456789abcdef"):rep(200 * CHUNK // 16) -- more than a thread moves in one turn
    local path = dir:write("in", text)
    local function at_once()
      local given
      return stream.bytes(function()
        given = not given and text or nil
        return given or nil
      end)
    end
    for _, from in ipairs({ stream.file(path), stream.bytes(text), at_once() }) do
      for _, to in ipairs({ stream.save(dir:path("out"), { force = true }), journal() }) do
        local sum, calls = 0, 0
        local progress = stream.progress(function(bytes)
          assert.is_true(bytes > 0)
          sum, calls = sum + bytes, calls + 1
        end)
        stream.pipe(from, progress, stream.digest("crc32"), to)
        assert.equal(#text, sum)
        assert.is_true(calls > 1)
        from = stream.file(path)
      end
    end
    assert.has_error(function()
      stream.progress(5)
    end)
  end)
end)
