local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local function run(...)
  return program.run({ ... })
end

local function run_script(text, words, options)
  local dir <close> = scratch.new()
  local path = dir:write("script.lua", text)
  return program.run({ path, table.unpack(words or {}) }, options)
end

describe("awsbak", function()
  it("runs code, modules and scripts in the order they are given", function()
    local result = run("-l", "cjson", "-e", "x = 1", "-e", "print(x + 1, cjson.encode({}))")
    assert.same({ 0, "2\t{}\n", "" }, { result.status, result.stdout, result.stderr })
  end)

  it("gives a script all words after its name", function()
    local result =
      run_script("print(arg[0]:match('[^/]*$'), #arg, ...)", { "--region", "-v", "--", "x" })
    assert.equal("script.lua\t4\t--region\t-v\t--\tx\n", result.stdout)
  end)

  it("runs a script from standard input, named or not", function()
    assert.equal("7\ta\n", program.run({ "-", "a" }, { stdin = "#!x\nprint(7, ...)" }).stdout)
    assert.equal("8\n", program.run({}, { stdin = "print(8)" }).stdout)
  end)

  it("prints its version", function()
    local said = run("version")
    assert.matches("^awsbak %d+%.%d+%.%d+ %(Lua 5%.4%)\n$", said.stdout)
    assert.equal(said.stdout, run("-V").stdout)
  end)

  it("keeps tasks apart from the main chunk until both are done", function()
    local result = run_script([[
      local task = require("awsbak.task")
      task.spawn(function() task.sleep(0) print("child") end)
      print("main")
    ]])
    assert.equal("main\nchild\n", result.stdout)
  end)

  it("takes flags of every command before and after it", function()
    assert.equal(0, run("--region", "x", "version", "--profile=y", "-q").status)
    assert.equal(2, run("--output", "xml", "version").status)
  end)

  it("says how a script that is a policy is used", function()
    local dir <close> = scratch.new()
    local path = dir:write(
      "own.lua",
      [[return require("awsbak.policy")({ name = "own", summary = "Mine.", run = print })]]
    )
    local result = run(path, "--help")
    assert.equal(
      ("awsbak %s\n\nMine.\n\nFile: %s\n"):format(path, path),
      result.stdout .. result.stderr
    )
  end)

  it("has the program in arg where there is no script", function()
    assert.equal(program.path() .. "\t-e\n", run("-e", "print(arg[0], arg[1])").stdout)
  end)

  it("refuses an AWSBAK_LOG that is no level", function()
    local result = program.run({ "version" }, { env = { AWSBAK_LOG = "bogus" } })
    assert.equal(2, result.status)
    assert.equal(
      "awsbak: error: AWSBAK_LOG must be one of error, warning, info, debug, not 'bogus'\n",
      result.stderr
    )
  end)

  it("runs a script that returns a policy as a command", function()
    local result = run_script(
      [[
      return require("awsbak.policy")({
        name = "x", summary = "X.", options = { { "n", kind = "integer" } },
        run = function(o) return { ok = o.n, failed = 1 } end,
      })
    ]],
      { "--n", "3" }
    )
    assert.equal(3, result.status)
    assert.equal('{"failed":1,"ok":3,"type":"summary"}\n', result.stdout)
  end)
end)

describe("a mistake on the command line", function()
  for _, case in ipairs({
    { { "hepl" }, 2, "there is no command 'hepl'; did you mean 'help'?" },
    { { "-x" }, 2, "there is no option '-x'; `awsbak help` lists them" },
    { { "--regoin", "x" }, 2, "there is no option '--regoin'; did you mean '--region'?" },
    {
      { "version", "--regoin", "x" },
      2,
      "there is no option '--regoin'; did you mean '--region'?",
    },
    { { "version", "x" }, 2, "'x' is one argument too many" },
    { { "-e" }, 2, "-e needs a value: Lua code" },
    {
      { "--timeout", "soon", "version" },
      2,
      "--timeout must be a duration such as 90s, 5m or 1h30m, at least 0.001s, not 'soon'",
    },
    {
      { "--timeout", "0", "version" },
      2,
      "--timeout must be a duration such as 90s, 5m or 1h30m, at least 0.001s, not '0'",
    },
    {
      { "-l", "nosuch" },
      2,
      "there is no module 'nosuch'; `awsbak -e 'print(package.path)'` shows the folders where "
        .. "Lua's modules may be",
    },
    {
      { "-e", "print(1)", "version" },
      2,
      "-e goes before a script, not before the command 'version'; "
        .. [[a script runs commands with require("scripts.version").run{...}]],
    },
    { { "./none.lua" }, 1, "cannot open script ./none.lua: No such file or directory" },
  }) do
    it(("%s is said and ends with %d"):format(table.concat(case[1], " "), case[2]), function()
      local result = program.run(case[1])
      assert.same({ case[2], "", "awsbak: error: " .. case[3] .. "\n" }, {
        result.status,
        result.stdout,
        result.stderr,
      })
    end)
  end
end)

