local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local http = require("awsbak.core.http")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

local MOST = 64 * 1024 -- bytes of a file that is held
local LONG_AGO = 1000000000.25

describe("a file that is held", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)

  after_each(function()
    dir:close()
  end)

  --- A file that was last written at some time.
  local function written(bytes, at)
    local path = dir:write("file", bytes)
    local f <close> = assert(file.journal(path))
    assert(f:touch(at or LONG_AGO))
    return path
  end

  local function is_held(path)
    local f <close> = assert(file.open(path, true))
    return assert(f:region(0, assert(f:size()))):sum("crc32") ~= nil
  end

  it("is what it was when it was opened, whatever becomes of it", function()
    local path = written("what it was")
    local f <close> = assert(file.open(path, true))
    dir:write("file", "something else, and longer")
    assert.equal(11, f:size())
    assert.equal(LONG_AGO, assert(f:stat()).mtime)
    assert.equal("it", task.await(f:read(2, 5)))
    assert.equal("was", task.await(f:read(10, 8)))
    assert.equal("", task.await(f:read(10, 11)))
    assert.equal("", task.await(f:read(10, 1000)))
    local region = assert(f:region(5, 2))
    local wanted = digest.digest("sha256", "it")
    assert.equal(codec.hex(wanted), codec.hex(region:sum("sha256")))
    assert.equal(codec.hex(wanted), codec.hex(task.await(region:digest("sha256"))))
    local _, err = f:region(5, 7)
    assert.equal("short", err.code)
  end)

  it("is found beneath a folder, too", function()
    written("small")
    local folder <close> = assert(file.folder(dir:path("")))
    local f <close> = assert(folder:open("file", true))
    assert.is_string(assert(f:region(0, 5)):sum("md5"))
    local other <close> = assert(folder:open("file"))
    assert.is_nil(assert(other:region(0, 5)):sum("md5"))
  end)

  it("is a small one", function()
    for _, size in ipairs({ 1, MOST - 1, MOST }) do
      assert.is_true(is_held(written(("x"):rep(size))), size)
    end
    assert.is_false(is_held(written(""))) -- may be one of /proc, with bytes
    assert.is_false(is_held(written(("x"):rep(MOST + 1))))
  end)

  it("is none that may be written at this moment", function()
    assert.is_false(is_held(written("x", os.time() + 1000)))
  end)

  it("is none that is written while it is read", function()
    if program.is_sanitized() then
      return pending("the sanitizer wants to be the first library")
    end
    local source = dir:write(
      "late.c",
      [[
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/uio.h>
        #include <unistd.h>
        /* The read that holds a file; then somebody writes it. */
        ssize_t preadv2(int fd, const struct iovec *to, int count, off_t at, int flags)
        {
            ssize_t (*real)(int, const struct iovec *, int, off_t, int);
            *(void **)&real = dlsym(RTLD_NEXT, "preadv2");
            ssize_t got = real(fd, to, count, at, flags);
            const char *bytes = getenv("LATE_BYTES");
            int other = open(getenv("LATE_PATH"), O_WRONLY);
            if (write(other, bytes, strlen(bytes)) < 0 || close(other) != 0)
                abort();
            return got;
        }
      ]]
    )
    local library = dir:path("late.so")
    assert(os.execute(shell.join({ "cc", "-shared", "-fPIC", "-o", library, source })))
    local code = [[
      local f = assert(require("awsbak.core.file").open(os.getenv("LATE_PATH"), true))
      print(assert(f:region(0, 4)):sum("crc32") ~= nil)]]
    local function is_held_while_written(bytes)
      local path = written("plain")
      local env = { LD_PRELOAD = library, LATE_PATH = path, LATE_BYTES = bytes }
      local ran = program.run({ "-e", code }, { env = env })
      return ran.stderr .. ran.stdout
    end
    assert.equal("true\n", is_held_while_written("")) -- which changes nothing
    assert.equal("false\n", is_held_while_written("other"))
    assert.equal("false\n", is_held_while_written("plain, and more"))
  end)

  it("cannot be written", function()
    local f <close> = assert(file.open(written("x"), true))
    local _, err = errors.try(task.await, f:pwrite("y", 0))
    assert.equal("io", err.kind)
    assert.equal("io", select(2, f:touch(1)).kind)
    assert.equal("x", task.await(f:read(1, 0)))
  end)

  it("is sent as the body of a request, from memory and at a pace", function()
    local s <close> = server.start()
    local bytes = ("0123456789"):rep(6000)
    local f <close> = assert(file.open(written(bytes), true))
    dir:write("file", "altered")
    s:script("*", { { body = "", times = -1 } })
    for _, pace in ipairs({ false, assert(http.pace(1e9)) }) do
      local request = { method = "PUT", url = s.url .. "/a", pace = pace or nil }
      request.body = assert(f:region(10, 50000))
      assert(task.await(assert(http.request(request))))
    end
    for _, request in ipairs(s:requests()) do
      local wanted = digest.digest("sha256", bytes:sub(11, 50010))
      assert.equal(codec.hex(wanted), request.sha256)
    end
  end)

  it("is sent whole though its handle and its region are closed", function()
    local s <close> = server.start()
    s:script("*", { { body = "" } })
    local f = assert(file.open(written("whole"), true))
    local op
    do
      local region <close> = assert(f:region(0, 5))
      op = assert(http.request({ method = "PUT", url = s.url .. "/a", body = region }))
    end
    f:close()
    assert(task.await(op))
    assert.equal("whole", s:requests()[1].body)
  end)

  it("has regions that are of no use when they are closed", function()
    local f <close> = assert(file.open(written("x"), true))
    local region = assert(f:region(0, 1))
    do
      local _ <close> = region
    end
    for _, use in ipairs({
      function()
        region:sum("md5")
      end,
      function()
        region:digest("md5")
      end,
      function()
        http.request({ method = "PUT", url = "http://localhost:1/", body = region })
      end,
    }) do
      assert.has_error(use)
    end
  end)
end)
