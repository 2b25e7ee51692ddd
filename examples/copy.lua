--- Copy parameters to another region, several at once, without overwriting:
---   awsbak examples/copy.lua --path /app --to-region eu-west-1

local aws = require("aws")
local policy = require("awsbak.policy")
local ssm = require("aws.ssm")
local task = require("awsbak.task")

return policy({
  name = "copy",
  summary = "Copy parameters to another region.",
  options = {
    { "path", many = true, help = "only this parameter and those below it" },
    { "to_region", required = true, help = "the other region" },
  },
  run = function(o)
    local there = ssm.new({ region = o.to_region })
    local result = { ok = 0, skipped = 0 }
    task.each(ssm.snapshot({ paths = o.path, labels = false }), 10, function(p)
      local put = { Name = p.name, Type = p.type, Value = p.value, Description = p.description }
      local done, e = aws.try(there.put_parameter, put)
      if e and e.code ~= "ParameterAlreadyExists" then
        error(e, 0)
      end
      local count = done and "ok" or "skipped"
      result[count] = result[count] + 1
    end)
    return result
  end,
})
