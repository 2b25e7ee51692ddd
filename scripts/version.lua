--- Print the version.

local output = require("awsbak.output")
local policy = require("awsbak.policy")
local sys = require("awsbak.core.sys")

return policy({
  name = "version",
  summary = "Print the version.",
  run = function()
    output.take_stdout()
    output.text("awsbak ", sys.version, " (", _VERSION, ")\n")
  end,
})
