--- SNS: topics, and who is told of what is published there.
---
---     local sns = require("aws.sns")
---     sns.publish({ TopicArn = arn, Message = "done" })

return require("aws.client").new("sns")
