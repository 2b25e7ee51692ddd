local names = require("backup.archive.names")

describe("backup.archive.names", function()
  it("takes each name once", function()
    local set = names.new()
    assert.is_true(set:add("/a"))
    assert.is_false(set:add("/a"))
    assert.is_true(set:add("/b"))
    assert.is_true(set:get("/a"))
    assert.is_nil(set:get("/c"))
  end)

  it("keeps a value of each, and memory that names of any length share", function()
    local map = names.new()
    collectgarbage()
    local before = collectgarbage("count")
    for i = 1, 4096 do
      map:add(("/a"):rep(500) .. i, i)
    end
    collectgarbage()
    assert.equal(7, map:get(("/a"):rep(500) .. 7))
    assert.is_true(collectgarbage("count") - before < 64 * 4)
  end)
end)
