--- Application Auto Scaling: how far tables, services and fleets grow.
---
---     local application_autoscaling = require("aws.application_autoscaling")
---     for target in application_autoscaling.each.describe_scalable_targets(input) do ... end

return require("aws.client").new("application-autoscaling")
