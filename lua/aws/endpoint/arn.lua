--- Amazon Resource Names: "arn:partition:service:region:account:resource".

local arn = {}

---@class aws.Arn
---@field partition string
---@field service string
---@field region string may be empty, as may the account
---@field accountId string
---@field resourceId string[] the resource, split at each ":" and "/"

--- Take an ARN apart; nil for a text that is none (Smithy, aws.parseArn).
---@param text string?
---@return aws.Arn?
function arn.parse(text)
  if not text then
    return nil
  end
  local partition, service, region, account, resource =
    text:match("^arn:([^:]+):([^:]+):([^:]*):([^:]*):(.+)$")
  if not partition then
    return nil
  end
  local parts = {}
  for part in (resource .. "/"):gmatch("([^:/]*)[:/]") do
    parts[#parts + 1] = part
  end
  return {
    partition = partition,
    service = service,
    region = region,
    accountId = account,
    resourceId = parts,
  }
end

return arn
