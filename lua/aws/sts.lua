--- STS: who one is.
---
---     local sts = require("aws.sts")
---     print(sts.get_caller_identity{}.Arn)

return require("aws.client").new("sts")
