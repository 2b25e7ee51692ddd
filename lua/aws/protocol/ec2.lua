--- The protocol ec2: query with names that begin with a capital and lists without a level of
--- their own.
---
--- Source: botocore/serialize.py (EC2Serializer); Smithy, "AWS EC2 query protocol".

local query = require("aws.protocol.query")

local function capitalized(name)
  return name:sub(1, 1):upper() .. name:sub(2)
end

return query.dialect({
  empty_lists = false,
  member_name = function(member)
    return member.query_name or capitalized(member.location_name or member.name)
  end,
  list_prefix = function(prefix)
    return prefix
  end,
})
