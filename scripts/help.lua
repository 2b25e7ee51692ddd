--- Say what the commands are and how they are used, and what the services of AWS have.

local aws = require("aws.manual")
local commands = require("awsbak.commands")
local errors = require("awsbak.errors")
local manual = require("awsbak.manual")
local model = require("aws.model")
local names = require("aws.names")
local output = require("awsbak.output")
local policy = require("awsbak.policy")

local function is_of_aws(words)
  return words[1]:find(".", 1, true) or words[1] == "aws" or model.service(words[1])
end

--- What words mean: a command, or else something of AWS; the error says what is nearest.
local function page(words)
  local command, e = errors.try(commands.match, words, 1)
  if command then
    return manual.command(command)
  end
  local found, problem = errors.try(aws.page, table.concat(words, "."))
  if found then
    return found
  end
  local is_near_aws = is_of_aws(words) or problem.hint:find("^did you")
  local is_command = commands.is_group(words[1]) or not is_near_aws
  error(is_command and e or problem, 0)
end

--- A word that is a command's first one and a service, too: both.
local function group(word)
  output.text(manual.group(word))
  if model.service(word) then
    output.text("\n", aws.page(word))
  end
end

return policy({
  name = "help",
  summary = "Say what a command, or an operation of AWS, is and how it is used.",
  description = [[
Of AWS's services it says what the models do: `ssm` lists the operations, `ssm.put_parameter` shows
one with its members and errors, `ssm.put_parameter.Tier` a member, `ec2.wait.snapshot_completed` a
waiter, `aws` all services.]],
  options = {
    {
      "command",
      positional = true,
      many = true,
      help = "its words, or SERVICE.OPERATION",
      complete = function(word, words)
        local list = #words == 0 and names.topics(word) or {}
        return table.move(commands.next_words(words), 1, 99, #list + 1, list)
      end,
    },
  },
  examples = { "awsbak help", "awsbak help ssm backup", "awsbak help ssm.put_parameter" },
  run = function(o)
    local words = {}
    for word in table.concat(o.command, " "):gmatch("[^%s/]+") do
      words[#words + 1] = word
    end
    if #words == 0 then
      output.text(manual.overview())
    elseif #words == 1 and commands.is_group(words[1]) then
      group(words[1])
    else
      output.text(page(words))
    end
  end,
})
