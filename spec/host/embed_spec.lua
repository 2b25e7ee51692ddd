local embed = require("awsbak.core.embed")
local lines = require("awsbak.core.lines")

local MODELS_MAX = 600 * 1024

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

--- The chunk of an embedded module, as `require` gets it.
local function loader(module)
  for _, searcher in ipairs(package.searchers) do
    local found = searcher(module)
    if type(found) == "function" then
      return found
    end
  end
end

describe("embed", function()
  it("keeps the models of all services in 600 KB", function()
    local bytes = embed.bytes("lua/aws/models/")
    assert.is_true(bytes > 0 and bytes <= MODELS_MAX, bytes .. " bytes")
    assert.is_true(bytes < embed.bytes(""))
    assert.equal(0, embed.bytes("lua/nowhere/"))
  end)

  it("gives files back as they are in the source tree", function()
    local names = embed.list("lua/aws/models/")
    assert.is_true(#names > 0)
    table.move({ "lua/aws/endpoint/partitions.txt", "lua/aws/model.lua" }, 1, 2, #names + 1, names)
    for _, name in ipairs(names) do
      assert.is_true(read(name) == embed.find(name), name)
    end
  end)

  it("has the code of modules as source gives it, without names of locals", function()
    local count = 0
    for _, name in ipairs(embed.list("lua/")) do
      local module = name:match("^lua/(.*)%.lua$")
      if module then
        local code, source = loader((module:gsub("/", "."))), assert(load(read(name), "=" .. name))
        assert.equal(string.dump(source, true), string.dump(code, true), name)
        assert.same(debug.getinfo(source, "SL"), debug.getinfo(code, "SL"), name)
        assert.is_true(#string.dump(code) <= #string.dump(source), name)
        count = count + 1
      end
    end
    assert.is_true(count > 100)
    assert.is_nil(debug.getlocal(require("awsbak.errors").try, 1))
  end)

  it("knows no other files", function()
    for _, name in ipairs({ "", "lua", "lua/aws/models/", "lua/aws/models/ssm", "/etc/passwd" }) do
      assert.is_nil(embed.find(name))
    end
  end)
end)

describe("embed.lines", function()
  local MODEL = "lua/aws/models/ssm.txt"

  it("gives a text that is searched as a string is", function()
    local text, string = embed.lines(MODEL), embed.find(MODEL)
    assert.equal("userdata", type(text))
    for line in string:gmatch("([^\n]*)\n") do
      assert.equal(line, lines.find(text, line .. "\n"))
    end
    assert.equal(string, lines.between(text, "", "\255"))
  end)

  it("knows no other files, and its text is of a kind of its own", function()
    assert.has_error(function()
      lines.find(io.stdout, "a")
    end)
    assert.is_nil(embed.lines("lua/aws/models/none.txt"))
  end)
end)
