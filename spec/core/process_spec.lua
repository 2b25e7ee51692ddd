local process = require("awsbak.core.process")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

local function run(options)
  return task.await(process.run(options))
end

local function sh(script, more)
  local options = more or {}
  options.argv = { "sh", "-c", script }
  return run(options)
end

--- Whether a process runs: it is there, and no zombie.
local function is_alive(pid)
  local file <close> = io.open("/proc/" .. pid .. "/stat")
  return file ~= nil and not file:read("a"):match("%) Z ")
end

describe("process.run", function()
  it("gives the status and both outputs", function()
    local done = sh("echo out; echo err >&2; exit 3")
    assert.same({ status = 3, stdout = "out\n", stderr = "err\n" }, done)
  end)

  it("passes words as they are, without a shell", function()
    assert.equal("[$HOME `x` ;]", run({ argv = { "printf", "[%s]", "$HOME `x` ;" } }).stdout)
  end)

  it("sends stdin and closes it", function()
    local bytes = ("\0\n\255x"):rep(100000)
    assert.equal(bytes, run({ argv = { "cat" }, stdin = bytes }).stdout)
  end)

  it("gives an empty stdin when there is nothing to send", function()
    assert.equal("", run({ argv = { "cat" } }).stdout)
  end)

  it("survives a child that does not read its stdin", function()
    assert.equal(0, run({ argv = { "true" }, stdin = ("x"):rep(1000000) }).status)
  end)

  it("replaces the environment by env", function()
    assert.equal("A=1\n", run({ argv = { "/usr/bin/env" }, env = { A = "1" } }).stdout)
    assert.equal("", run({ argv = { "/usr/bin/env" }, env = {} }).stdout)
  end)

  it("tells the signal that ended the child", function()
    local done = sh("kill -9 $$")
    assert.equal(9, done.signal)
    assert.is_nil(done.status)
  end)

  it("knows the status also when we were started with SIGCHLD ignored", function()
    local code = [[
      local op = require("awsbak.core.process").run({ argv = { "sh", "-c", "exit 7" } })
      io.write(require("awsbak.task").await(op).status)]]
    local words = shell.join({ program.path(), "-e", code })
    local pipe <close> = io.popen("trap '' CHLD; exec " .. words)
    assert.equal("7", pipe:read("a"))
  end)

  it("says what cannot be run", function()
    local op, e = process.run({ argv = { "/no/such/program" } })
    assert.is_nil(op)
    assert.equal("ENOENT", e.code)
    assert.equal("cannot run /no/such/program: No such file or directory", e.message)
  end)

  it("kills what takes too long", function()
    local _, e = pcall(sh, "sleep 100", { timeout = 0.01 })
    assert.equal("timeout", e.kind)
    assert.equal("sh did not end within 0.01 s", e.message)
  end)

  it("kills what says too much", function()
    local _, e = pcall(sh, "exec cat /dev/zero", { max_output = 1000 })
    assert.equal("too_large", e.code)
    assert.equal("sh wrote more than 1000 bytes", e.message)
  end)

  it("takes exactly as much as is allowed", function()
    assert.equal(1000, #sh("head -c 1000 /dev/zero", { max_output = 1000 }).stdout)
    assert.is_false(pcall(sh, "head -c 1001 /dev/zero", { max_output = 1000 }))
  end)

  it("does not wait for a grandchild that keeps the output open", function()
    assert.equal("done\n", sh("sleep 100 & echo done; kill $!").stdout)
  end)

  it("kills the child when the operation is closed", function()
    local read_end = os.tmpname()
    local op = process.run({ argv = { "sh", "-c", "echo $$ >" .. read_end .. "; exec sleep 100" } })
    local pid
    repeat
      task.sleep(0.001)
      pid = io.lines(read_end)()
    until pid
    op:close()
    os.remove(read_end)
    assert.is_false(is_alive(pid))
  end)

  it("kills the child when we are killed ourselves", function()
    local dir <close> = scratch.new()
    local code = [[require("awsbak.task").await(require("awsbak.core.process").run({
      argv = { "sh", "-c", 'echo $$ >"$0" && exec sleep 100', "%s" } }))]]
    local us <close> = process.spawn({
      argv = { program.path(), "-e", code:format(dir:path("pid")) },
    })
    local pid
    task.timeout(60, function()
      repeat
        task.sleep(0.001)
        pid = (dir:read("pid") or ""):match("%d+\n")
      until pid
      pid = pid:match("%d+")
      os.execute("kill -9 " .. us:pid()) -- it alone, not its group
      while is_alive(pid) do
        task.sleep(0.001)
      end
    end)
  end)

  it("leaves the child no descriptor but three", function()
    local _ <close> = assert(io.open("/dev/null"))
    assert.equal("0\n1\n2\n", sh("ls /proc/$$/fd").stdout)
  end)

  it("runs many at once", function()
    local sum, i = 0, 0
    task.each(
      function()
        i = i + 1
        return i <= 40 and i or nil
      end,
      20,
      function(n)
        local said = tonumber(sh("echo " .. n).stdout)
        sum = sum + said
      end
    )
    assert.equal(820, sum)
  end)

  it("refuses words and names with NUL, and unknown options", function()
    assert.has_error(function()
      process.run({ argv = { "a\0b" } })
    end)
    assert.has_error(function()
      process.run({ argv = { "true" }, env = { A = "\0" } })
    end)
    assert.has_error(function()
      process.run({ argv = { "true" }, cwd = "/" })
    end)
    assert.has_error(function()
      process.run({ argv = {} })
    end)
  end)
end)

describe("process.spawn", function()
  it("reads lines as they come, and the rest at the end", function()
    local p <close> = process.spawn({ argv = { "printf", "one\\n\\ntwo" } })
    assert.equal("one", task.await(p:read_line()))
    assert.equal("", task.await(p:read_line()))
    assert.equal("two", task.await(p:read_line()))
    assert.is_nil(task.await(p:read_line()))
    assert.same({ status = 0 }, task.await(p:wait()))
  end)

  it("ends by a signal of ours, with its whole group", function()
    local p <close> = process.spawn({ argv = { "sh", "-c", "sleep 100 & echo $!; wait" } })
    local grandchild = task.await(p:read_line())
    p:kill()
    assert.same({ signal = 15 }, task.await(p:wait()))
    task.timeout(30, function()
      while is_alive(grandchild) do
        task.sleep(0.001)
      end
    end)
  end)

  it("is killed when it is closed", function()
    local p = process.spawn({ argv = { "sleep", "100" } })
    local pid = p:pid()
    p:close()
    assert.is_false(is_alive(pid))
  end)

  it("forgets the oldest output that nobody reads, and never blocks the child", function()
    local p <close> = process.spawn({ argv = { "seq", "1", "20000" }, max_output = 20000 })
    task.await(p:wait())
    local last
    for line in
      function()
        return task.await(p:read_line())
      end
    do
      last = line
    end
    assert.equal("20000", last)
  end)

  it("ends a child that says too much in a conversation, after the lines that it said", function()
    local words = { "sh", "-c", "echo one; cat /dev/zero" }
    local p <close> = process.spawn({ argv = words, talk = true, max_output = 50000 })
    assert.equal("one", task.await(p:read_line()))
    local ok, err = pcall(task.await, p:read_line())
    assert.is_false(ok)
    assert.equal("too_large", err.code)
    assert.matches("wrote more than 50000 bytes", err.message, 1, true)
  end)

  it("sends what it is told, when it is told", function()
    local p <close> = process.spawn({ argv = { "cat" }, talk = true })
    for _, line in ipairs({ "one", "", ("x"):rep(100000), "\0\255" }) do
      assert.is_true(p:send(line .. "\n"))
      assert.equal(line, task.await(p:read_line()))
    end
    assert.is_true(p:send("rest"))
    p:end_input()
    assert.equal("rest", task.await(p:read_line()))
    assert.is_nil(task.await(p:read_line()))
    assert.same({ status = 0 }, task.await(p:wait()))
    assert.equal("EPIPE", select(2, p:send("more")).code)
  end)

  it("ends its input at once when nothing is to be sent", function()
    local p <close> = process.spawn({ argv = { "cat" }, talk = true })
    p:end_input()
    assert.is_nil(task.await(p:read_line()))
  end)

  it("keeps what a child does not read, up to a limit", function()
    local p <close> = process.spawn({ argv = { "sleep", "100" }, talk = true })
    assert.is_true(p:send(("x"):rep(1024 * 1024)))
    assert.equal("too_large", select(2, p:send(("x"):rep(1024 * 1024 + 1))).code)
    local silent <close> = process.spawn({ argv = { "sleep", "100" } })
    assert.equal("EPIPE", select(2, silent:send("x")).code)
  end)

  it("survives a child that ends instead of reading", function()
    local p <close> = process.spawn({ argv = { "true" }, talk = true })
    p:send(("x"):rep(500000))
    assert.same({ status = 0 }, task.await(p:wait()))
  end)
end)

-- Fails the AT-th time that a pipe is read or written, with REASON.
local FAILING <const> = [[
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <errno.h>
  #include <stdlib.h>
  #include <sys/stat.h>
  #include <unistd.h>
  static int fails(int fd)
  {
      static int calls;
      struct stat st;
      const char *at = getenv("AT");
      if (!at || fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode) || ++calls != atoi(at))
          return 0;
      errno = atoi(getenv("REASON"));
      return 1;
  }
  ssize_t read(int fd, void *to, size_t len)
  {
      ssize_t (*real)(int, void *, size_t);
      *(void **)&real = dlsym(RTLD_NEXT, "read");
      return fails(fd) ? -1 : real(fd, to, len);
  }
  ssize_t write(int fd, const void *from, size_t len)
  {
      ssize_t (*real)(int, const void *, size_t);
      *(void **)&real = dlsym(RTLD_NEXT, "write");
      return fails(fd) ? -1 : real(fd, from, len);
  }
]]

