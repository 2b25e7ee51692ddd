local embed = require("awsbak.core.embed")
local lines = require("awsbak.core.lines")

local MODELS_MAX = 600 * 1024

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
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
