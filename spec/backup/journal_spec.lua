-- What becomes of old journals; what journals are good for: spec/live/s3_transfer_spec.lua.

local file = require("awsbak.core.file")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

local DAY <const> = 86400

describe("opening a journal", function()
  it("removes those that nobody wrote for 30 days, and no other file", function()
    local dir <close> = scratch.new()
    local folder = dir:path("awsbak/transfers")
    assert(file.mkdirs(folder))

    --- A file that was written so long ago, open as a run has its own.
    local function left(name, days)
      local handle = assert(file.journal(folder .. "/" .. name))
      assert(handle:touch(os.time() - days * DAY))
      return handle
    end
    left("old.jsonl", 31):close()
    left("young.jsonl", 29):close()
    left("old.txt", 31):close()
    local _held <close> = left("held.jsonl", 31)

    local code = [[
      local journal = require("backup.transfer.journal")
      local one <close> = journal.open("/a", "s3://b/a", {})
      one:begin({ begun = true })
    ]]
    local run = program.run({ "-e", code }, { env = { XDG_STATE_HOME = dir:path() } })
    assert.equal(0, run.status, run.stderr)
    local names = {}
    for _, name in ipairs(assert(file.list(folder))) do
      names[name] = true
    end
    assert.is_nil(names["old.jsonl"])
    assert.is_true(names["young.jsonl"] and names["old.txt"] and names["held.jsonl"])
    assert.equal(4, #file.list(folder))
  end)
end)
