--- Where a service behaves otherwise than its model says: the few places a call can be bent.
---
--- A service's hooks are functions, all optional:
---
---     input(call) -> input
---         the input in the form the service wants it, before the request is built from it
---     build(call)
---         change `call.request` before it is signed the first time
---     sign(call, request)
---         add to the signed request of one attempt what else proves who sends it, or refuse to
---         send it where it would go
---     correct(call, err, response) -> boolean
---         put right what made `err`; true: send again, at once, signed anew
---     output(call, output)
---         change the output into the form that people want, or refuse it

local hooks = {}

local NONE = {}

-- Modules that hold hooks, by service; loaded with the first call, for they may need clients.
local modules = {
  ec2 = "aws.ec2.hooks",
  iam = "aws.iam.hooks",
  s3 = "aws.s3.hooks",
  signin = "aws.credentials.dpop",
  sqs = "aws.sqs.hooks",
}

--- The hooks of a service; an empty table when it has none.
---@param service string "s3"
---@return table
function hooks.of(service)
  return modules[service] and require(modules[service]) or NONE
end

return hooks
