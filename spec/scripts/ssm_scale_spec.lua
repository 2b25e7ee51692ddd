--- Ten thousand parameters: time is spent on the wire, memory stays what it is for a hundred.

local operator = require("spec.support.operator")
local program = require("spec.support.program")
local server = require("spec.support.server")

local SANITIZED = program.is_sanitized() -- slow, and its memory is not ours
local COUNT = SANITIZED and 500 or 10000
local PEAK_MAX = 20 * 1000 * 1000 -- bytes

describe("ten thousand parameters #slow", function()
  local fake, empty, op

  setup(function()
    fake = server.start({ ssm = COUNT })
    empty = server.start({ ssm = 0 })
    op = operator.new(fake.url)
    op:keygen()
  end)

  teardown(function()
    op:close()
    fake:close()
    empty:close()
  end)

  -- Runs a policy in a program that then tells its peak memory.
  local function run(call, endpoint)
    local script = op.home:write(
      "run.lua",
      ([[
      local result = %s
      assert(result.ok == %d, "only " .. result.ok)
      io.stderr:write("peak ", require("awsbak.core.sys").peak_rss(), "\n")
    ]]):format(call, COUNT)
    )
    local result = op:must({ script }, { env = { AWS_ENDPOINT_URL = endpoint } })
    return math.tointeger(result.stderr:match("peak (%d+)"))
  end

  it("are saved and restored within bounded memory", function()
    local file = op:path("x.age")
    local backup = ("require('scripts.ssm.backup').run({ to = %q })"):format(file)
    local restore = ("require('scripts.ssm.restore').run({ from = %q })"):format(file)
    local peaks = { run(backup, fake.url), run(restore, empty.url) }
    if not SANITIZED then
      assert.is_true(peaks[1] < PEAK_MAX, "backup: " .. peaks[1])
      assert.is_true(peaks[2] < PEAK_MAX, "restore: " .. peaks[2])
    end
    assert.equal(COUNT, empty:counts().PutParameter)
  end)
end)
