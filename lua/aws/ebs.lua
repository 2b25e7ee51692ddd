--- EBS direct APIs: the blocks of snapshots.
---
---     local ebs = require("aws.ebs")
---     local page = ebs.list_snapshot_blocks({ SnapshotId = id })

return require("aws.client").new("ebs")
