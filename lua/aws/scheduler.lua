--- EventBridge Scheduler: what is to run when.
---
---     local scheduler = require("aws.scheduler")
---     for schedule in scheduler.each.list_schedules({}) do print(schedule.Name) end

return require("aws.client").new("scheduler")
