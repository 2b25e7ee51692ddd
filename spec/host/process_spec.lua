local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

--- What `code` prints when the program runs as the user nobody, or as ourselves when we are not
--- root: root sees no difference.
local function as_nobody(code)
  local dir <close> = scratch.new()
  os.execute("chmod 755 " .. dir:path())
  local copy = dir:path("awsbak")
  os.execute(("cp %s %s && chmod 755 %s"):format(shell.quote(program.path()), copy, copy))
  local as = require("awsbak.core.sys").uid() == 0
      and "setpriv --reuid 65534 --regid 65534 --clear-groups "
    or ""
  local pipe = io.popen(("cd / && %s%s -e %s 2>&1"):format(as, copy, shell.quote(code)))
  local said = pipe:read("a")
  pipe:close()
  return said
end

describe("the process", function()
  local same_build = program.is_sanitized() and pending or it -- whose leak checker must look in

  same_build("is closed to other processes of the same user", function()
    local said = as_nobody([[
      local command = "cd /proc/%d; stat -c %%U environ; cat environ 2>&1"
      print(io.popen(command:format(require("awsbak.core.sys").pid())):read("a"))
    ]])
    assert.matches("^root\n", said)
    assert.matches("Permission denied", said, 1, true)
  end)

  same_build("leaves no core file", function()
    local said = as_nobody([[
      print(io.open("/proc/self/limits"):read("a"):match("Max core file size +(%d+ +%d+)"))
    ]])
    assert.matches("^0 +0\n", said)
  end)
end)
