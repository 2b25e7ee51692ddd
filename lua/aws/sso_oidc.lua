--- IAM Identity Center: signing in.
---
---     local sso_oidc = require("aws.sso_oidc")
---     local client = sso_oidc.register_client({ clientName = "backup", clientType = "public" })

return require("aws.client").new("sso-oidc")
