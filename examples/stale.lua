--- Parameters nobody has changed for a while: awsbak examples/stale.lua --older-than 90d

local output = require("awsbak.output")
local outside = require("awsbak.outside")
local policy = require("awsbak.policy")
local ssm = require("aws.ssm")

return policy({
  name = "stale",
  summary = "List parameters that have not changed for a while.",
  options = {
    { "older_than", kind = "duration", default = "90d", help = "how long" },
  },
  run = function(o)
    local before = outside.now() - o.older_than
    local each = ssm.each.describe_parameters({ MaxResults = 50 })
    local count = output.rows({ "name", { key = "changed", kind = "time" }, "by" }, function()
      for p in each do
        if p.LastModifiedDate < before then
          return { name = p.Name, changed = p.LastModifiedDate, by = p.LastModifiedUser }
        end
      end
    end)
    return { ok = count }
  end,
})
