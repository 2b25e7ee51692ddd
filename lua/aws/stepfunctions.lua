--- Step Functions: state machines and their executions.
---
---     local stepfunctions = require("aws.stepfunctions")
---     stepfunctions.start_execution({ stateMachineArn = arn, input = "{}" })

return require("aws.client").new("stepfunctions")
