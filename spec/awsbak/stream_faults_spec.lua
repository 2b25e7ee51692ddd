--- What goes wrong in a pipe: it ends with an error that names the part, both ends are closed, and
--- nothing half-written is left.

local errors = require("awsbak.errors")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")
local task = require("awsbak.task")

local MIB = 1024 * 1024

local function lines(size)
  return ("all work and no play makes jack a dull boy\n"):rep(size // 43 + 1):sub(1, size)
end

local function through(bytes, stage)
  return stream.pipe(stream.bytes(bytes), stage, stream.text()).text
end

--- Bytes without end.
local function endless()
  return lines(100000)
end

describe("a pipe that fails", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  local function fails(...)
    local _, err = errors.try(stream.pipe, ...)
    assert(err, "it did not fail")
    assert.is_nil(err.also) -- told once
    return err
  end

  it("tells data that is cut short, at every place of a small one", function()
    for name, packed in pairs({
      zstd = through(lines(3000), stream.zstd()),
      gzip = through(lines(3000), stream.gzip()),
    }) do
      for cut = 0, #packed - 1 do
        local unpack = name == "zstd" and stream.unzstd() or stream.gunzip()
        local err = fails(stream.bytes(packed:sub(1, cut)), unpack, stream.text())
        assert.equal(name .. "_truncated", err.code, cut)
      end
    end
  end)

  it("tells damaged data, and what follows its end, and publishes none of it", function()
    for name, packed in pairs({
      zstd = through(lines(MIB), stream.zstd()),
      gzip = through(lines(MIB), stream.gzip()),
    }) do
      local unpack = name == "zstd" and stream.unzstd or stream.gunzip
      for _, at in ipairs({ 1, #packed // 2, #packed - 1 }) do
        local flipped = string.char(packed:byte(at) ~ 0x55)
        local damaged = packed:sub(1, at - 1) .. flipped .. packed:sub(at + 1)
        local err = fails(stream.bytes(damaged), unpack(), stream.save(dir:path("y")))
        assert.equal("integrity", err.kind, name .. at)
        assert.matches("from bytes to .*/y, stage 1 %(%w+%): the %w+ data is %w+", err.message)
      end
      local err = fails(stream.bytes(packed .. "x"), unpack(), stream.save(dir:path("y")))
      assert.equal("integrity", err.kind)
      assert.same({}, dir:list())
    end
  end)

  it("says which option helps", function()
    local far = through(lines(3 * MIB), stream.zstd({ window_log = 21 }))
    local err = fails(stream.bytes(far), stream.unzstd({ window_log = 20 }), stream.text())
    assert.equal("zstd_window", err.code)
    assert.matches("window_log", err.hint, 1, true)
    local path = dir:write("there", "x")
    err = fails(stream.bytes("y"), stream.save(path))
    assert.equal("EEXIST", err.code)
    assert.matches("force", err.hint, 1, true)
    assert.equal("x", dir:read("there"))
    os.remove(path)
    local sink = {
      write = function()
        errors.raise({ kind = "io", code = "EEXIST", message = "it exists" })
      end,
    }
    assert.is_nil(fails(stream.bytes("y"), sink).hint) -- the option is not this sink's
  end)

  it("passes over zeros behind gzip data, as gzip does, and nothing else", function()
    local packed = through(lines(MIB), stream.gzip())
    local function unpacked(bytes, size)
      local at = 1 - size
      return stream.pipe(
        stream.bytes(function()
          at = at + size
          return at <= #bytes and bytes:sub(at, at + size - 1) or nil
        end),
        stream.gunzip(),
        stream.text()
      ).text
    end
    for _, zeros in ipairs({ 1, 511, 3 * MIB }) do
      for _, size in ipairs({ #packed, 1000, 262144 }) do
        assert.is_true(lines(MIB) == unpacked(packed .. ("\0"):rep(zeros), size))
      end
      for _, more in ipairs({ "x", packed, "\0x" }) do
        local _, err = errors.try(unpacked, packed .. ("\0"):rep(zeros) .. more, 100000)
        assert.equal("gzip_corrupt", err.code)
        assert.matches("something follows the zeros behind its end", err.message, 1, true)
      end
    end
    for _, none in ipairs({ "\0", ("\0"):rep(1000) .. packed }) do
      local _, err = errors.try(unpacked, none, 100000)
      assert.equal("integrity", err.kind)
    end
    assert.is_true(lines(MIB):rep(2) == unpacked(packed .. packed .. "\0", 1000))
  end)

  it("tells a frame that needs a dictionary, which is not damaged", function()
    local frame = "\x28\xb5\x2f\xfd" .. "\x21\x07\x01" .. "\x09\0\0x" -- of dictionary 7
    local err = fails(stream.bytes(frame), stream.unzstd(), stream.text())
    assert.equal("zstd_dictionary", err.code)
    assert.equal("integrity", err.kind)
    assert.matches("made with a dictionary", err.message, 1, true)
  end)

  it("stops what grows out of all proportion", function()
    local bomb = stream.pipe(stream.bytes(("\0"):rep(80 * MIB)), stream.zstd(), stream.text()).text
    assert.is_true(#bomb < 10000)
    local err = fails(stream.bytes(bomb), stream.unzstd(), stream.save(dir:path("y")))
    assert.equal("too_large", err.code)
    assert.matches("it unpacks to more than 2048 times its size", err.message, 1, true)
    assert.matches("ratio_max", err.hint, 1, true)
    err = fails(stream.bytes(bomb), stream.unzstd({ ratio_max = 0 }), stream.text(MIB))
    assert.equal("from bytes to a text, sink: the text has more than 1048576 bytes", err.message)
    err = fails(stream.bytes(bomb), stream.unzstd({ bytes_max = 1000 }), stream.save(dir:path("y")))
    assert.matches("it unpacks to more than 1000 bytes", err.message, 1, true)
    local small = through(("\0"):rep(5 * MIB), stream.gzip())
    err = fails(stream.bytes(small), stream.gunzip({ bytes_max = MIB }), stream.save(dir:path("y")))
    assert.equal("too_large", err.code)
    local whole = stream.pipe(
      stream.bytes(bomb),
      stream.unzstd({ ratio_max = 0 }),
      stream.digest("crc32"),
      stream.save(dir:path("y"))
    )
    assert.equal(80 * MIB, whole.written)
  end)

  it("raises what its source failed with, midway, and leaves nothing", function()
    local closed, n = false, 0
    local reader = {
      location = "s3://vault/x",
      read = function()
        n = n + 1
        if n == 9 then
          errors.raise({ kind = "network", code = "cut", message = "the reply ended early" })
        end
        return lines(300000)
      end,
      close = function()
        closed = true
      end,
    }
    local to = dir:path("y")
    local err = fails(reader, stream.zstd(), stream.save(to))
    assert.equal("network", err.kind)
    assert.equal("cut", err.code)
    assert.equal(
      ("from s3://vault/x to %s, source: the reply ended early"):format(to),
      err.message
    )
    assert.is_true(closed)
    assert.same({}, dir:list())
    err = fails(
      stream.bytes(function()
        return 7
      end),
      stream.save(to)
    )
    assert.matches("source: it gave a number, not bytes or nil", err.message, 1, true)
  end)

  it("raises what its sink failed with, midway or at commit, and commits nothing", function()
    for _, when in ipairs({ "write", "commit" }) do
      local events, writes = {}, 0
      local sink = {
        location = "the shelf",
        write = function()
          writes = writes + 1
          if when == "write" and writes == 3 then
            errors.raise({ kind = "io", code = "ENOSPC", message = "it is full" })
          end
        end,
        commit = function()
          events[#events + 1] = "commit"
          errors.raise({ kind = "io", code = "ENOSPC", message = "it is full" })
        end,
        close = function()
          events[#events + 1] = "close"
        end,
      }
      local n = 0
      local source = stream.bytes(function()
        n = n + 1
        return (when == "write" or n < 9) and lines(MIB) or nil
      end)
      local err = fails(source, stream.digest("crc32"), sink)
      assert.equal("from bytes to the shelf, sink: it is full", err.message)
      assert.same(when == "commit" and { "commit", "close" } or { "close" }, events)
    end
  end)

  it("takes nil and an error for a failure, whoever says so", function()
    local function told(method, why)
      local sink = { location = "the shelf" }
      function sink.write() end
      sink[method] = function()
        return nil, why
      end
      return fails(stream.bytes("x"), sink)
    end
    for _, method in ipairs({ "write", "commit" }) do
      for _, why in ipairs({ "it is full", { message = "it is full" }, 28, false }) do
        local err = told(method, why)
        assert.equal("io", err.kind)
        local words = type(why) == "table" and why.message or tostring(why)
        assert.equal("from bytes to the shelf, sink: " .. words, err.message)
      end
    end
    local full, folder = io.open("/dev/full", "w"), io.open("/")
    local err = fails(stream.bytes("x"), full) -- buffered until it is flushed
    assert.equal("io", err.kind)
    assert.matches("sink: No space left on device", err.message, 1, true)
    err = fails(folder, stream.text())
    assert.equal("io", err.kind)
    assert.matches("source: Is a directory", err.message, 1, true)
  end)

  it("writes into one of Lua's own files, and closes it", function()
    local path = dir:path("own")
    local own = assert(io.open(path, "w"))
    assert.equal(5, stream.pipe(stream.bytes("hello"), own).written)
    assert.equal("closed file", io.type(own))
    assert.equal("hello", io.open(path):read("a"))
  end)

  it("says why it failed, and not that an end could not be closed then", function()
    local function cannot_close()
      error("it is stuck", 0)
    end
    local function cannot()
      error("it is full", 0)
    end
    local function nothing() end
    local err = fails(stream.bytes("x"), { write = cannot, close = cannot_close })
    assert.equal("from bytes to a writer, sink: it is full", err.message)
    err = fails({ read = cannot, close = cannot_close }, stream.text())
    assert.equal("from a reader to a text, source: it is full", err.message)
    err = fails(stream.bytes("x"), { write = nothing, close = cannot_close })
    assert.equal("from bytes to a writer, sink: it is stuck", err.message)
    err = fails({ read = nothing, close = cannot_close }, stream.text())
    assert.equal("from a reader to a text, source: it is stuck", err.message)
  end)

  it("can be stopped while its source gives nothing but empty strings", function()
    local reads = 0
    local _, err = errors.try(task.timeout, 0.05, function()
      stream.pipe(
        stream.bytes(function()
          reads = reads + 1
          return reads < 10 * MIB and "" or nil
        end),
        stream.text()
      )
    end)
    assert(err, "it was not stopped")
    assert.equal("timeout", err.kind)
    assert.is_true(reads < 10 * MIB)
  end)

  it("tells a file that became shorter while it was read, and commits nothing", function()
    local from, cut, committed = dir:write("x", ("x"):rep(32 * MIB)), false, false
    local sink = {
      write = function()
        cut = cut or os.execute("truncate -s 1000 " .. shell.quote(from))
      end,
      commit = function()
        committed = true
      end,
    }
    local err = fails(stream.file(from), stream.digest("crc32"), sink)
    assert.equal("short", err.code)
    assert.equal("io", err.kind)
    assert.matches("source: it became shorter than its 33554432 bytes", err.message, 1, true)
    assert.is_false(committed)
  end)

  it("tells what cannot be opened, and of which end", function()
    local err = fails(stream.file(dir:path("none")), stream.save(dir:path("y")))
    assert.equal("ENOENT", err.code)
    assert.matches("source: cannot open", err.message, 1, true)
    err = fails(stream.file("/dev/null"), stream.text())
    assert.equal("not_regular", err.code)
    assert.matches("it is not a regular file$", err.message)
    assert.matches("stream.stdin() reads standard input", err.hint, 1, true)
    assert.is_nil(fails(stream.file(dir:path()), stream.text()).hint) -- a folder
    local source_closed = false
    local reader = {
      read = function() end,
      close = function()
        source_closed = true
      end,
    }
    err = fails(reader, stream.save("/dev/full"))
    assert.matches("a reader to /dev/full, sink: cannot write /dev/full", err.message, 1, true)
    assert.is_true(source_closed)
  end)

  it("says that the disk is full, and leaves the target as it was", function()
    local script = dir:write(
      "x.lua",
      ([[
local stream, n = require("awsbak.stream"), 0
stream.pipe(stream.bytes(function()
  n = n + 1
  return n < 99 and ("x"):rep(100000) or nil
end), stream.digest("md5"), %s)]]):format("(...) == '-' and stream.stdout() or stream.save(...)")
    )
    local function run(command, where)
      local words = { program.path(), script, where }
      local line = command:format(shell.join(words)) .. " 2>" .. dir:path("said")
      local _, _, status = os.execute(line)
      return status, dir:read("said")
    end
    local status, said = run("%s >/dev/full", "-")
    assert.equal(1, status)
    assert.matches("from bytes to standard output, sink: cannot write .*No space left", said)
    local mounted = "unshare -rm sh -c 'mount -t tmpfs -o size=1m x /mnt 2>/dev/null || exit 77; "
      .. "%s; s=$?; ls -A /mnt | grep -q . && exit 9; exit $s'"
    status, said = run(mounted, "/mnt/y")
    if status == 77 or said:find("unshare", 1, true) then
      return pending("cannot mount a small file system here")
    end
    assert.equal(1, status)
    assert.matches("to /mnt/y, sink: cannot write /mnt/y: No space left", said, 1, true)
  end)

  it("stops within a megabyte when cancelled, closes both ends, and leaves nothing", function()
    for _, last in ipairs({ 1, 20, 22 }) do
      local events, n = {}, 0
      local pipe
      local reader = {
        read = function()
          n = n + 1
          if n == last then
            task.cancel(pipe)
          end
          lines(MIB):gsub("dull", "") -- slower than the core, which has room for ever
          return endless()
        end,
        close = function()
          events[#events + 1] = "source"
        end,
      }
      local err
      task.run(function()
        pipe = task.spawn(function()
          err = fails(reader, stream.gzip(), stream.save(dir:path("y")))
        end)
      end)
      assert.equal("cancelled", err.kind)
      assert.same({ "source" }, events)
      assert.is_true(n < last + 12, n) -- twelve reads are four pieces
      assert.same({}, dir:list())
    end
  end)

  it("lets other tasks have their turn, however fast its source is read", function()
    for _, pace in ipairs({ 30000, 50000, 80000 }) do -- about as fast as the core, where it matters
      local n, since, most = 0, 0, 0
      local function source()
        n, since = n + 1, since + 1
        most = math.max(most, since)
        for _ = 1, pace do
        end
        return n < 2000 and endless() or nil
      end
      task.run(function()
        local other = task.spawn(function()
          while true do
            task.sleep(0)
            since = 0
          end
        end)
        stream.pipe(stream.bytes(source), stream.gzip({ level = 1 }), stream.text())
        task.cancel(other)
      end)
      assert.is_true(most <= 24, most) -- four pieces are twelve reads
    end
  end)

  it("stops between two files, too", function()
    local path = dir:path("x")
    os.execute("truncate -s 1T " .. path)
    local to = stream.save(dir:path("y"))
    local _, err = errors.try(task.timeout, 0.05, stream.pipe, stream.file(path), stream.zstd(), to)
    assert.equal("timeout", err.kind)
    assert.same({ "x" }, dir:list())
  end)

  it("stops by a signal", function()
    os.execute("truncate -s 1T " .. dir:path("x"))
    local script = dir:write(
      "x.lua",
      ([[
local stream, task = require("awsbak.stream"), require("awsbak.task")
local from, to = stream.file(%q), stream.save(%q)
task.all({
  function()
    task.sleep(0) -- the pipe is under way
    io.popen("kill -INT " .. require("awsbak.core.sys").pid()):close()
  end,
  function()
    stream.pipe(from, stream.zstd(), to)
  end,
})]]):format(dir:path("x"), dir:path("y"))
    )
    local result = program.run({ script })
    assert.equal(130, result.status, result.stderr)
    assert.same({ "x", "x.lua" }, dir:list())
  end)

  it("goes on to say so when it is used again, and with others", function()
    local from = stream.bytes("not compressed")
    for _ = 1, 3 do
      assert.equal("integrity", fails(from, stream.unzstd(), stream.text()).kind)
      assert.equal("x", through("x", stream.digest("md5")))
    end
  end)
end)
