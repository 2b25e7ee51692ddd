--- Our modules need no host of ours: a stock lua5.4 loads each of them alone.

local shell = require("spec.support.shell")

local BUILD = os.getenv("AWSBAK_BUILD") or "build"

local function lines(command)
  local pipe = assert(io.popen(command))
  local found = {}
  for line in pipe:lines() do
    found[#found + 1] = line
  end
  local ok = pipe:close()
  return found, ok
end

local function stock(code)
  local paths = ("LUA_INIT= LUA_PATH='lua/?.lua;lua/?/init.lua' LUA_CPATH='%s/?.so'"):format(BUILD)
  local said, ok = lines(("%s lua5.4 -e %s 2>&1"):format(paths, shell.quote(code)))
  return ok, table.concat(said, "\n")
end

-- Gherkin features run inside busted, and what needs core.host is the program itself.
local function is_ours_alone(path)
  local file <close> = assert(io.open(path))
  return path:find("^lua/feature") or file:read("a"):find('require("awsbak.core.host")\n', 1, true)
end

-- The names of the modules in lua/, and of the core modules in awsbak.so.
local function modules()
  local names = {}
  for _, path in ipairs((lines("find lua -name '*.lua' | sort"))) do
    if not is_ours_alone(path) then
      names[#names + 1] = path:match("^lua/(.*)%.lua$"):gsub("/init$", ""):gsub("/", ".")
    end
  end
  for opener in io.lines("src/bind/modules.h") do
    local name = opener:match("luaopen_awsbak_core_(%w+)")
    names[#names + 1] = name and "awsbak.core." .. name
  end
  return names
end

describe("in a stock lua5.4", function()
  for _, name in ipairs(modules()) do
    it("loads " .. name, function()
      local ok, said = stock(("require(%q)"):format(name))
      assert.equal("", said)
      assert.is_true(ok)
    end)
  end

  it("makes a request", function()
    local server = require("spec.support.server")
    local s <close> = server.start()
    s:script("GET /hello", { { body = "from the server" } })
    local ok, said = stock(([[
      local http, task = require("awsbak.core.http"), require("awsbak.task")
      io.write(task.await(http.request({ method = "GET", url = "%s/hello" })).body)
    ]]):format(s.url))
    assert.equal("from the server", said)
    assert.is_true(ok)
  end)
end)
