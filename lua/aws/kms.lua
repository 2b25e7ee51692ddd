--- KMS: keys that never leave AWS.
---
---     local kms = require("aws.kms")
---     local sealed = kms.encrypt{ KeyId = "alias/backup", Plaintext = bytes }.CiphertextBlob

return require("aws.client").new("kms")
