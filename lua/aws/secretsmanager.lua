--- Secrets Manager: secrets and their versions.
---
---     local secretsmanager = require("aws.secretsmanager")
---     local secret = secretsmanager.get_secret_value({ SecretId = "db" }).SecretString

return require("aws.client").new("secretsmanager")
