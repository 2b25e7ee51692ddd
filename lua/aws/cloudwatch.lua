--- CloudWatch: metrics and alarms.
---
---     local cloudwatch = require("aws.cloudwatch")
---     for alarm in cloudwatch.each.describe_alarms({}) do print(alarm.AlarmName) end

return require("aws.client").new("cloudwatch")
