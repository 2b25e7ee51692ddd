local file = require("awsbak.core.file")
local paths = require("backup.s3.paths")
local scratch = require("spec.support.scratch")

--- What take says of keys in order: a path, or the code of a problem in angle brackets.
local function taken(prefix, keys)
  local names, found = paths.new(prefix), {}
  for i, key in ipairs(keys) do
    local path, problem = names:take(key, 1)
    found[i] = path or "<" .. problem.code .. ">"
  end
  return found
end

local PIECES = {
  "a",
  "b",
  "A",
  ".",
  "..",
  "...",
  "/",
  "/",
  "//",
  "\0",
  "\n",
  "\\",
  "..\\",
  "~",
  " ",
  "\xff",
  "é",
  "e\u{301}",
  "CON",
  ":",
  ("x"):rep(255),
  ("y"):rep(256),
}

local function random_key()
  local parts = {}
  for i = 1, math.random(0, 7) do
    parts[i] = PIECES[math.random(#PIECES)]
  end
  return table.concat(parts)
end

--- Whether all of a path's parts are names that Linux takes for nothing but names.
local function is_below(path)
  for part in (path .. "/"):gmatch("([^/]*)/") do
    if part == "" or part == "." or part == ".." or #part > 255 then
      return false
    end
  end
  return not path:find("\0", 1, true)
end

describe("backup.s3.paths", function()
  it("gives the rest of a key, byte for byte", function()
    local keys = { "p/a", "p/a b\n\\..x", "p/b/c/d", "p/é", "p/…/..." }
    assert.same({ "a", "a b\n\\..x", "b/c/d", "é", "…/..." }, taken("p/", keys))
    assert.same(keys, taken("", keys))
  end)

  it("refuses what a file system would take for something else", function()
    for key, code in pairs({
      ["p/../x"] = "dots",
      ["p/.."] = "dots",
      ["p/."] = "dots",
      ["p/a/./b"] = "dots",
      ["p/a/../../../etc/passwd"] = "dots",
      ["p//etc/passwd"] = "empty_part",
      ["p/a//b"] = "empty_part",
      ["p/a\0b"] = "nul",
      ["p/" .. ("x"):rep(256)] = "too_long",
      ["p/" .. ("x/"):rep(512)] = "too_long",
      ["p/a/"] = "folder_with_bytes",
      ["p/"] = "folder_with_bytes",
      ["q/a"] = "outside",
      ["p"] = "outside",
      ["../p/a"] = "outside",
    }) do
      assert.same({ "<" .. code .. ">" }, taken("p/", { key }), key)
    end
    assert.same({ "<empty_part>", "<empty>" }, taken("", { "/etc/passwd", "" }))
  end)

  it("refuses the names of what has come of a download", function()
    local name = paths.part_name("some/big.file", "0a1b2c3d")
    assert.equal(".big.file.0a1b2c3d.awsbak-part", name)
    assert.is_true(paths.is_part(name))
    assert.is_true(paths.is_part("some/" .. name))
    assert.is_true(paths.is_part(paths.part_name(("x"):rep(255), "0a1b2c3d")))
    local refused = { name, "a/" .. name, name .. "/a", name:upper() }
    for _, key in ipairs(refused) do
      assert.same({ "<reserved>" }, taken("", { key }), key)
      local none, wrong = paths.new("p/"):key(key) -- what was uploaded would never come back
      assert.same({ nil, "reserved" }, { none, wrong and wrong.code }, key)
    end
    local others = { "big.0a1b2c3d.awsbak-part", ".a.0a1b2c.awsbak-part", ".awsbak-part" }
    others[4] = name .. "s"
    assert.same(others, taken("", others))
    for _, other in ipairs(others) do
      assert.is_false(paths.is_part(other))
    end
  end)

  it("takes an empty object that ends with a / for a folder", function()
    local names = paths.new("p/")
    assert.equal("", (names:take("p/", 0)))
    assert.equal("a/", (names:take("p/a/", 0)))
    assert.equal("b/c/", (names:take("p/b/c/", 0)))
    local wrong = { ["p//"] = "empty_part", ["p/../"] = "dots", ["p/a//"] = "empty_part" }
    for key, code in pairs(wrong) do
      local path, problem = names:take(key, 0)
      assert.is_nil(path)
      assert.equal(code, problem.code)
    end
  end)

  it("refuses keys below one that is a file, however many come in between", function()
    local keys = { "a", "a!", "a!/x", "a-b/c", "a.txt", "a/", "a/b", "a/b/c", "a0", "b/c", "b/c/d" }
    assert.same({
      "a",
      "a!",
      "<below_file>",
      "a-b/c",
      "a.txt",
      "<folder_with_bytes>",
      "<below_file>",
      "<below_file>",
      "a0",
      "b/c",
      "<below_file>",
    }, taken("", keys))
    local names = paths.new("")
    names:take("a", 1)
    assert.equal("below_file", select(2, names:take("a/", 0)).code)
  end)

  it("gives keys back, and refuses names that are no keys", function()
    local names = paths.new("p/")
    assert.equal("p/a/b", names:key("a/b"))
    for path, code in pairs({
      ["\xff"] = "encoding",
      [("x/"):rep(600) .. "x"] = "too_long",
      ["a//b"] = "empty_part",
      ["../a"] = "dots",
      [""] = "empty_part",
    }) do
      local key, problem = names:key(path)
      assert.is_nil(key)
      assert.equal(code, problem.code)
    end
  end)

  it("never leaves the folder, and never gives one path to two keys", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local dir <close> = scratch.new()
    for round = 1, 200 do
      local said = ("seed %d, round %d"):format(seed, round)
      local keys, seen = {}, {}
      for _ = 1, math.random(1, 30) do
        local key = random_key()
        if not seen[key] then
          seen[key] = true
          keys[#keys + 1] = key
        end
      end
      table.sort(keys)
      local prefix = ({ "", "a/", "../" })[math.random(3)]
      local names, files, used = paths.new(prefix), {}, {}
      for _, key in ipairs(keys) do
        local path = names:take(key, math.random(0, 1))
        if path and path ~= "" then
          local is_folder = path:sub(-1) == "/"
          assert.is_true(is_below(is_folder and path:sub(1, -2) or path), said)
          assert.is_nil(used[path], said)
          used[path] = true
          assert.equal(key, prefix .. path, said)
          if not is_folder then
            files[#files + 1] = path
            if utf8.len(key) then
              assert.equal(key, names:key(path), said)
            end
          end
        end
      end
      -- All of them can be there at once, on a real file system.
      if round <= 20 then
        local root = dir:path(("r%d/t"):format(round))
        assert(file.mkdirs(root))
        for _, path in ipairs(files) do
          assert(file.mkdirs((root .. "/" .. path):match("^(.*)/")), said)
          assert(file.create_exclusive(root .. "/" .. path, path), said)
        end
        assert.same({ "t" }, file.list(dir:path("r" .. round)), said)
      end
    end
  end)
end)
