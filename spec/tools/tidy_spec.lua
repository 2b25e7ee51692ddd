--- The checks of tools/tidy see what they are for, and the tree passes them.

-- What check `name` says of a file with this path and text.
local function findings(name, path, text)
  local lines, found = {}, {}
  for line in (text .. "\n"):gmatch("(.-)\n") do
    lines[#lines + 1] = line
  end
  require("tools.tidy." .. name)(path, lines, function(_, number, what)
    found[#found + 1] = number .. ": " .. what
  end)
  return table.concat(found, "\n")
end

describe("tidy", function()
  it("finds includes that point up", function()
    assert.equal(
      "1: wire/ may not include net/",
      findings("layers", "src/wire/json.c", '#include "net/loop.h"')
    )
    assert.equal(
      "1: only bind/ and host/ include Lua's headers",
      findings("layers", "src/base/buf.c", "#include <lauxlib.h>")
    )
    assert.equal("", findings("layers", "src/bind/json.c", "#include <lua.h>"))
  end)

  it("finds requires that point up", function()
    local text = '-- require("aws.client")\nlocal c = require("aws.client")'
    assert.equal(
      "2: lua/awsbak may not require aws.client",
      findings("layers", "lua/awsbak/log.lua", text)
    )
    assert.equal(
      "1: scripts may not require awsbak.http",
      findings("layers", "scripts/ssm/backup.lua", 'local h = require "awsbak.http"')
    )
    assert.equal("", findings("layers", "lua/backup/plan.lua", 'require("awsbak.errors")'))
  end)

  it("finds public functions without a comment, and arguments that are none", function()
    local module = "--- A module.\n\nlocal M = {}\n\n%sfunction M.f(a, b)\nend\n\nreturn M"
    assert.equal(
      "5: public function M.f has no --- comment",
      findings("comments", "lua/awsbak/m.lua", module:format(""))
    )
    assert.equal(
      "7: @param c is not an argument of M.f",
      findings("comments", "lua/awsbak/m.lua", module:format("--- F.\n---@param c string\n"))
    )
    assert.equal(
      "",
      findings("comments", "lua/awsbak/m.lua", module:format("--- F.\n---@param b string\n"))
    )
  end)

  it("finds them in a module that is returned with a metatable, too", function()
    local module = "--- A module.\n\nfunction M.f()\nend\n\nreturn setmetatable(M, {\n  x = 1,\n})"
    assert.equal(
      "3: public function M.f has no --- comment",
      findings("comments", "lua/awsbak/m.lua", module)
    )
  end)

  it("finds prototypes without a comment", function()
    local header = "/* net/loop.h - the loop. */\n\n%sbool ab_loop_wait(void);"
    assert.equal(
      "3: ab_loop_wait has no comment above it",
      findings("comments", "src/net/loop.h", header:format(""))
    )
    assert.equal("", findings("comments", "src/net/loop.h", header:format("/* Wait. */\n")))
  end)

  it("finds what is too long", function()
    local body = ("  x()\n"):rep(80)
    assert.equal(
      "1: a function of 81 lines; is it two?",
      findings("lengths", "lua/awsbak/m.lua", "local function f()\n" .. body .. "end")
    )
    local inner = "return policy({\n  run = function(o)\n" .. body .. "  end,\n})"
    assert.equal(
      "2: a function of 81 lines; is it two?",
      findings("lengths", "scripts/x.lua", inner)
    )
    assert.equal("", findings("lengths", "spec/x_spec.lua", inner))
    assert.matches("^450: 481 lines", findings("lengths", "tools/x.py", ("x\n"):rep(480)))
  end)

  it("finds words that may not stay", function()
    assert.equal("1: unfinished work: TO" .. "DO", findings("words", "dev", "# TO" .. "DO: later"))
    assert.equal("1: a path of one machine", findings("words", "README.md", "see /ro" .. "ot/x"))
    assert.equal(
      "1: strcpy() is not used here (docs/STYLE.md)",
      findings("words", "src/base/buf.c", "    strcpy(a, b);")
    )
    assert.equal("", findings("words", "src/base/buf.c", '    ab_fail("strcpy(a)"); /* gets() */'))
  end)

  it("finds nothing in this tree", function()
    local pipe = assert(io.popen("lua5.4 tools/tidy.lua 2>&1"))
    local said = pipe:read("a")
    assert.is_true(pipe:close(), said)
  end)
end)
