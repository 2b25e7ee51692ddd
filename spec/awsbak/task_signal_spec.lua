local process = require("awsbak.core.process")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local task = require("awsbak.task")

local SIGINT, SIGTERM = 2, 15

--- Run a script in the program and send it a signal once it has said that it is ready.
local function interrupted(script, number)
  local quiet = 'exec "$0" "$@" 2>/dev/null' -- its stderr would be ours
  local words = { "sh", "-c", quiet, program.path(), "-e", script }
  local p <close> = assert(process.spawn({ argv = words }))
  local lines = {}
  for line in
    function()
      return task.await(p:read_line())
    end
  do
    lines[#lines + 1] = line
    if line == "ready" then
      p:kill(number)
    end
  end
  return task.await(p:wait()).status, table.concat(lines, " ")
end

local CLEANUP = [[
  io.stdout:setvbuf("line")
  local task = require("awsbak.task")
  local _ <close> = setmetatable({}, { __close = function()
    task.sleep(0.001)
    print("cleaned")
  end })
]]

local WAIT = [[ print("ready") task.sleep(100) ]]

describe("a signal", function()
  it("cancels the task that awaits, which cleans up before the program ends", function()
    local status, said = interrupted(CLEANUP .. WAIT, SIGINT)
    assert.equal("130 ready cleaned", status .. " " .. said)
    status, said = interrupted(CLEANUP .. WAIT, SIGTERM)
    assert.equal("143 ready cleaned", status .. " " .. said)
  end)

  it("cancels all tasks", function()
    local script = CLEANUP
      .. [[
      local function wait()
        local _ <close> = setmetatable({}, { __close = function()
          task.sleep(0.001)
          print("child")
        end })
        task.sleep(100)
      end
      task.spawn(function()
        task.sleep(0)
        print("ready")
      end)
      task.all({ wait, wait })
    ]]
    local status, said = interrupted(script, SIGINT)
    assert.equal("130 ready child child cleaned", status .. " " .. said)
  end)

  it("ends an await in place", function()
    local script = CLEANUP
      .. [[
      table.sort({ 2, 1 }, function(a, b)
        print("ready")
        task.sleep(100)
        return a < b
      end)
    ]]
    assert.equal(130, (interrupted(script, SIGINT)))
  end)

  it("ends the wait for a pipe that nobody writes into", function()
    local dir <close> = scratch.new()
    local pipe = dir:path("config")
    assert(os.execute("mkfifo " .. shell.quote(pipe)))
    local script = CLEANUP
      .. [[ print("ready") print(require("awsbak.outside").read_file(]]
      .. ("%q"):format(pipe)
      .. [[)) task.sleep(100) ]]
    assert.equal(130, (interrupted(script, SIGINT)))
  end)

  it("is not swallowed by a pcall around an await", function()
    local script = CLEANUP
      .. [[
      print("ready")
      while true do
        pcall(task.sleep, 100)
        task.sleep(0)
      end
    ]]
    local status, said = interrupted(script, SIGINT)
    assert.equal("130 ready cleaned", status .. " " .. said)
  end)
end)

describe("os.exit in a script", function()
  it("runs <close> variables of every task, then ends with its code", function()
    local result = program.run({
      "-e",
      [[
        local task = require("awsbak.task")
        local function note(name)
          return setmetatable({}, {
            __close = function()
              task.sleep(0.001)
              print(name)
            end,
          })
        end
        local _ <close> = note("caller")
        task.spawn(function()
          local _ <close> = note("child")
          task.sleep(100)
        end)
        task.sleep(0.001)
        os.exit(7)
      ]],
    })
    assert.equal(7, result.status)
    assert.equal("", result.stderr)
    assert.matches("child", result.stdout)
    assert.matches("caller", result.stdout)
  end)
end)
