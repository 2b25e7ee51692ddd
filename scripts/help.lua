--- Say what the commands are and how they are used.

local commands = require("awsbak.commands")
local manual = require("awsbak.manual")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

return policy({
  name = "help",
  summary = "Say what the commands are, or how one is used.",
  options = {
    { "command", positional = true, many = true, help = "the command's words" },
  },
  examples = { "awsbak help", "awsbak help ssm backup" },
  run = function(o)
    local words = {}
    for word in table.concat(o.command, " "):gmatch("[^%s/]+") do
      words[#words + 1] = word
    end
    if #words == 0 then
      output.text(manual.overview())
    elseif #words == 1 and not commands.find(words[1]) and #commands.members(words[1]) > 0 then
      output.text(manual.group(words[1]))
    else
      output.text(manual.command(commands.match(words, 1)))
    end
  end,
})
