-- Dry runs of awsbak s3 sync and cp --recursive to a folder end as the runs would.

local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local OBJECTS <const> = {
  ["a"] = "a file is there",
  ["folder"] = "a folder is there",
  ["link"] = "a link is there",
  ["file/x"] = "a file is in the place of the folder",
  ["linked/x"] = "a link is",
  ["new/x/y"] = "nothing is there",
  ["z"] = "nor here",
}

describe("a dry run to a folder", function()
  local place, op, dir

  setup(function()
    place = faulty_s3.open("vault")
    op = place.op
    place:put(OBJECTS, "vault", "x/")
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
  end)

  after_each(function()
    dir:close()
  end)

  --- A folder in which much is in the way.
  local function target(name)
    local path = dir:write_all({ a = "there", ["folder/y"] = "1", file = "2" }, name)
    for _, link in ipairs({ "link", "linked" }) do
      assert(os.execute(shell.join({ "ln", "-s", "folder", path .. "/" .. link })))
    end
    return path
  end

  local function names(path)
    local pipe <close> = assert(io.popen(shell.join({ "find", path })))
    return pipe:read("a")
  end

  --- Its exit code, what it says, and its rows: of what is copied, that it is.
  local function outcome(...)
    local result = op:run({ "s3", ... })
    local rows, summary = op.rows(result)
    for _, row in ipairs(rows) do
      row.result = row.result:gsub("^to copy$", "copied"):gsub("^to delete$", "deleted")
    end
    return { result.status, result.stderr, rows, summary and summary.failed }
  end

  for _, words in ipairs({ "cp --recursive", "cp --recursive --force", "sync" }) do
    it("tells what is in the way: " .. words, function()
      local to, command = target("to"), {}
      for word in words:gmatch("%S+") do
        command[#command + 1] = word
      end
      table.move({ "s3://vault/x", to }, 1, 2, #command + 1, command)
      local before = names(to)
      local dry = outcome(command[1], "--dry-run", table.unpack(command, 2))
      assert.equal(before, names(to))
      local run = outcome(table.unpack(command))
      assert.same({ 3, 5 }, { run[1], run[4] })
      assert.same(run, dry)
    end)
  end

  it("takes what --delete would remove first for gone", function()
    local to = dir:write_all({ ["folder/y"] = "1", file = "2", ["z/y"] = "3" }, "to")
    local words = { "--delete", "--yes", "s3://vault/x", to }
    local dry = outcome("sync", "--dry-run", table.unpack(words))
    local run = outcome("sync", table.unpack(words))
    assert.same({ 0, "" }, { run[1], run[2] })
    local function by_key(rows)
      table.sort(rows, function(one, other)
        return one.key < other.key
      end)
      return rows
    end
    assert.same(by_key(run[3]), by_key(dry[3]))
  end)

  it("fails where the folder cannot be made, and makes none", function()
    dir:write("file", "")
    assert(os.execute(shell.join({ "ln", "-s", "nowhere", dir:path("link") })))
    for _, name in ipairs({ "file", "file/x/y", "link", "link/x" }) do
      for _, command in ipairs({ "sync", "cp" }) do
        local words = { "s3://vault/x", dir:path(name), command == "cp" and "--recursive" or nil }
        local run = outcome(command, table.unpack(words))
        assert.equal(1, run[1])
        assert.same(run, outcome(command, "--dry-run", table.unpack(words)))
      end
    end
    local dry = outcome("sync", "--dry-run", "s3://vault/x/new", dir:path("made/here"))
    assert.same({ 0, "x/y" }, { dry[1], dry[3][1].key })
    assert.is_nil(file.stat(dir:path("made")))
  end)
end)
