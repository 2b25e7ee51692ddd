--- SQS: queues of messages.
---
---     local sqs = require("aws.sqs")
---     local reply = sqs.receive_message({ QueueUrl = url, WaitTimeSeconds = 20 })

return require("aws.client").new("sqs")
