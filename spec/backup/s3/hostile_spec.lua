-- Objects with hostile keys, saved into a folder that others have put links into.

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local sides = require("backup.s3.sides")
local task = require("awsbak.task")

local PARTS =
  { "a", "b", "..", ".", "", "link", "up", "etc", "x\0", "A", "ü", ("n"):rep(256), "\n" }

local function random_key()
  local parts = {}
  for i = 1, math.random(1, 5) do
    parts[i] = PARTS[math.random(#PARTS)]
  end
  return table.concat(parts, "/")
end

--- Distinct random keys as a listing has them.
local function random_listing()
  local keys, seen = {}, {}
  for _ = 1, math.random(1, 40) do
    local key = random_key()
    if not seen[key] then
      seen[key] = true
      keys[#keys + 1] = key
    end
  end
  table.sort(keys)
  local at = 0
  return keys, function()
    at = at + 1
    return keys[at] and { key = keys[at], size = 1 }
  end
end

--- All that is in a folder, and below it, as find sees it, with what is in the files.
local function contents(path)
  local line = "cd %s && find . -printf '%%p %%y %%l\\n' -type f -exec cat {} + | sort"
  local pipe <close> = assert(io.popen(line:format(shell.quote(path))))
  return pipe:read("a")
end

local function save(folder, path, bytes, force)
  local sink <close> = errors.check(folder:sink(path, { force = force }))
  task.await(sink:write(bytes))
  task.await(sink:commit())
  return true
end

describe("objects with hostile keys", function()
  it("are saved as files of the target, or reported, and nothing else is touched", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for round = 1, 12 do
      local said = ("seed %d, round %d"):format(seed, round)
      local dir <close> = scratch.new()
      assert(file.mkdirs(dir:path("world/t/a")))
      assert(file.mkdirs(dir:path("around")))
      dir:write("around/b", "not to be touched")
      for _, name in ipairs({ "t/link", "t/a/b", "t/etc" }) do
        local to = ({ "..", "../../around", dir:path("around"), "a" })[math.random(4)]
        local words = { "ln", "-s", to, dir:path("world/" .. name) }
        assert(os.execute(shell.join(words)))
      end
      local around = contents(dir:path("around"))

      local folder <close> = assert(file.folder(dir:path("world/t")))
      local keys, entries = random_listing()
      local saved, reported = {}, 0
      for entry in sides.objects(entries, "vault", "") do
        local body = "body of " .. entry.object.key
        local done = not entry.problem
          and errors.try(save, folder, entry.key, body, math.random(2) == 1)
        if done then
          saved[entry.key] = body
        else
          reported = reported + 1
        end
      end

      local count = 0
      for path, body in pairs(saved) do
        count = count + 1
        local handle <close> = assert(folder:open(path), said)
        assert.equal(body, task.await(handle:read(10000, 0)), said)
      end
      assert.equal(#keys, count + reported, said)
      assert.equal(around, contents(dir:path("around")), said)
      assert.same({ "t" }, file.list(dir:path("world")), said)
    end
  end)
end)
