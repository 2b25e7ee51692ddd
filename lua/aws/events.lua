--- EventBridge: buses, rules and events.
---
---     local events = require("aws.events")
---     for rule in events.each.list_rules({}) do print(rule.Name) end

return require("aws.client").new("events")
