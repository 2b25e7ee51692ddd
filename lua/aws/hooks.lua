--- Where a service behaves otherwise than its model says: the few places a call can be bent.
---
--- A service's hooks are functions, all optional:
---
---     build(call)
---         change `call.request` before it is signed the first time
---     correct(call, err, response) -> boolean
---         put right what made `err`; true: send again, at once, signed anew

local hooks = {}

local NONE = {}

-- Modules that hold hooks, by service; loaded with the first call, for they may need clients.
local modules = { s3 = "aws.s3.hooks" }

--- The hooks of a service; an empty table when it has none.
---@param service string "s3"
---@return table
function hooks.of(service)
  return modules[service] and require(modules[service]) or NONE
end

return hooks
