--- Answer the program age as its plugin age-plugin-awskms: a link of that name to awsbak does.

local agent = require("backup.age.agent")
local policy = require("awsbak.policy")

return policy({
  name = "age plugin",
  summary = "Answer the program age as its plugin for keys of AWS KMS.",
  description = "Is what awsbak does when it is started as age-plugin-awskms: with a link of that"
    .. " name in PATH, age encrypts to age1awskms1... and opens what is for keys of KMS."
    .. " `awsbak keygen --kms ARN` makes recipient and identity.",
  examples = { "ln -s $(command -v awsbak) ~/bin/age-plugin-awskms" },
  options = {
    {
      "age_plugin",
      required = true,
      help = "which of age's state machines: recipient-v1 or identity-v1",
    },
  },
  run = function(o)
    agent.run(o.age_plugin)
  end,
})
