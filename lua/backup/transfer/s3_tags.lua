--- An object's tags as the header x-amz-tagging has them: a query string (S3 API, PutObject).

local s3_tags = {}

local function quoted(text)
  return (text:gsub("[^%w_.~-]", function(c)
    return ("%%%02X"):format(c:byte())
  end))
end

--- The header's value.
---@param tags { Key: string, Value: string }[] as GetObjectTagging gives them
---@return string text
function s3_tags.header(tags)
  local parts = {}
  for i, tag in ipairs(tags) do
    parts[i] = quoted(tag.Key) .. "=" .. quoted(tag.Value)
  end
  return table.concat(parts, "&")
end

return s3_tags
