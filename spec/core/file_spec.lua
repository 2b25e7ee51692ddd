local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local program = require("spec.support.program")
local secret = require("awsbak.core.secret")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

local function sh(format, ...)
  local words = {}
  for i, word in ipairs({ ... }) do
    words[i] = shell.quote(word)
  end
  return os.execute(format:format(table.unpack(words)))
end

describe("core.file", function()
  local dir

  before_each(function()
    dir = scratch.new()
  end)
  after_each(function()
    dir:close()
  end)

  local function write(name, bytes, options)
    local s <close> = assert(file.sink(dir:path(name), options))
    task.await(s:write(bytes))
    return task.await(s:commit())
  end

  local function refused(path, options, code)
    local s, err = file.sink(path, options)
    assert.is_nil(s)
    assert.equal("io", err.kind)
    assert.equal(code, err.code)
    assert.matches(path, err.message, 1, true)
    return err.message
  end

  describe("sink", function()
    it("shows nothing until it is committed, and then the whole file", function()
      local s <close> = assert(file.sink(dir:path("out")))
      task.await(s:write("one "))
      task.await(s:write("two"))
      assert.same({}, dir:list())
      task.await(s:commit())
      assert.same({ "out" }, dir:list())
      assert.equal("one two", dir:read("out"))
    end)

    it("leaves nothing behind when it is closed", function()
      local s = assert(file.sink(dir:path("out")))
      task.await(s:write("x"))
      s:close()
      assert.same({}, dir:list())
    end)

    it("makes files that only their owner can read, whatever the umask", function()
      local code = [[
        local file, task = require("awsbak.core.file"), require("awsbak.task")
        local s = assert(file.sink(arg[1]))
        task.await(s:write("x"))
        task.await(s:commit())]]
      local path = dir:write("code.lua", code)
      for _, umask in ipairs({ "000", "077", "777" }) do
        local out = dir:path("out" .. umask)
        assert.is_true(sh("umask " .. umask .. "; %s %s %s", program.path(), path, out))
        assert.equal(384, file.stat(out).mode) -- 0600
      end
    end)

    it("takes the permissions asked for", function()
      write("out", "x", { mode = 420 })
      assert.equal(420, file.stat(dir:path("out")).mode) -- 0644
    end)

    it("refuses an existing file, and leaves it as it is", function()
      dir:write("out", "old")
      local message = refused(dir:path("out"), nil, "EEXIST")
      assert.matches("exists already", message, 1, true)
      assert.equal("old", dir:read("out"))
    end)

    it("replaces an existing file when told to, and only at commit", function()
      dir:write("out", "old")
      local s <close> = assert(file.sink(dir:path("out"), { force = true }))
      task.await(s:write("new"))
      assert.equal("old", dir:read("out"))
      task.await(s:commit())
      assert.equal("new", dir:read("out"))
      assert.same({ "out" }, dir:list())
    end)

    it("leaves alone a file that appears while it is open", function()
      local s <close> = assert(file.sink(dir:path("out")))
      task.await(s:write("ours"))
      dir:write("out", "theirs")
      local ok, err = pcall(task.await, s:commit())
      assert.is_false(ok)
      assert.equal("EEXIST", err.code)
      assert.equal("theirs", dir:read("out"))
      s:close()
      assert.same({ "out" }, dir:list())
    end)

    it("refuses everything that is no file, forced or not", function()
      assert(
        sh(
          "mkfifo %s; mkdir %s; ln -s out %s; ln -s nothing %s; touch %s",
          dir:path("fifo"),
          dir:path("folder"),
          dir:path("link"),
          dir:path("dangling"),
          dir:path("out")
        )
      )
      local targets = {
        ["/dev/null"] = "a device",
        [dir:path("fifo")] = "a named pipe",
        [dir:path("folder")] = "a folder",
        [dir:path("folder/")] = "a folder",
        [dir:path("link")] = "a symbolic link",
        [dir:path("dangling")] = "a symbolic link",
        ["/"] = "a folder",
        ["."] = "a folder",
      }
      for path, what in pairs(targets) do
        for _, options in ipairs({ {}, { force = true } }) do
          assert.matches(what, refused(path, options, "not_regular"), 1, true)
        end
      end
    end)

    it("says so when the folder is missing or cannot be written", function()
      assert.matches("No such file or directory", refused(dir:path("no/out"), nil, "ENOENT"))
      refused(dir:path("no"):gsub("no$", "file/out"), nil, dir:write("file", "") and "ENOTDIR")
      refused("/proc/out", nil, "ENOENT")
    end)

    it("fails for good, and leaves nothing, when the disk is full", function()
      -- A limit on the size of files stands in for the disk: write() fails half way in both cases.
      local path = dir:write(
        "code.lua",
        [[
        local file, task = require("awsbak.core.file"), require("awsbak.task")
        local s = assert(file.sink(arg[1]))
        local ok, err = pcall(task.await, s:write(("x"):rep(100000)))
        assert(not ok and err.kind == "io" and err.code == "EFBIG", tostring(err))
        assert(err.message:find(arg[1], 1, true))
        ok, err = pcall(task.await, s:write("x"))
        assert(not ok and err.code == "broken", tostring(err))
        ok, err = pcall(task.await, s:commit())
        assert(not ok and err.code == "broken", tostring(err))]]
      )
      assert.is_true(
        sh("ulimit -f 8; exec %s %s %s", program.path(), path, dir:path("out"))
      )
      assert.same({ "code.lua" }, dir:list())
    end)

    it("never stands in for an output that is closed", function()
      local path = dir:write(
        "code.lua",
        [[
        local file, task = require("awsbak.core.file"), require("awsbak.task")
        local s = assert(file.sink(arg[1]))
        require("awsbak.log").warn("a warning")
        io.stderr:write("a message")
        local _, err = pcall(task.await, file.stdout():write("output"))
        task.await(s:write(err.code))
        _, err = pcall(task.await, file.stdin():read(1))
        task.await(s:write(" " .. err.code))
        task.await(s:commit())]]
      )
      assert.is_true(sh("%s %s %s 0<&- 1>&- 2>&-", program.path(), path, dir:path("out")))
      assert.equal("EBADF EBADF", dir:read("out"))
    end)

    it("leaves nothing when its process is killed", function()
      local path = dir:write(
        "code.lua",
        [[
        local file, task = require("awsbak.core.file"), require("awsbak.task")
        local s = assert(file.sink(arg[1]))
        task.await(s:write("x"))
        os.execute("kill -9 $PPID")]]
      )
      sh("%s %s %s 2>/dev/null", program.path(), path, dir:path("out"))
      assert.same({ "code.lua" }, dir:list())
    end)

    it("is committed once", function()
      local s <close> = assert(file.sink(dir:path("out")))
      task.await(s:write("x"))
      task.await(s:commit())
      for method, bytes in pairs({ [s.write] = "y", [s.commit] = false }) do
        local _, err = pcall(task.await, method(s, bytes or nil))
        assert.same({ "io", "committed" }, { err.kind, err.code })
      end
      assert.equal("x", dir:read("out"))
    end)

    it("has the time that it is committed with", function()
      local s <close> = assert(file.sink(dir:path("out")))
      local f <close> = assert(s:file())
      task.await(f:pwrite("x", 0))
      for _, wrong in ipairs({ -1, 1e12, "soon" }) do
        assert.has_error(function()
          s:commit(wrong)
        end)
      end
      task.await(s:commit(1000000000.25))
      assert.equal(1000000000.25, file.stat(dir:path("out")).mtime)
    end)

    it("is in a folder that was closed meanwhile", function()
      local folder = assert(file.folder(dir:path("")))
      local s <close> = assert(folder:sink("out"))
      folder:close()
      task.await(s:write("x"))
      task.await(s:commit())
      assert.equal("x", dir:read("out"))
    end)

    it("raises when it is used after its end", function()
      local s = assert(file.sink(dir:path("out")))
      s:close()
      assert.error_matches(function()
        s:write("x")
      end, "closed")
    end)
  end)

  describe("handle", function()
    it("is read at offsets", function()
      local f <close> = assert(file.open(dir:write("in", "0123456789")))
      assert.equal(10, f:size())
      assert.equal("34", task.await(f:read(2, 3)))
      assert.equal("89", task.await(f:read(5, 8)))
      assert.equal("", task.await(f:read(5, 10)))
    end)

    it("opens regular files only", function()
      assert(sh("mkfifo %s", dir:path("fifo")))
      for _, path in ipairs({ dir:path("fifo"), dir:path(), "/dev/null" }) do
        local f, err = file.open(path)
        assert.is_nil(f)
        assert.equal("not_regular", err.code)
      end
      local f, err = file.open(dir:path("missing"))
      assert.is_nil(f)
      assert.equal("ENOENT", err.code)
    end)

    it("of a spool is written and read back, and has no name", function()
      local f <close> = assert(file.spool(dir:path()))
      task.await(f:write("one "))
      task.await(f:write("two"))
      task.await(f:pwrite("ONE", 0))
      assert.equal("ONE two", task.await(f:read(100, 0)))
      assert.same({}, dir:list())
    end)

    it("may be closed while a job runs on it", function()
      local f = assert(file.open(dir:write("in", "abc")))
      local op = f:read(3, 0)
      f:close()
      assert.equal("abc", task.await(op))
    end)
  end)

  describe("small files", function()
    it("are read whole, up to a limit", function()
      local path = dir:write("in", "abc")
      assert.equal("abc", file.read_file(path))
      assert.equal("abc", file.read_file(path, 3))
      local bytes, err = file.read_file(path, 2)
      assert.is_nil(bytes)
      assert.equal("too_large", err.code)
      assert.equal("ENOENT", select(2, file.read_file(dir:path("no"))).code)
      assert.equal("EISDIR", select(2, file.read_file(dir:path())).code)
    end)

    it("may be pipes, and a signal ends the wait for a writer", function()
      local fifo = dir:path("fifo")
      assert(sh("mkfifo %s; printf bytes > %s & exit 0", fifo, fifo))
      assert.equal("bytes", file.read_file(fifo))
      local code = [[
        require("awsbak.core.host").deadline(0.01)
        local _, err = require("awsbak.core.file").read_secret(arg[1])
        io.write(err.kind)]]
      local result = program.run({ dir:write("code.lua", code), fifo })
      assert.equal("cancelled", result.stdout)
    end)

    it("are read as secrets", function()
      local bytes = file.read_secret(dir:write("in", "abc"))
      assert.is_true(secret.is(bytes))
      assert.equal("abc", bytes:reveal())
    end)

    it("are made exclusively, for the owner alone", function()
      assert.is_true(file.create_exclusive(dir:path("key"), secret.new("abc")))
      assert.equal("abc", dir:read("key"))
      assert.equal(384, file.stat(dir:path("key")).mode)
      local ok, err = file.create_exclusive(dir:path("key"), "other")
      assert.is_nil(ok)
      assert.equal("EEXIST", err.code)
      assert.equal("abc", dir:read("key"))
    end)

    it("are told apart from links and folders", function()
      assert(sh("ln -s %s %s", dir:write("in", "abc"), dir:path("link")))
      assert.equal("file", file.stat(dir:path("in")).type)
      assert.equal(3, file.stat(dir:path("link")).size)
      assert.equal("link", file.stat(dir:path("link"), true).type)
      assert.equal("folder", file.stat(dir:path()).type)
      assert.equal("other", file.stat("/dev/null").type)
    end)
  end)

  describe("folders", function()
    it("are made with all above them, and may exist already", function()
      assert.is_true(file.mkdirs(dir:path("a/b//c/")))
      assert.is_true(file.mkdirs(dir:path("a/b/c")))
      assert.equal(448, file.stat(dir:path("a/b")).mode) -- 0700
      local ok, err = file.mkdirs(dir:write("in", "") .. "/x")
      assert.is_nil(ok)
      assert.equal("ENOTDIR", err.code)
      assert.equal("ENOTDIR", select(2, file.mkdirs(dir:path("in"))).code)
    end)

    it("are not made where that is only looked at", function()
      dir:write("in", "")
      assert(sh("ln -s %s %s", dir:path("none"), dir:path("dangling")))
      for _, name in ipairs({ "in", "in/", "in/x", "dangling", "dangling/", "dangling/x/y" }) do
        local ok, err = file.mkdirs(dir:path(name))
        assert.same({ nil, err }, { file.check_mkdirs(dir:path(name)) })
        assert.is_nil(ok)
      end
      for _, name in ipairs({ "new", "new//a/b/", "." }) do
        assert.is_true(file.check_mkdirs(dir:path(name)))
      end
      assert.is_true(file.check_mkdirs("new/a"))
      assert.is_nil(file.stat(dir:path("new")))
    end)

    it("are listed", function()
      dir:write("b", "")
      dir:write(".a", "")
      local names = file.list(dir:path())
      table.sort(names)
      assert.same({ ".a", "b" }, names)
      assert.equal("ENOENT", select(2, file.list(dir:path("no"))).code)
    end)
  end)

  describe("memory", function()
    it("is a file that no folder has, filled and read at once", function()
      local handle <close> = assert(file.memory())
      assert.is_true(handle:put("-abc-", 2, 3, 0))
      assert.is_true(handle:put("defg", 1, 0, 3))
      assert.is_true(handle:put("de", 1, 2, 3))
      assert.equal(5, handle:size())
      assert.equal("bcd", assert(handle:region(1, 3)):read())
      assert.equal("", assert(handle:region(5, 0)):read())
      assert.equal("abcde", task.await(handle:read(9, 0)))
      local _, err = handle:region(1, 5)
      assert.equal("short", err.code)
    end)

    it("refuses what is not there, and files on a disk", function()
      local handle <close> = assert(file.memory())
      for _, bad in ipairs({
        { "ab", 0, 1, 0 },
        { "ab", 4, 0, 0 },
        { "ab", 2, 2, 0 },
        { "ab", 1, 1, -1 },
      }) do
        assert.has_error(function()
          handle:put(table.unpack(bad))
        end)
      end
      local disk <close> = assert(file.spool())
      for _, f in ipairs({
        function()
          disk:put("a", 1, 1, 0)
        end,
        function()
          assert(disk:region(0, 0)):read()
        end,
      }) do
        local ok, message = pcall(f)
        assert.is_false(ok)
        assert.matches("the file is not one in memory", message, 1, true)
      end
    end)
  end)
end)
