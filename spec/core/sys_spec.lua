local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local sys = require("awsbak.core.sys")

describe("sys", function()
  it("takes an empty variable for unset", function()
    assert.is_nil(sys.getenv("AWSBAK_NO_SUCH_VARIABLE"))
    assert.equal(os.getenv("PATH"), sys.getenv("PATH"))
    assert.equal(os.getenv("PATH"), sys.environ().PATH)
  end)

  it("changes the environment of the processes it starts too", function()
    local name = "AWSBAK_SYS_SPEC"
    sys.setenv(name, "x y")
    local pipe = io.popen("printf %s \"$" .. name .. '"')
    assert.same({ "x y", "x y" }, { pipe:read("a"), os.getenv(name) })
    pipe:close()
    sys.setenv(name)
    assert.is_nil(os.getenv(name))
    assert.has_error(function()
      sys.setenv("a=b", "c")
    end)
  end)

  it("has a clock that does not go back", function()
    local first = sys.monotonic()
    assert.is_true(sys.monotonic() >= first)
    assert.is_true(math.abs(sys.now() - os.time()) < 5)
  end)

  it("has random bytes of any length up to 64 KiB", function()
    assert.equal("", sys.random(0))
    assert.equal(65536, #sys.random(65536))
    assert.not_equal(sys.random(16), sys.random(16))
    assert.has_error(function()
      sys.random(65537)
    end)
    assert.has_error(function()
      sys.random(-1)
    end)
  end)

  it("knows where it is", function()
    assert.matches("^/", sys.exe())
    assert.matches("^/", sys.cwd())
    assert.matches("^/", sys.home())
    assert.matches(".", sys.hostname())
    assert.is_true(sys.pid() > 1 and sys.uid() >= 0)
    assert.is_true(sys.peak_rss() > 1e6)
    assert.equal("integer", math.type(sys.alloc_count())) -- 0 without AB_FAULTS
  end)

  it("says what is no terminal", function()
    assert.is_false(sys.isatty(1000000))
    assert.is_nil(sys.columns(1000000))
  end)

  it("refuses an answer that the terminal may have cut", function()
    local code = 'local s, e = require("awsbak.core.sys").read_password("> ") '
      .. "print(s and #s:reveal() or e.code)"
    for length, said in pairs({ [4094] = "4094", [4095] = "too_long", [5000] = "too_long" }) do
      local words = { "python3", "spec/support/terminal.py", program.path(), "-e", code }
      local dir <close> = scratch.new()
      local typed = dir:write("typed", ("x"):rep(length) .. "\n")
      local line = ("%s < %s"):format(shell.join(words), shell.quote(typed))
      local pipe <close> = io.popen(line)
      assert.equal("> \n" .. said .. "\n", pipe:read("a"))
    end
  end)

  it("says why it cannot write", function()
    local ok, err = sys.write(1000000, "x")
    assert.is_nil(ok)
    assert.same({ "io", "EBADF" }, { err.kind, err.code })
  end)
end)
