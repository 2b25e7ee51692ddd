local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local walk = require("backup.s3.walk")

local function collect(path)
  local folder <close> = assert(file.folder(path))
  local list, problems = {}, {}
  for entry in walk.files(folder) do
    if entry.problem then
      problems[#problems + 1] = entry.key .. " " .. entry.problem.code
    else
      list[#list + 1] = entry.key
    end
  end
  return list, problems
end

describe("backup.s3.walk", function()
  local dir

  before_each(function()
    dir = scratch.new()
    assert(file.mkdirs(dir:path("t")))
  end)

  after_each(function()
    dir:close()
  end)

  local function put(path, bytes)
    local whole = dir:path("t/" .. path)
    assert(file.mkdirs(whole:match("^(.*)/")))
    assert(file.create_exclusive(whole, bytes or ""))
  end

  it("gives files in the order of keys, where a slash is a byte like others", function()
    for _, path in ipairs({ "ab", "a/x", "a-b", "a/b/c", "a.txt", "a0", "Z", "é", "a/b-" }) do
      put(path)
    end
    local list, problems = collect(dir:path("t"))
    assert.same({ "Z", "a-b", "a.txt", "a/b-", "a/b/c", "a/x", "a0", "ab", "é" }, list)
    assert.same({}, problems)
  end)

  it("tells size and time", function()
    put("a/x", "12345")
    local folder <close> = assert(file.folder(dir:path("t")))
    local entry = walk.files(folder)()
    assert.equal("a/x", entry.key)
    assert.equal(5, entry.size)
    assert.equal(file.stat(dir:path("t/a/x")).mtime, entry.modified)
  end)

  it("passes over a folder that it is told to, without a look into it", function()
    put("a/b/x")
    put("a/c")
    put("b/x")
    local folder <close> = assert(file.folder(dir:path("t")))
    local asked, list = {}, {}
    local files = walk.files(folder, function(key)
      asked[#asked + 1] = key
      return key == "a/b/" or key == "b/"
    end)
    for entry in files do
      list[#list + 1] = entry.key
    end
    assert.same({ { "a/c" }, { "a/", "a/b/", "b/" } }, { list, asked })
  end)

  it("follows no link, and takes no device for a file", function()
    put("a/x")
    dir:write("secret", "x")
    local commands = {
      "ln -s ../secret " .. shell.quote(dir:path("t/link")),
      "ln -s / " .. shell.quote(dir:path("t/root")),
      "mkfifo " .. shell.quote(dir:path("t/a/fifo")),
    }
    for _, command in ipairs(commands) do
      assert(os.execute(command))
    end
    local list, problems = collect(dir:path("t"))
    assert.same({ "a/x" }, list)
    assert.same({ "a/fifo not_regular", "link not_regular", "root not_regular" }, problems)
  end)

  it("goes on when a folder became a link, or is gone", function()
    put("a/x")
    put("b/x")
    put("c/x")
    put("d/x")
    local folder <close> = assert(file.folder(dir:path("t")))
    local files = walk.files(folder)
    assert.equal("a/x", files().key)
    assert(
      os.execute("rm -r " .. shell.quote(dir:path("t/b")) .. " " .. shell.quote(dir:path("t/c")))
    )
    assert(os.execute("ln -s / " .. shell.quote(dir:path("t/b"))))
    local entry = files()
    assert.same({ "b/", "link" }, { entry.key, entry.problem.code })
    assert.equal("d/x", files().key)
    assert.is_nil(files())
  end)

  it("gives what sorting all keys gives, whatever the names", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local pieces = { "a", "b", "-", ".x", "0", " ", "\n", "\xff", "ä", "~", "A" }
    for round = 1, 15 do
      local keys, seen = {}, {}
      for _ = 1, math.random(0, 25) do
        local parts = {}
        for i = 1, math.random(1, 4) do
          parts[i] = pieces[math.random(#pieces)] .. pieces[math.random(#pieces)]
        end
        local key = ("r%d/%s"):format(round, table.concat(parts, "/"))
        local above = key:match("^(.*)/")
        local taken = seen[key] or file.stat(dir:path("t/" .. key))
        if not taken and file.mkdirs(dir:path("t/" .. above)) then
          put(key)
          seen[key] = true
          keys[#keys + 1] = key
        end
      end
      table.sort(keys)
      for i, key in ipairs(keys) do
        keys[i] = key:match("/(.*)$")
      end
      assert(file.mkdirs(dir:path("t/r" .. round)))
      local list = collect(dir:path("t/r" .. round))
      assert.same(keys, list, ("seed %d, round %d"):format(seed, round))
    end
  end)
end)
