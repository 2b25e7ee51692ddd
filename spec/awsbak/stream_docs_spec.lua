--- The examples of docs/streams.md run as they stand.

local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

describe("docs/streams.md", function()
  local page = assert(io.open("docs/streams.md")):read("a")
  local root = assert(io.popen("pwd")):read("l")
  local number = 0

  for code in page:gmatch("```lua\n(.-)```") do
    number = number + 1
    it("has an example " .. number .. " that runs", function()
      local dir <close> = scratch.new()
      dir:write("dump.sql", ("insert into t values (1);\n"):rep(20000))
      local exe = program.path()
      exe = exe:find("^/") and exe or root .. "/" .. exe
      local words = { exe, dir:write("x.lua", code) }
      local line = ("cd %s && %s 2>&1"):format(shell.quote(dir:path()), shell.join(words))
      local pipe = assert(io.popen(line))
      local said = pipe:read("a")
      assert.is_true(pipe:close(), said)
      local wanted = code:match("%-%-> ([^\n]+)")
      if wanted then
        assert.equal(wanted, (said:gsub("%s+", " "):match("^(.-)%s*$")))
      end
    end)
  end

  it("has examples", function()
    assert.equal(5, number)
  end)
end)
