local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

--- What a terminal shows when lines are typed at the prompt; a table is of variables.
local function type_lines(dir, ...)
  local lines, variables = { ... }, { "HOME=" .. dir:path() }
  if type(lines[#lines]) == "table" then
    for name, value in pairs(table.remove(lines)) do
      variables[#variables + 1] = name .. "=" .. value
    end
  end
  local input = dir:write("input", table.concat(lines, "\n") .. "\n")
  local command =
    "env TERM=dumb XDG_STATE_HOME= %s timeout 30 python3 spec/support/terminal.py %s <%s 2>&1"
  local pipe = io.popen(command:format(shell.join(variables), program.path(), input))
  local said = pipe:read("a")
  return said, select(3, pipe:close())
end

describe("the prompt", function()
  it("prints expressions, goes on after errors, and ends with the input", function()
    local dir <close> = scratch.new()
    local said, status = type_lines(
      dir,
      "1 + 1",
      "{ a = { 1, 'x' } }",
      "error('boom')",
      "undefined",
      "require('nowhere')",
      "x = 7",
      "x, nil"
    )
    for _, line in ipairs({
      "\n2\n",
      '\n{ a = { 1, "x" } }\n',
      "\nawsbak: error: prompt:1: boom\n",
      "undeclared global 'undefined'",
      "module 'nowhere' not found\n",
      "\n7\nnil\n",
    }) do
      assert.matches(line, said, 1, true)
    end
    assert.equal(0, status)
  end)

  it("goes on after a value, or an error, that cannot be shown", function()
    local dir <close> = scratch.new()
    local said, status = type_lines(
      dir,
      "setmetatable({}, { __tostring = function() error('not me') end }), 5",
      "setmetatable({}, { __pairs = function() error({}) end })",
      "setmetatable({}, { __tostring = function() return {} end })",
      "error(setmetatable({}, { __tostring = function() error('nor me') end }))",
      "6 + 1"
    )
    assert.matches("\n<table that cannot be shown: prompt:1: not me>\n5\n", said, 1, true)
    assert.matches("\n<table that cannot be shown: the error is not text but {}>\n", said, 1, true)
    assert.matches(": '__tostring' must return a string>\n", said, 1, true)
    assert.matches("\nawsbak: error: the error is a table that cannot be shown\n", said, 1, true)
    assert.matches("\n7\n", said, 1, true)
    assert.equal(0, status)
  end)

  it("keeps what is local from line to line", function()
    local dir <close> = scratch.new()
    local said = type_lines(
      dir,
      "local a, b = 1, 'x'; local function f() return a + 1 end",
      "a, b, f()",
      "do local inner = 1 end",
      "inner",
      "a = 5; return a"
    )
    for _, line in ipairs({ '\n1\n"x"\n2\n', "undeclared global 'inner'", "\n5\n" }) do
      assert.matches(line, said, 1, true)
    end
  end)

  it("gives each line the time of --timeout, and goes on", function()
    local dir <close> = scratch.new()
    local said, status = type_lines(dir, "while true do end", "6 * 7", { AWSBAK_TIMEOUT = "200ms" })
    assert.matches("awsbak: error: not done in the time --timeout gives\n", said, 1, true)
    assert.matches("\n42\n", said, 1, true)
    assert.equal(0, status)
  end)

  it("takes input of several lines", function()
    local dir <close> = scratch.new()
    assert.matches(
      "\n12\n",
      (type_lines(dir, "for i = 1, 2 do", "io.write(i)", "end io.write('\\n')")),
      1,
      true
    )
  end)

  it("keeps a history that only its user can read", function()
    local dir <close> = scratch.new()
    type_lines(dir, "'remember' .. 'ed'", " 'not ' .. 'this'")
    local path = ".local/state/awsbak/history"
    assert.matches("remember", dir:read(path), 1, true)
    assert.is_nil(dir:read(path):find("not", 1, true))
    local pipe = io.popen("stat -c %a " .. shell.quote(dir:path(path)))
    assert.equal("600\n", pipe:read("a"))
    pipe:close()
  end)

  it("completes at the tab key, and shows what is possible where that is not certain", function()
    local dir <close> = scratch.new()
    local said, status = type_lines(
      dir,
      "local s = require('aws.sec\t)",
      "aws.ssm.get_parameters_\t == aws.ssm.get_parameters_by_path, 'fields'",
      "'get_parameter' == ('get_parameter\t'), 'strings'",
      "s == aws.secretsmanager, 'modules'",
      "local t = { one = 1, only = setmetatable({}, { __fields = error, __argument = error }) }",
      "t.on\te, 'listed'",
      "t.only.\tx, 'an error'",
      "t.only.f{ \tx = 1 } or 'another'",
      "aws.ssm.put_para\t{ Na\t'/a', Val\t'v', Ty\t'securestring' }"
    )
    for _, line in ipairs({
      '\ntrue\n"fields"\n',
      '\ntrue\n"strings"\n',
      '\ntrue\n"modules"\n',
      "\none   only\n",
      '\n1\n"listed"\n',
      '\nnil\n"an error"\n',
      "error: ssm PutParameter: Type must be \"SecureString\", not \"securestring\"\n",
    }) do
      assert.matches(line, said, 1, true)
    end
    assert.equal(0, status)
  end)

  it("has .help, and names it where another command of the prompt was meant", function()
    local dir <close> = scratch.new()
    local said, status = type_lines(
      dir,
      ".help aws.ssm.put_parameter",
      ".he\tssm ls",
      ".help ssm.get_paramter",
      ".hlep ssm",
      "1 + 1"
    )
    for _, line in ipairs({
      "PutParameter of Amazon Simple Systems Manager (SSM); changes something\n",
      "https://docs.aws.amazon.com/goto/WebAPI/ssm-2014-11-06/PutParameter\n",
      "awsbak ssm ls [",
      'ssm has no operation "get_paramter"; did you mean get_parameter?\n',
      "there is no command '.hlep' of the prompt; did you mean '.help'?\n",
      "\n2\n",
    }) do
      assert.matches(line, said, 1, true)
    end
    assert.equal(0, status)
  end)
end)
