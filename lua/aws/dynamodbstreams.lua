--- DynamoDB Streams: what changed in a table, for a day.
---
---     local dynamodbstreams = require("aws.dynamodbstreams")
---     local streams = dynamodbstreams.list_streams({ TableName = "orders" }).Streams

return require("aws.client").new("dynamodbstreams")
