local diff = require("backup.s3.diff")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local sides = require("backup.s3.sides")
local walk = require("backup.s3.walk")

local function listing(keys)
  table.sort(keys)
  local at = 0
  return function()
    at = at + 1
    return keys[at] and { key = keys[at], size = keys[at]:sub(-1) == "/" and 0 or 1, modified = 5 }
  end
end

describe("backup.s3.sides", function()
  it("gives objects by the path that they have below a folder", function()
    local objects = sides.objects(listing({ "p/", "p/a/", "p/a/b", "p/c" }), "vault", "p/")
    local first, second = objects(), objects()
    assert.same({ "a/b", "c" }, { first.key, second.key })
    assert.equal("p/a/b", first.object.key)
    assert.is_nil(objects())
  end)

  it("tells of keys that are no paths, in their place", function()
    local found = {}
    for entry in sides.objects(listing({ "p/../x", "p//x", "p/a", "p/a/b", "q" }), "vault", "p/") do
      found[#found + 1] = entry.key .. " " .. (entry.problem and entry.problem.code or "fine")
    end
    assert.same({ "../x dots", "/x empty_part", "a fine", "a/b below_file", "q outside" }, found)
  end)

  it("says of a hostile key where it is and why it is left out", function()
    local entry = sides.objects(listing({ "p/../x" }), "vault", "p/")()
    assert.equal("s3://vault/p/../x is left out: a part of it is ..", entry.problem.message)
  end)

  it("gives files by the key that they have below a prefix", function()
    local dir <close> = scratch.new()
    dir:write("a", "1")
    dir:write("b\xff", "1")
    local folder <close> = assert(file.folder(dir.folder))
    local files = sides.files(walk.files(folder), "t", "p/")
    assert.equal("p/a", files().object_key)
    local entry = files()
    assert.same({ "b\xff", "encoding" }, { entry.key, entry.problem.code })
    assert.is_nil(files())
  end)

  it("lets nothing be deleted that a problem hides", function()
    local function from(keys)
      local at = 0
      return function()
        at = at + 1
        local key = keys[at]
        local name = key and key:gsub("?$", "")
        return key and { key = name, size = 1, modified = 1, problem = name ~= key and {} or nil }
      end
    end
    local found = {}
    local source = from({ "a", "d/?", "link?", "link0?", "z" })
    local target = from({ "b", "d-", "d/x", "d/y/z", "d0", "link", "link/x", "link0/y", "t?" })
    for step in diff.steps(source, target, { delete = true }) do
      found[#found + 1] = step.action .. " " .. step.key
    end
    assert.same({
      "copy a",
      "delete b",
      "delete d-",
      "skip d/",
      "delete d0",
      "skip link",
      "skip link0",
      "skip t",
      "copy z",
    }, found)
  end)
end)
