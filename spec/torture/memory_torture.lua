--- The program survives running out of memory anywhere: each seventh allocation of a run is made to
--- fail, once alone and once with all that follow. Needs a build with AB_FAULTS (the asan preset).

local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local shell = require("spec.support.shell")

local PROGRAM = assert(os.getenv("AWSBAK_PROGRAM"), "AWSBAK_PROGRAM names the build with AB_FAULTS")
local STEP = 7

-- A sanitizer that finds something must be told apart from an error of ours.
local SANITIZERS = "ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=exitcode=99"

local COUNT = [[
io.stderr:write(require("awsbak.core.sys").alloc_count())]]

local function shell_lines(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do
    lines[#lines + 1] = line
  end
  pipe:close()
  return lines
end

-- How many allocations a run of `code` makes when none fails.
local function allocations(code)
  local words = shell.quote(code .. COUNT)
  local lines = shell_lines(("%s -e %s 2>&1 >/dev/null"):format(PROGRAM, words))
  return assert(tonumber(lines[#lines]), table.concat(lines, "\n"))
end

-- Run `code` once for each seventh point; rows { at, status, stdout, stderr }.
local function runs(code, more)
  local dir <close> = scratch.new()
  local script = dir:write("run.sh", ([[
AWSBAK_FAIL_ALLOC=$1 %s %s timeout 20 %s -e %s >%s/$1.out 2>%s/$1.err </dev/null
echo "$1 $?"
]]):format(more, SANITIZERS, PROGRAM, shell.quote(code), dir:path(), dir:path()))
  local loop = ("seq 1 %d %d | xargs -P 2 -n 1 sh %s"):format(STEP, allocations(code), script)
  local rows = {}
  for _, line in ipairs(shell_lines(loop)) do
    local at, status = line:match("^(%d+) (%d+)$")
    rows[#rows + 1] = {
      at = at,
      status = math.tointeger(tonumber(status)),
      stdout = dir:read(at .. ".out"),
      stderr = dir:read(at .. ".err"),
    }
  end
  return rows
end

-- Either the run was right in spite of the failure, or it ended with an error that names memory.
local function check(code, expected, more)
  local rows = runs(code, more)
  assert.is_true(#rows > 10)
  for _, row in ipairs(rows) do
    local said = ("allocation %s failed, exit %d\n%s"):format(row.at, row.status, row.stderr)
    assert.is_nil(row.stderr:find("Sanitizer") or row.stderr:find("runtime error:"), said)
    if row.status == 0 then
      assert.equal(expected, row.stdout, said)
    else
      assert.is_true(row.status < 99, said)
      assert.is_truthy(row.stderr:find("memory"), said)
    end
  end
end

describe("out of memory", function()
  local request, running

  setup(function()
    running = server.start()
    running:script("GET /hello", { { body = "whole", times = -1 } })
    request = ([[
      local http, task = require("awsbak.http"), require("awsbak.task")
      task.run(function()
        print(http.send({ method = "GET", url = "%s/hello", headers = {} }).body)
      end)
    ]]):format(running.url)
  end)

  teardown(function()
    running:close()
  end)

  it("once, while the program starts", function()
    check("print(1)", "1\n", "")
  end)

  it("for good, while the program starts", function()
    check("print(1)", "1\n", "AWSBAK_FAIL_FOREVER=1")
  end)

  it("once, during a request", function()
    check(request, "whole\n", "")
  end)

  it("for good, during a request", function()
    check(request, "whole\n", "AWSBAK_FAIL_FOREVER=1")
  end)
end)
