local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

describe("transfer", function()
  it("writes a file whole at commit, and reads it", function()
    local dir <close> = scratch.new()
    local path = dir:path("x.age")
    do
      local sink <close> = transfer.sink(path)
      sink:write("one ")
      sink:write("two")
      assert.is_nil(io.open(path))
      assert.same({ location = path, bytes = 7 }, sink:commit())
    end
    local source <close> = transfer.source(path)
    assert.equal(7, source.bytes)
    assert.equal("two", task.await(source.handle:read(10, 4)))
  end)

  it("leaves nothing when closed before commit", function()
    local dir <close> = scratch.new()
    do
      local sink <close> = transfer.sink(dir:path("x"))
      sink:write("half")
    end
    assert.is_nil(io.open(dir:path("x")))
  end)

  it("refuses a file that exists unless forced, and says so", function()
    local dir <close> = scratch.new()
    local path = dir:write("x", "old")
    local _, e = errors.try(function()
      local sink <close> = transfer.sink(path)
      sink:commit()
    end)
    assert.equal("EEXIST", e.code)
    assert.equal(path .. " exists already", e.message)
    assert.equal("give --force to replace it", e.hint)
    assert.equal("old", dir:read("x"))
    local sink <close> = transfer.sink(path, { force = true })
    sink:write("new")
    sink:commit()
    assert.equal("new", dir:read("x"))
  end)

  it("refuses what is no file, and words that are no place", function()
    for _, word in ipairs({ "", "https://example.com/x", "file:///x", "s3://bucket" }) do
      local _, e = errors.try(transfer.sink, word)
      assert.equal("usage", e.kind, word)
    end
    local _, e = errors.try(transfer.source, "/there/is/no/file")
    assert.equal("ENOENT", e.code)
    local _, f = errors.try(transfer.source, "/dev/null")
    assert.equal("io", f.kind)
    assert.equal("name - to read from standard input", f.hint)
    _, f = errors.try(transfer.source, "/")
    assert.equal("not_regular", f.code)
    assert.is_nil(f.hint)
  end)

  it("reads what was there when it opened, when that is to be fixed", function()
    local dir <close> = scratch.new()
    local body = ("0123456789"):rep(300000)
    local path = dir:write("x", body)
    local source <close> = transfer.source(path, { fixed = true })
    dir:write("x", "forged")
    assert.equal(#body, source.bytes)
    assert.is_true(task.await(source.handle:read(#body, 0)) == body)
    local _, e = errors.try(transfer.source, "/dev/null", { fixed = true })
    assert.equal("io", e.kind)
  end)

  it("reads standard input at any offset", function()
    local code = [[
      local source <close> = require("backup.transfer").source("-")
      local task = require("awsbak.task")
      io.write(source.bytes, task.await(source.handle:read(3, source.bytes - 3)))
      io.write(" of ", source.location)
    ]]
    local body = ("x"):rep(3 * 1024 * 1024) .. "end"
    local ran = program.run({ "-e", code }, { stdin = body })
    assert.equal(#body .. "end of standard input", ran.stdout, ran.stderr)
  end)

  it("closes its copy at once when an object cannot be read to its end", function()
    local spool, made = file.spool, nil
    file.spool = function()
      made = spool()
      return made
    end
    finally(function()
      file.spool = spool
    end)
    local s3 = {
      head_object = function()
        return { ContentLength = 3, ETag = "e" }
      end,
      get_object = function()
        errors.raise({ kind = "service", code = "AccessDenied", status = 403, message = "no" })
      end,
    }
    local _, e = errors.try(transfer.source, "s3://vault/k", { s3 = s3 })
    assert.equal("AccessDenied", e.code)
    assert.error_matches(function()
      made:size()
    end, "closed")
  end)

  it("writes to standard output, after what was printed", function()
    local code = [[
      io.write("first ")
      local sink <close> = require("backup.transfer").sink("-")
      sink:write("\0bytes")
      sink:commit()
    ]]
    local ran = program.run({ "-e", code })
    assert.equal("first \0bytes", ran.stdout, ran.stderr)
  end)

  it("writes nothing binary to a terminal", function()
    local code = "require('backup.transfer').sink('-'):write('\\0')"
    local words = { "python3", "spec/support/terminal.py", program.path(), "-e", code }
    local pipe = assert(io.popen(shell.join(words) .. " </dev/null"))
    local said = pipe:read("a")
    assert.is_nil((pipe:close()))
    assert.matches("an archive is binary, and standard output is a terminal", said, 1, true)
    assert.is_nil(said:find("\0", 1, true))
  end)

  -- Runs a commit of "new" in a program whose library is `source` in part.
  local function commit_with(dir, source)
    local library, code = dir:path("part.so"), dir:write("part.c", source)
    assert(os.execute(shell.join({ "cc", "-shared", "-fPIC", "-o", library, code })))
    local script = dir:write(
      "commit.lua",
      [[
        local sink <close> = require("backup.transfer").sink(arg[1], { force = true })
        sink:write("new")
        sink:commit()
      ]]
    )
    return program.run({ script, dir:path("target") }, { env = { LD_PRELOAD = library } })
  end

  it("names a file where its descriptor is not enough (before Linux 6.10)", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local dir <close> = scratch.new()
    local ran = commit_with(
      dir,
      [[
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int linkat(int from, const char *path, int to, const char *name, int flags)
        {
            if (flags & AT_EMPTY_PATH) {
                errno = ENOENT;
                return -1;
            }
            return (int)syscall(SYS_linkat, from, path, to, name, flags);
        }
      ]]
    )
    assert.equal("", ran.stderr)
    assert.equal("new", dir:read("target"))
    assert.same({ "commit.lua", "part.c", "part.so", "target" }, dir:list())
  end)

  describe("on a disk that fails", function()
    -- Runs a commit of "new" over "old" in a program whose fsync of such files fails.
    local function commit(dir, failing)
      dir:write("target", "old")
      return commit_with(
        dir,
        ([[
          #include <errno.h>
          #include <sys/stat.h>
          int fsync(int fd)
          {
              struct stat st;
              if (fstat(fd, &st) == 0 && %s(st.st_mode)) {
                  errno = EIO;
                  return -1;
              }
              return 0;
          }
        ]]):format(failing)
      )
    end

    it("commits nothing that did not reach it", function()
      if program.is_sanitized() then
        return pending("the sanitizer wants to be the first library")
      end
      local dir <close> = scratch.new()
      local ran = commit(dir, "S_ISREG")
      assert.equal(1, ran.status)
      assert.matches("cannot write [^\n]*target to disk: Input/output error", ran.stderr)
      assert.equal("old", dir:read("target"))
      assert.same({ "commit.lua", "part.c", "part.so", "target" }, dir:list())
    end)

    it("says that a name may be lost", function()
      if program.is_sanitized() then
        return pending("the sanitizer wants to be the first library")
      end
      local dir <close> = scratch.new()
      local ran = commit(dir, "S_ISDIR")
      assert.equal(1, ran.status)
      assert.matches("a crash now may lose its name", ran.stderr)
      assert.equal("new", dir:read("target"))
    end)
  end)
end)
