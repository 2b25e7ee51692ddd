--- Run executable specs: busted's spec files, and .feature files with steps in Lua.

local policy = require("awsbak.policy")

return policy({
  name = "spec",
  summary = "Run busted specs and .feature files.",
  description = "All words go to busted; without any, the folder spec is run.\n"
    .. "The working directory is added to package.path.",
  examples = {
    "awsbak spec",
    "awsbak spec spec/awsbak -o TAP",
    "awsbak spec scripts/features/x.feature",
  },
  raw = true,
  run = function(o)
    return require("feature.runner").run(o.words)
  end,
})
