local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local scratch = require("spec.support.scratch")

describe("outside.with", function()
  local function zero()
    return 0
  end

  it("replaces functions while f runs and returns what f returns", function()
    local now = outside.now
    assert.same({ 0, "x" }, {
      outside.with({ now = zero }, function()
        return outside.now(), "x"
      end),
    })
    assert.equal(now, outside.now)
  end)

  it("puts them back after an error", function()
    local now = outside.now
    assert.is_false(pcall(outside.with, { now = zero }, error, "boom"))
    assert.equal(now, outside.now)
  end)

  it("refuses a name that is not there", function()
    assert.has_error(function()
      outside.with({ nwo = zero }, zero)
    end)
  end)
end)

describe("outside.read_file", function()
  it("reads a whole file", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "wb"))
    file:write("a\0b\n")
    file:close()
    assert.equal("a\0b\n", outside.read_file(path))
    os.remove(path)
  end)

  it("says which file cannot be read and why", function()
    local text, err = outside.read_file("/nowhere/at/all")
    assert.is_nil(text)
    assert.same({
      kind = "io",
      code = "ENOENT",
      message = "cannot read /nowhere/at/all: No such file or directory",
    }, err)
    assert.equal("EISDIR", select(2, outside.read_file("/")).code)
  end)
end)

describe("outside.write_private", function()
  it("makes files and folders that only their owner may use, and replaces what is there", function()
    local dir <close> = scratch.new()
    local path = dir:path("a/b/c.json")
    outside.write_private(path, "old")
    outside.write_private(path, "new")
    assert.equal("new", outside.read_file(path))
    assert.equal(tonumber("600", 8), outside.stat(path).mode)
    assert.equal(tonumber("700", 8), outside.stat(dir:path("a/b")).mode)
    assert.same({ "c.json" }, outside.list(dir:path("a/b")))
  end)

  it("leaves nothing behind when it cannot write", function()
    local dir <close> = scratch.new()
    outside.write_private(dir:path("f/x/y"), "")
    for _, name in ipairs({ "f/x", "f/x/y/z" }) do -- a folder; below a file
      local done, e = errors.try(outside.write_private, dir:path(name), "text")
      assert.is_nil(done)
      assert.equal("io", e.kind)
    end
    assert.same({ "x" }, outside.list(dir:path("f")))
  end)
end)

describe("outside.ask_hidden", function()
  it("escapes what it asks: a plugin or a setting may have written it", function()
    local sys = require("awsbak.core.sys")
    local read_password, asked = sys.read_password, nil
    sys.read_password = function(prompt)
      asked = prompt
    end
    outside.ask_hidden("PIN of \27[2J? ")
    sys.read_password = read_password
    assert.equal("PIN of \\x1b[2J? ", asked)
  end)
end)
