--- CloudWatch Logs: groups and streams of log events.
---
---     local logs = require("aws.logs")
---     for group in logs.each.describe_log_groups({}) do print(group.logGroupName) end

return require("aws.client").new("logs")
