local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local function sh(format, ...)
  local words = {}
  for i, word in ipairs({ ... }) do
    words[i] = shell.quote(word)
  end
  return os.execute(format:format(table.unpack(words)))
end

describe("standard input and output", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  local copy = [[
    local file, task = require("awsbak.core.file"), require("awsbak.task")
    local from, to = file.stdin(), file.stdout()
    while true do
      local bytes = task.await(from:read(65536))
      if not bytes then break end
      task.await(to:write(bytes))
    end]]

  it("carry every byte", function()
    local code = dir:write("code.lua", copy)
    local bytes = {}
    for i = 0, 255 do
      bytes[#bytes + 1] = string.char(i)
    end
    local path = dir:write("in", table.concat(bytes):rep(1000))
    assert.is_true(sh("cat %s | %s %s | cat > %s", path, program.path(), code, dir:path("out")))
    assert.is_true(dir:read("in") == dir:read("out"))
    assert.is_true(sh("%s %s < %s > %s", program.path(), code, path, dir:path("out2")))
    assert.is_true(dir:read("in") == dir:read("out2"))
  end)

  it("may be a socket, too, and one that reads slowly", function()
    if not sh("command -v python3 >/dev/null") then
      return pending("no python3 here")
    end
    local code = dir:write("code.lua", copy)
    local path = dir:write("in", ("0123456789"):rep(100000))
    local peer = dir:write(
      "peer.py",
      [[
import socket, subprocess, sys
ours, theirs = socket.socketpair()
with open(sys.argv[3]) as source:
  child = subprocess.Popen(sys.argv[1:3], stdin=source, stdout=theirs)
theirs.close()
got = b"".join(iter(lambda: ours.recv(999), b""))
sys.exit(child.wait() or got != open(sys.argv[3], "rb").read())
]]
    )
    assert.is_true(sh("python3 %s %s %s %s", peer, program.path(), code, path))
  end)

  it("stay blocking for those that share them", function()
    local code = dir:write(
      "code.lua",
      [[
      local file, task = require("awsbak.core.file"), require("awsbak.task")
      local to <close> = file.stdout()
      task.await(to:write(("x"):rep(1000)))
      local info <close> = assert(io.open("/proc/self/fdinfo/1"))
      local flags = tonumber(info:read("a"):match("flags:%s*(%d+)"), 8)
      io.stderr:write(flags & 2048)]]
    )
    local line = "%s %s 2>%s | cat >%s"
    assert.is_true(sh(line, program.path(), code, dir:path("said"), dir:path("out")))
    assert.equal("0", dir:read("said"))
    assert.equal(1000, #dir:read("out"))
  end)

  it("are read by one at a time", function()
    local code = dir:write(
      "code.lua",
      [[
      local file, task = require("awsbak.core.file"), require("awsbak.task")
      local from = file.stdin()
      local first = from:read(1)
      local ok, err = pcall(from.read, from, 1)
      first:close()
      io.write(tostring(ok), err, task.await(from:read(1)), task.await(from:read(1)))]]
    )
    local result = program.run({ code }, { stdin = "xy" })
    assert.matches("^false.*a read is running.*xy$", result.stdout)
  end)

  local stuck = [[
    local file, task = require("awsbak.core.file"), require("awsbak.task")
    local to = file.stdout()
    pcall(task.timeout, 0.05, function()
      task.await(to:write(("x"):rep(1000000)))
    end)
    io.stderr:write("over")]]

  it("do not keep a program alive whose reader has stopped reading", function()
    local code = dir:write("code.lua", stuck)
    assert(sh("mkfifo %s", dir:path("fifo")))
    -- The reader opens the fifo and reads nothing; it is gone only when the program is.
    local line = "%s %s > %s 2>%s & pid=$!; exec 3< %s; wait $pid"
    local words = { program.path(), code, dir:path("fifo"), dir:path("said"), dir:path("fifo") }
    assert.is_true(sh(line, table.unpack(words)))
    assert.equal("over", dir:read("said"))
  end)

  it("do not so when they are a socket", function()
    if not sh("command -v python3 >/dev/null") then
      return pending("no python3 here")
    end
    local code = dir:write("code.lua", stuck)
    local peer = dir:write(
      "peer.py",
      [[
import socket, subprocess, sys
ours, theirs = socket.socketpair()
sys.exit(subprocess.run(sys.argv[1:3], stdout=theirs, timeout=20).returncode)
]]
    )
    assert.is_true(sh("python3 %s %s %s 2>%s", peer, program.path(), code, dir:path("said")))
    assert.equal("over", dir:read("said"))
  end)

  it("fail with EPIPE when nobody reads any more", function()
    local code = dir:write(
      "code.lua",
      [[
      local file, task = require("awsbak.core.file"), require("awsbak.task")
      local to = file.stdout()
      for _ = 1, 1000 do
        local ok, err = pcall(task.await, to:write(("x"):rep(100000)))
        if not ok then
          io.stderr:write(err.code)
          return
        end
      end]]
    )
    assert.is_true(
      sh("%s %s 2>%s | head -c 1 >/dev/null", program.path(), code, dir:path("code"))
    )
    assert.equal("EPIPE", dir:read("code"))
  end)
end)
