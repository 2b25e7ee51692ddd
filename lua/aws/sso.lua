--- IAM Identity Center: accounts and roles of who has signed in.
---
---     local sso = require("aws.sso")
---     local accounts = sso.each.list_accounts({ accessToken = token })

return require("aws.client").new("sso")
