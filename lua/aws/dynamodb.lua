--- DynamoDB: tables of items.
---
---     local dynamodb = require("aws.dynamodb")
---     for item in dynamodb.each.scan({ TableName = "orders" }) do print(item.id.S) end

return require("aws.client").new("dynamodb")
