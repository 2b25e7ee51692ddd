-- What is said where the system opens no more files for us (ulimit -n).

local file = require("awsbak.core.file")
local operator = require("spec.support.operator")
local s3_store = require("spec.support.s3_store")

local HINT <const> = "raise the limit of open files (ulimit -n), or do less at once (--concurrency)"
local COUNT <const> = 40

describe("too many open files", function()
  local store, op

  setup(function()
    store = s3_store.start()
    op = operator.new(store.url)
  end)

  teardown(function()
    op:close()
    store:close()
  end)

  --- A run that may have so many files open.
  local function limited(most, words)
    local line = ('ulimit -n %d; exec "$0" "$@"'):format(most)
    return op:run(words, { prefix = { "sh", "-c", line } })
  end

  it("are files that fail, and what to do about them is said once", function()
    local folder = op:path("files")
    assert(file.mkdirs(folder))
    for i = 1, COUNT do
      op.home:write(("files/%d"):format(i), "bytes")
    end
    local words = { "s3", "cp", "--recursive", folder, "s3://vault/" }
    local result = limited(24, words)
    assert.equal(3, result.status, result.stderr)
    local rows = op.rows(result)
    local found = 0
    for _, row in ipairs(rows) do
      found = found + ((row.detail or ""):find("Too many open files", 1, true) and 1 or 0)
    end
    assert.is_true(found > 1)
    local before, after = result.stderr:find(HINT, 1, true)
    assert(before, result.stderr)
    assert.is_nil(result.stderr:find(HINT, after, true))
    table.move({ "--force", "--concurrency=2" }, 1, 2, #words + 1, words)
    result = limited(24, words)
    assert.equal(0, result.status, result.stderr)
  end)

  it("end a run that cannot do without them, with what to do", function()
    local script = [[
      local errors, file = require("awsbak.errors"), require("awsbak.core.file")
      local held = {}
      while true do
        held[#held + 1] = errors.check(file.open(%q))
      end
    ]]
    local result = limited(24, { "-e", script:format(op.home:write("one", "bytes")) })
    assert.equal(1, result.status)
    assert.matches("Too many open files; " .. HINT, result.stderr, 1, true)
  end)
end)
