--- EC2: instances, volumes, snapshots, networks.
---
---     local ec2 = require("aws.ec2")
---     ec2.wait.snapshot_completed({ SnapshotIds = { id } })

return require("aws.client").new("ec2")
