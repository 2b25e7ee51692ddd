local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

describe("core.file.folder", function()
  local dir, folder

  before_each(function()
    dir = scratch.new()
    assert(file.mkdirs(dir:path("t/sub/deep")))
    dir:write("outside", "secret")
    dir:write("t/inside", "text")
    folder = assert(file.folder(dir:path("t")))
  end)

  after_each(function()
    folder:close()
    dir:close()
  end)

  local function link(to, name)
    assert(os.execute(("ln -s %s %s"):format(shell.quote(to), shell.quote(dir:path(name)))))
  end

  local function write(path, bytes, options)
    local sink <close> = errors.check(folder:sink(path, options))
    task.await(sink:write(bytes))
    task.await(sink:commit())
  end

  --- The code of what each function of a folder says of a path.
  local function codes(path)
    local found = {}
    for _, name in ipairs({ "stat", "open", "sink", "check", "make", "remove", "list" }) do
      local done, err = folder[name](folder, path)
      found[name] = done and true or err.code
      if type(done) == "userdata" then
        done:close()
      end
    end
    return found
  end

  it("opens, makes and removes what is beneath", function()
    write("new/folders/x", "hello")
    assert.equal("hello", dir:read("t/new/folders/x"))
    assert.equal(448, file.stat(dir:path("t/new")).mode) -- 0700
    assert.equal(384, file.stat(dir:path("t/new/folders/x")).mode) -- 0600
    assert.equal(5, folder:stat("new/folders/x").size)
    local handle <close> = assert(folder:open("new/folders/x"))
    assert.equal("ell", task.await(handle:read(3, 1)))
    assert.is_true(folder:make("a/b/c"))
    assert.is_true(folder:make("a/b/c"))
    assert.equal("folder", folder:stat("a/b/c").type)
    assert.is_true(folder:remove("new/folders/x"))
    assert.is_true(folder:remove("new/folders", true))
    assert.equal("ENOENT", select(2, folder:stat("new/folders")).code)
    assert.equal("ENOTEMPTY", select(2, folder:remove("a", true)).code)
  end)

  it("replaces a file when told to, and only then", function()
    assert.equal("EEXIST", select(2, folder:sink("inside")).code)
    write("inside", "other", { force = true })
    assert.equal("other", dir:read("t/inside"))
    assert.equal("not_regular", select(2, folder:sink("sub", { force = true })).code)
    assert.equal("ENOTDIR", select(2, folder:sink("inside/x")).code)
  end)

  it("says what keeps a sink from opening as that does, and makes nothing", function()
    link("inside", "t/in")
    link("nowhere", "t/dangling")
    local names = { "inside", "sub", "sub/deep", "inside/x", "in", "in/x/y", "dangling/x", "sub/" }
    for _, name in ipairs(names) do
      for _, force in ipairs({ false, true }) do
        local opened, wrong = folder:sink(name, { force = force })
        if opened then
          opened:close()
        end
        local ok, said = folder:check(name, force)
        assert.same({ opened ~= nil, wrong }, { ok == true, said }, name)
      end
    end
    for _, name in ipairs({ "new", "sub/new", "new/a/b", "sub/deep/new/a" }) do
      assert.is_true(folder:check(name))
    end
    assert.is_nil(folder:stat("new"))
    assert.is_nil(folder:stat("sub/deep/new"))
  end)

  it("keeps a part beside a file, in the file's own folder", function()
    local sink = assert(folder:sink("p/x", { part = ".x.part" }))
    sink:close()
    assert.equal("file", file.stat(dir:path("t/p/.x.part")).type)
  end)

  it("lists names, those of folders with a slash", function()
    link("inside", "t/link")
    link("sub", "t/folder-link")
    local names = folder:list("")
    table.sort(names)
    assert.same({ "folder-link", "inside", "link", "sub/" }, names)
    assert.same({ "deep/" }, folder:list("sub"))
    assert.equal("too_many", select(2, folder:list("", 3)).code)
    assert.equal(4, #folder:list("", 4))
    assert.equal("ENOTDIR", select(2, folder:list("inside")).code)
  end)

  it("takes nothing for a name beneath that is none", function()
    for _, path in ipairs({
      "..",
      ".",
      "../outside",
      "sub/../../outside",
      "sub/..",
      "./inside",
      "sub/./x",
      "/etc/passwd",
      "//etc/passwd",
      "sub//deep",
      "sub/",
      dir:path("outside"),
    }) do
      local found = codes(path)
      for name, code in pairs(found) do
        assert.equal("outside", code, name .. " " .. path)
      end
    end
    assert.equal("outside", select(2, folder:stat("")).code)
    assert.equal("outside", select(2, folder:sink("")).code)
    assert.has_error(function()
      folder:sink("inside\0x")
    end)
    assert.equal("secret", dir:read("outside"))
  end)

  it("follows no link, wherever it leads", function()
    link("../outside", "t/out")
    link("inside", "t/in")
    link("..", "t/up")
    link("sub", "t/within")
    link("/", "t/root")
    link("nowhere", "t/dangling")
    local links = { "out", "in", "up", "within", "root", "dangling" }
    for _, name in ipairs(links) do
      local found = codes(name .. "/x")
      for operation, code in pairs(found) do
        assert.equal("link", code, operation .. " " .. name)
      end
      assert.equal("link", select(2, folder:open(name)).code, name)
      assert.equal("link", select(2, folder:list(name)).code, name)
      assert.equal("link", select(2, folder:make(name)).code, name)
      assert.equal("not_regular", select(2, folder:sink(name, { force = true })).code, name)
      assert.equal("link", folder:stat(name).type, name)
    end
    for _, name in ipairs(links) do
      assert.is_true(folder:remove(name))
    end
    assert.equal("secret", dir:read("outside"))
    assert.equal("text", dir:read("t/inside"))
    local names = folder:list("")
    table.sort(names)
    assert.same({ "inside", "sub/" }, names)
  end)

  it("stays in the folder that it opened when another takes its name", function()
    assert(os.rename(dir:path("t"), dir:path("moved")))
    link("/", "t")
    write("etc-x", "here")
    assert.equal("here", dir:read("moved/etc-x"))
  end)

  it("reads no device, fifo or folder as a file", function()
    assert(os.execute("mkfifo " .. shell.quote(dir:path("t/fifo"))))
    assert.equal("not_regular", select(2, folder:open("fifo")).code)
    assert.equal("not_regular", select(2, folder:open("sub")).code)
    assert.equal("not_regular", select(2, folder:sink("fifo", { force = true })).code)
  end)

  it("needs a folder that exists", function()
    assert.equal("ENOENT", select(2, file.folder(dir:path("none"))).code)
    assert.equal("ENOTDIR", select(2, file.folder(dir:path("outside"))).code)
    folder:close()
    assert.has_error(function()
      folder:list("")
    end)
  end)
end)
