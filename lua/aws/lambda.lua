--- Lambda: functions that run when they are asked.
---
---     local lambda = require("aws.lambda")
---     local reply = lambda.invoke({ FunctionName = "nightly", Payload = "{}" })

return require("aws.client").new("lambda")