describe("an error in a script", function()
  it("is said with file and line, without a traceback", function()
    local result = run_script("local x\nx.y = 1")
    assert.equal(1, result.status)
    assert.matches(
      "^awsbak: error: /.*/script.lua:2: attempt to index a nil value %(local 'x'%)\n$",
      result.stderr
    )
  end)

  it("has a traceback under -v", function()
    local dir <close> = scratch.new()
    local path = dir:write("s.lua", "local function f() error('boom') end\nf()")
    local result = run("-v", path)
    assert.matches("s.lua:1: boom\nstack traceback:\n", result.stderr, 1, true)
    assert.matches("s.lua:2: in main chunk", result.stderr, 1, true)
  end)

  it("is escaped once, wherever it is printed", function()
    local dir <close> = scratch.new()
    local path = dir:write("s\27.lua", "error('a\\27b')")
    local result = run("-v", path)
    assert.matches("/s\\x1b.lua:1: a\\x1bb\nstack traceback:\n", result.stderr, 1, true)
    assert.matches("/s\\x1b.lua:1: in main chunk", result.stderr, 1, true)
    assert.is_nil(result.stderr:find("\27", 1, true))
    result = run_script("error({ a = '\\27\"', b = { 'c\\nd' } })")
    assert.matches([[{ a = "\x1b"", b = { "c d" } }]], result.stderr, 1, true)
    result = run("keygen", "--kms", "a\27b")
    assert.matches([[: "a\x1bb" is not the ARN]], result.stderr, 1, true)
    local lines = { { "a\27b" }, { "help", "a\27b" }, { "--a\27b" }, { "api", "a\27b", "x" } }
    for _, words in ipairs(lines) do
      result = run(table.unpack(words))
      assert.matches([[a\x1bb]], result.stderr, 1, true)
      assert.is_nil(result.stderr:find("\27", 1, true))
    end
  end)

  it("of syntax is said with file and line", function()
    local result = run_script("x = = 1")
    assert.equal(1, result.status)
    assert.matches("script.lua:1: unexpected symbol near '='\n$", result.stderr)
  end)

  it("of no text is shown as what it is", function()
    for code, shown in pairs({
      ["error({ a = { 'x' } })"] = '{ a = { "x" } }',
      ["error(nil)"] = "nil",
    }) do
      local result = run("-e", code)
      assert.equal(1, result.status)
      assert.equal("awsbak: error: the error is not text but " .. shown .. "\n", result.stderr)
    end
  end)

  it("is not called a defect of awsbak, whatever its folder is called", function()
    local dir <close> = scratch.new()
    os.execute("mkdir " .. shell.quote(dir:path("scripts")))
    dir:write("scripts/x.lua", "local x\nx.y = 1")
    for _, name in ipairs({ "scripts/x.lua", "./scripts/x.lua" }) do
      local pipe = io.popen(("cd %s && %s %s 2>&1"):format(
        shell.quote(dir:path()),
        shell.quote(program.path():gsub("^build", io.popen("pwd"):read("l") .. "/build")),
        name
      ))
      assert.equal(
        "awsbak: error: ./scripts/x.lua:2: attempt to index a nil value (local 'x')\n",
        pipe:read("a")
      )
      pipe:close()
    end
  end)

  it("is told once, however many tasks met it", function()
    local code = [[
      local task = require("awsbak.task")
      local function fail() task.shield(task.sleep, 0) error("the same", 0) end
      task.all({ fail, fail, fail })
    ]]
    assert.equal("awsbak: error: the same\n", run("-e", code).stderr)
  end)

  it("is told once where calls of one operation failed for one reason", function()
    local code = [[
      local task, errors = require("awsbak.task"), require("awsbak.errors")
      local function fail(name)
        return function()
          task.shield(task.sleep, 0)
          errors.raise({ kind = "reply", code = "x", service = "s", message = "not " .. name })
        end
      end
      task.all({ fail("a"), fail("b"), fail("c") })
    ]]
    assert.matches("^awsbak: error: s: not %a\n$", run("-e", code).stderr)
    assert.equal(3, select(2, run("-v", "-e", code).stderr:gsub("error: s: not", "")))
  end)

  it("cannot forge a line or move the cursor", function()
    local result = run("-e", [[error("\27[2Jx\nawsbak: error: forged", 0)]])
    assert.equal("awsbak: error: \\x1b[2Jx\n", result.stderr)
  end)

  it("shows what is no text for a terminal escaped, once", function()
    local said = run("api", "s3", "a\27\nb").stderr
    assert.matches([[s3 has no operation "a\x1b\nb"]], said, 1, true)
    said = run("-e", [[require("aws.s3").put_object({ ["a\nb"] = 1 })]]).stderr
    assert.matches([[the input has no member "a\nb"]], said, 1, true)
  end)
end)

describe("globals", function()
  it("that do not exist are an error in scripts", function()
    local result = run("-e", "print(prnit)")
    assert.matches("undeclared global 'prnit'; did you mean 'print'?", result.stderr, 1, true)
  end)

  it("are made in the main chunk, not in functions", function()
    assert.equal("1\n", run("-e", "x = 1 local function f() x = x end f() print(_G.x)").stdout)
    assert.matches(
      "assignment to undeclared global 'y'",
      run("-e", "(function() y = 1 end)()").stderr,
      1,
      true
    )
  end)
end)

describe("code", function()
  it("is not taken from the working directory, LUA_PATH, LUA_CPATH or LUA_INIT", function()
    local dir <close> = scratch.new()
    dir:write("evil.lua", "print('evil') return {}")
    dir:write("a.lua", "print(pcall(require, 'evil') and 'found' or 'not found')")
    local line = ("cd %s && LUA_PATH='./?.lua' LUA_INIT='print(1)' %s ./a.lua"):format(
      shell.quote(dir:path()),
      shell.quote(program.path():gsub("^build", io.popen("pwd"):read("l") .. "/build"))
    )
    assert.equal("not found\n", io.popen(line):read("a"))
  end)

  it("that asks for a module that is not there is told the nearest one", function()
    local said = run("-e", "require('aws.smm')").stderr
    assert.matches("module 'aws.smm' not found; did you mean 'aws.ssm'?\n", said, 1, true)
    said = run("-e", "require('quite.another')").stderr
    assert.matches("module 'quite.another' not found\n", said, 1, true)
  end)

  it("is text, never bytecode", function()
    local dir <close> = scratch.new()
    local path = dir:write("b.lua", string.dump(load("print(1)")))
    local result = run(path)
    assert.equal(2, result.status)
    assert.equal(
      "awsbak: error: "
        .. path
        .. " is compiled Lua, and scripts are text; run the source it was made of\n",
      result.stderr
    )
  end)
end)

describe("the end", function()
  it("is quiet when the reader of standard output is gone", function()
    local dir <close> = scratch.new()
    local command = ("%s -e 'while true do print(1) end' 2>%s | head -n 1"):format(
      shell.quote(program.path()),
      dir:path("err")
    )
    assert.equal("1\n", io.popen(command):read("a"))
    assert.equal("", dir:read("err"))
  end)

  it("is one error when standard output cannot take all", function()
    local dir <close> = scratch.new()
    local many = "for _ = 1, 1e5 do output.text('x') end"
    local collected = "require('awsbak.task').all({ function() %s end, function() %s end })"
    for _, code in ipairs({
      "print(1)",
      "print(1) os.exit(true)",
      "for _ = 1, 1e5 do print(1) end",
      "output.text('x')",
      many,
      collected:format(many, many),
      "output.stream(coroutine.wrap(function() coroutine.yield('x') end), 'it')",
      "output.take_stdout() output.text('x') output.summary('x', { ok = 1 })",
    }) do
      local words = { program.path(), "-e", "output = require('awsbak.output') " .. code }
      local line = ("%s >/dev/full 2>%s"):format(shell.join(words), dir:path("said"))
      local _, _, status = os.execute(line)
      assert.equal(1, status, code)
      local said = dir:read("said")
      assert.matches("^awsbak: error: cannot write standard output: [^\n]+\n$", said)
    end
  end)

  it("is os.exit's, after cleanup", function()
    local result = run(
      "-e",
      [[
      local t <close> = setmetatable({}, { __close = function() print("closed") end })
      os.exit(7)
    ]]
    )
    assert.same({ 7, "closed\n" }, { result.status, result.stdout })
  end)

  it("is os.exit's also of other values, and an error of the script for what is none", function()
    local codes = { [""] = 0, ["true"] = 0, ["false"] = 1, ["3.0"] = 3, ["256"] = 0 }
    for code, status in pairs(codes) do
      assert.equal(status, run("-e", ("os.exit(%s)"):format(code)).status)
    end
    local result = run("-e", "os.exit('x')")
    assert.equal(1, result.status)
    local wanted = "bad argument #1 to 'exit' (boolean or integer expected, got string)"
    assert.equal("awsbak: error: (command line):1: " .. wanted .. "\n", result.stderr)
  end)

  it("comes after --timeout with 124, however long it takes to say so", function()
    local code = [[
      local text = require("awsbak.text")
      local escape = text.escape
      text.escape = function(s)
        for _ = 1, 1e5 do
        end
        return escape(s)
      end
      while true do
      end
    ]]
    local result = run("--timeout", "100ms", "-e", code)
    assert.same(
      { 124, "awsbak: error: not done in the time --timeout gives\n" },
      { result.status, result.stderr }
    )
  end)

  it("comes after --timeout with 124, whatever the script does", function()
    for _, code in ipairs({
      "while true do end",
      "require('awsbak.task').sleep(60)",
      "coroutine.wrap(function() while true do end end)()",
    }) do
      local result = run("--timeout", "100ms", "-e", code)
      assert.same(
        { 124, "awsbak: error: not done in the time --timeout gives\n" },
        { result.status, result.stderr }
      )
    end
  end)

  it("comes with 130 or 143 after a signal, when the script has cleaned up", function()
    for name, status in pairs({ INT = 130, TERM = 143 }) do
      local code = [[
        local t <close> = setmetatable({}, { __close = function() print("closed") end })
        io.popen("kill -%s " .. require("awsbak.core.sys").pid()):close()
        %s
      ]]
      for _, what in ipairs({ "while true do end", "require('awsbak.task').sleep(60)" }) do
        local result = run("-e", code:format(name, what))
        assert.same(
          { status, "closed\n", "awsbak: error: interrupted\n" },
          { result.status, result.stdout, result.stderr }
        )
      end
    end
  end)

  it("comes at once with a second signal", function()
    local result = run(
      "-e",
      [[
      local pid = require("awsbak.core.sys").pid()
      pcall(function() io.popen("kill -INT " .. pid):close() while true do end end)
      io.popen("kill -INT " .. pid):close()
      print("alive")
    ]]
    )
    assert.same({ 130, "" }, { result.status, result.stdout })
  end)

  it("comes with 71 and a plain sentence when memory is out", function()
    local code = shell.quote("local s = 'x' while true do s = s .. s end")
    -- The sanitizer build cannot be short of addresses, but its allocations can be made to fail.
    local limit = "ulimit -v 400000;"
    if program.is_sanitized() then
      limit = "export AWSBAK_FAIL_ALLOC=9000 AWSBAK_FAIL_FOREVER=1;"
      code = shell.quote("local t = {} for i = 1, 1e6 do t[i] = {} end")
    end
    local command = ("%s exec %s -e %s 2>&1"):format(limit, program.path(), code)
    local pipe = io.popen(command)
    local said = pipe:read("a")
    local _, _, status = pipe:close()
    assert.same({ 71, "awsbak: error: out of memory\n" }, { status, said })
  end)
end)
