--- CloudFormation: stacks of resources made from templates.
---
---     local cloudformation = require("aws.cloudformation")
---     for stack in cloudformation.each.describe_stacks({}) do print(stack.StackName) end

return require("aws.client").new("cloudformation")