describe("a pipe of a child that fails", function()
  local EIO <const>, EINTR <const> = 5, 4

  local SCRIPT <const> = [[
    local process, task = require("awsbak.core.process"), require("awsbak.task")
    local input = ("x"):rep(200000)
    local argv = { "env", "-u", "LD_PRELOAD", "cat" }
    local done = task.await(process.run({ argv = argv, stdin = input }))
    print(#done.stdout, done.stdout == input)
  ]]

  --- Let each call fail in turn, until none is left.
  local function each_run(reason, check)
    local dir <close> = scratch.new()
    local library, source = dir:path("failing.so"), dir:write("failing.c", FAILING)
    assert(os.execute(shell.join({ "cc", "-shared", "-fPIC", "-o", library, source })))
    local script, at = dir:write("script.lua", SCRIPT), 0
    local failed = 0
    repeat
      at = at + 1
      local env = { LD_PRELOAD = library, AT = at, REASON = reason }
      local ran = program.run({ script }, { env = env, prefix = { "timeout", "20" } })
      check(ran)
      failed = failed + (ran.status ~= 0 and 1 or 0)
    until at >= 4 and ran.status == 0
    return failed
  end

  it("is an error, and never the end of what the child takes or says", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local failed = each_run(EIO, function(ran)
      if ran.status == 0 then
        assert.equal("200000\ttrue\n", ran.stdout)
      else
        assert.same({ 1, "" }, { ran.status, ran.stdout })
        assert.matches("^awsbak: error: cannot [^\n]+ env[^\n]*: Input/output error\n$", ran.stderr)
      end
    end)
    assert.is_true(failed > 2)
  end)

  it("is used again when it was interrupted", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    assert.equal(0, each_run(EINTR, function(ran)
      assert.equal("200000\ttrue\n", ran.stdout, ran.stderr)
    end))
  end)
end)
