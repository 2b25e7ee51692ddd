--- IAM: users, roles and policies.
---
---     local iam = require("aws.iam")
---     for role in iam.each.list_roles({}) do print(role.Arn) end

return require("aws.client").new("iam")
