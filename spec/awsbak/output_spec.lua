local output = require("awsbak.output")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

--- Run code that uses `output` in the program, with its standard output not a terminal.
local function run(code, mode)
  code = 'local output = require("awsbak.output") ' .. code
  return program.run(mode and { "--output", mode, "-e", code } or { "-e", code })
end

local ROWS = [[output.rows({ "name", { key = "size", kind = "size" } },
  { { name = "/a", size = 2048 }, { name = "/b\n", size = 1 } })]]

describe("output.rows", function()
  it("is JSON lines where no terminal is", function()
    assert.equal('{"name":"/a","size":2048}\n{"name":"/b\\n","size":1}\n', run(ROWS).stdout)
  end)

  it("is a table when asked for one, with control characters escaped", function()
    local said = run(ROWS, "table")
    assert.equal("NAME     SIZE\n/a    2.0 KiB\n/b\\n      1 B\n", said.stdout)
  end)

  it("shows bytes that are not UTF-8, which JSON has not", function()
    local code = [[
      local row = { name = "a\xff", list = require("awsbak.core.json").array({ "\xfe" }) }
      output.rows({ "name" }, { row, { name = "\u{e9}\\" } })
    ]]
    local odd = [[{"list":["\\xfe"],"name":"a\\xff"}]]
    assert.equal(odd .. '\n{"name":"\u{e9}\\\\"}\n', run(code).stdout)
    assert.matches(odd, run(code, "json").stdout, 1, true)
    local item = [[output.item({ name = "a\xff" })]]
    for _, mode in ipairs({ "json", "jsonl" }) do
      assert.matches([[\\xff"]], run(item, mode).stdout, 1, true)
    end
    local words = { "--query", "[].list", "-e", 'local output = require("awsbak.output")' .. code }
    local picked = program.run(words)
    assert.equal('[["\\\\xfe"]]\n', picked.stdout)
  end)

  it("takes an iterator, and returns the count", function()
    local code = [[
      local i = 0
      print(output.rows({ "n" }, function() i = i + 1 return i <= 3 and { n = i } or nil end))
    ]]
    assert.equal('{"n":1}\n{"n":2}\n{"n":3}\n3\n', run(code).stdout)
  end)

  it("is one whole document of JSON where a script ends by os.exit", function()
    local exits = {
      "os.exit(3)",
      "require('awsbak.task').all({ function() os.exit(3) end })",
      "coroutine.wrap(function() os.exit(3) end)()",
    }
    for _, exit in ipairs(exits) do
      local ended = run(ROWS .. exit, "json")
      assert.equal(3, ended.status)
      assert.same(run(ROWS, "json").stdout, ended.stdout)
    end
    local failed = run(ROWS .. "error('no')", "json")
    assert.not_matches("]}", failed.stdout, 1, true)
  end)

  it("comes before a stream that follows it, and after one that it follows", function()
    local code = [[
      output.text("before\n")
      output.stream(coroutine.wrap(function() coroutine.yield("in\n") end), "it")
      output.text("after\n")
    ]]
    assert.equal("before\nin\nafter\n", run(code).stdout)
  end)

  it("shows rows beyond the first thousand too", function()
    local code = [[
      local i = 0
      output.rows({ "n" }, function() i = i + 1 return i <= 2500 and { n = i } or nil end)
    ]]
    local said = run(code, "table")
    local count = select(2, said.stdout:gsub("\n", ""))
    assert.equal(2501, count)
  end)
end)

describe("output with --query", function()
  local function query(expression, mode, code)
    code = 'local output = require("awsbak.output") ' .. (code or ROWS)
    local words = { "--query", expression, "--output", mode or "jsonl", "-e", code }
    return program.run(words)
  end

  it("sees the list of all rows", function()
    assert.equal('["/a"]\n', query("[?size>`1`].name").stdout)
    assert.equal("2049\n", query("sum([].size)", "json").stdout)
    assert.equal("null\n", query("nothing").stdout)
  end)

  it("sees a record", function()
    assert.equal('{"x":"a"}\n', query("{x: n}", "jsonl", 'output.item({ n = "a", m = 1 })').stdout)
  end)

  it("escapes once what is not UTF-8", function()
    local code = [[output.rows({ "n" }, { { n = "a\xff\\" }, { n = "b" } })]]
    local cases = {
      { "[].n", "a\\xff\\\\\nb\n", [=[["a\\xff\\\\","b"]]=] },
      { "@", "N\na\\xff\\\\\nb\n", [=[[{"n":"a\\xff\\\\"},{"n":"b"}]]=] },
      { "[0]", "n  a\\xff\\\\\n", [=[{"n":"a\\xff\\\\"}]=] },
      { "[0].n", "a\\xff\\\\\n", [=["a\\xff\\\\"]=] },
      { "join(',', [].n)", "a\\xff\\\\,b\n", [=["a\\xff\\\\,b"]=] },
      { "[0].[n]|[@]", '[\n  [\n    "a\\\\xff\\\\\\\\"\n  ]\n]\n', [=[[["a\\xff\\\\"]]]=] },
    }
    for _, case in ipairs(cases) do
      assert.equal(case[2], query(case[1], "table", code).stdout)
      assert.equal(case[3] .. "\n", query(case[1], "jsonl", code).stdout)
    end
    local odd = [[output.rows({ "n" }, { { ["a\27\xff"] = 1 } })]]
    assert.equal("A\\x1b\\xff\n        1\n", query("@", "table", odd).stdout)
  end)

  it("is for people a table, a word a line, or JSON where it is deep", function()
    assert.equal("NAME  SIZE\n/a    2048\n/b\\n     1\n", query("@", "table").stdout)
    assert.equal("/a\n/b\\n\n", query("[].name", "table").stdout)
    assert.equal("name  /a\nsize  2048\n", query("[0]", "table").stdout)
    assert.equal('[\n  [\n    "/a"\n  ]\n]\n', query("[:1].[name]", "table").stdout)
  end)

  it("leaves the summary to standard error", function()
    local said = query("[0].size", "json", ROWS .. ' output.summary("x", { ok = 2 })')
    assert.same({ "2048\n", "x: 2 ok\n" }, { said.stdout, said.stderr })
  end)

  it("sees the result of a run that wrote no rows", function()
    local result = 'output.summary("x", { ok = 1, bytes = 3, exit_code = 4 })'
    local said = query("[ok, bytes]", "json", result)
    assert.same({ "[\n  1,\n  3\n]\n", "x: 1 ok, bytes 3\n" }, { said.stdout, said.stderr })
    assert.equal('{"bytes":3,"ok":1,"type":"summary"}\n', query("@", "jsonl", result).stdout)
    assert.equal("3\n", query("bytes", "table", result).stdout)
    assert.equal("null\n", query("exit_code", "jsonl", result).stdout)
    assert.equal("[]\n", query("[].n", "jsonl", "output.rows({}, {}) " .. result).stdout)
  end)

  it("fails on a result after it was told", function()
    local failed = query("abs(at)", "jsonl", 'output.summary("x", { ok = 1, at = "a" })')
    assert.same({ 1, "" }, { failed.status, failed.stdout })
    local told = "^x: 1 ok, at a\nawsbak: error: x has ended, but %-%-query failed on its result: "
    assert.matches(told .. "the JMESPath function abs[^\n]*\n$", failed.stderr)
  end)

  it("is refused where standard output carries something else, but for its variable", function()
    local code = 'output.take_stdout() output.text("x") output.summary("x", { ok = 1 })'
    local refused = query("ok", "jsonl", code)
    assert.same({ 2, "" }, { refused.status, refused.stdout })
    assert.matches("^awsbak: error: %-%-query picks of rows[^\n]*\n$", refused.stderr)
    code = 'local output = require("awsbak.output") ' .. code
    local ran = program.run({ "-e", code }, { env = { AWSBAK_QUERY = "ok" } })
    assert.same({ 0, "x", "x: 1 ok\n" }, { ran.status, ran.stdout, ran.stderr })
  end)

  it("is said to pick of nothing where there is nothing", function()
    local said = query("a", "jsonl", 'output.summary("x")')
    assert.same({ 0, "" }, { said.status, said.stdout })
    assert.matches("x has no rows and no result", said.stderr, 1, true)
    said = query("a", "jsonl", 'output.item({ a = 1 }) output.summary("x")')
    assert.same({ "1\n", "" }, { said.stdout, said.stderr })
  end)

  it("is named when it fails on what is there", function()
    local failed = query("[].abs(name)")
    assert.equal(2, failed.status)
    assert.equal(
      "awsbak: error: the JMESPath function abs: its argument 1 is string, not number;"
        .. ' --query is "[].abs(name)"\n',
      failed.stderr
    )
  end)

  it("is refused before a script begins, with the place", function()
    local said = query("[?size>", "jsonl", "print(1)")
    assert.same({ 2, "" }, { said.status, said.stdout })
    assert.matches("is wrong at character 8", said.stderr, 1, true)
  end)
end)

describe("output.summary", function()
  local function summary(result, mode)
    return run(('output.summary("x", %s)'):format(result), mode)
  end

  it("is the last JSON line where no terminal is", function()
    assert.equal(
      '{"failed":0,"ok":2,"type":"summary"}\n',
      summary("{ ok = 2, failed = 0, exit_code = 4 }").stdout
    )
  end)

  it("is a sentence on standard error beside a table", function()
    local said =
      summary('{ ok = 2, failed = 1, skipped = 0, location = "a.age", bytes = 3 }', "table")
    assert.equal("", said.stdout)
    assert.equal("x: 2 ok, 1 failed, 0 skipped, bytes 3, location a.age\n", said.stderr)
  end)

  it("says when there was nothing to do", function()
    assert.equal("x: nothing to do\n", summary("{ ok = 0, failed = 0 }", "table").stderr)
    local dry = "{ ok = 0, failed = 0, to_copy = %d }"
    assert.equal("x: nothing to do\n", summary(dry:format(0), "table").stderr)
    assert.equal("x: 0 ok, 0 failed, to copy 2\n", summary(dry:format(2), "table").stderr)
  end)

  it("stays off standard output when an archive is there", function()
    assert.equal("", summary('{ ok = 1, location = "-" }').stdout)
    assert.equal("x: 1 ok\n", run('output.take_stdout() output.summary("x", { ok = 1 })').stderr)
  end)

  it("ends the one document of --output json", function()
    local said = run(ROWS .. ' output.summary("x", { ok = 2 })', "json")
    local document = require("awsbak.core.json").decode(said.stdout)
    assert.same({ 2, 2 }, { #document.items, document.summary.ok })
  end)

  it("ends it also where there is none", function()
    local dir <close> = scratch.new()
    local script = ('local output = require("awsbak.output") %s'):format(ROWS)
    local policy = ([[return require("awsbak.policy")({
      name = "x",
      summary = "X.",
      run = function() %s end,
    })]]):format(script)
    for _, words in ipairs({
      { "-e", script },
      { dir:write("script.lua", script) },
      { dir:write("policy.lua", policy) },
    }) do
      local said = program.run({ "--output", "json", table.unpack(words) })
      local document = require("awsbak.core.json").decode(said.stdout)
      assert.equal("/a", document and document.items[1].name, said.stderr)
    end
    local broken = run(ROWS .. ' error("x")', "json").stdout
    assert.is_nil((require("awsbak.core.json").decode(broken)))
  end)
end)

describe("output.item", function()
  it("is one JSON object, or names and values", function()
    assert.equal('{"a":1}\n', run("output.item({ a = 1 })").stdout)
    local said = run('output.item({ a = 1, bc = "x" })', "table")
    assert.equal("a   1\nbc  x\n", said.stdout)
  end)
end)

describe("output.collect", function()
  it("keeps what would be written, and what f returns", function()
    local collected, result = output.collect(function()
      output.rows({ "n" }, { { n = 1 } })
      output.item({ m = 2 })
      return "done"
    end)
    assert.same({ { { n = 1 }, { m = 2 } }, "done" }, { collected.items, result })
  end)

  it("keeps apart what tasks write at the same time", function()
    local function collect(name)
      return function()
        local collected = output.collect(function()
          task.sleep(0)
          output.item({ by = name })
          task.sleep(0)
        end)
        return collected.items
      end
    end
    local a, b = task.all({ collect("a"), collect("b") })
    assert.same({ { { by = "a" } }, { { by = "b" } } }, { a, b })
  end)
end)

describe("a terminal", function()
  it("gets a table, cut to its width", function()
    local dir <close> = scratch.new()
    local path = dir:write(
      "t.lua",
      [[
      require("awsbak.output").rows({ "name", "b" }, { { name = "/a", b = ("x"):rep(300) } })
    ]]
    )
    local words = { "sh", "-c", 'stty cols 40; exec "$@"', "sh", program.path(), path }
    local command = "python3 spec/support/terminal.py /usr/bin/env %s </dev/null"
    local pipe = io.popen(command:format(shell.join(words)))
    local said = pipe:read("a")
    pipe:close()
    assert.equal("NAME  B\n/a    " .. ("x"):rep(33) .. "…\n", said)
  end)

  it("is not acted on by JSON", function()
    local dir <close> = scratch.new()
    local code = [[
      local output = require("awsbak.output")
      output.rows({ "name" }, { { name = "\u{9b}2Jé\27" }, { name = "\u{202e}" } })
    ]]
    local path = dir:write("t.lua", code)
    for _, mode in ipairs({ "json", "jsonl" }) do
      local words = { program.path(), "--output", mode, path }
      local command = "python3 spec/support/terminal.py %s </dev/null"
      local pipe = io.popen(command:format(shell.join(words)))
      local said = pipe:read("a")
      pipe:close()
      assert.matches([["\u009b2Jé\u001b"]], said, 1, true)
      assert.matches([["\u202e"]], said, 1, true)
    end
  end)
end)
