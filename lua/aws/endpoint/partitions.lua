--- AWS's partitions, and which one a region belongs to.
---
--- Facts: botocore's partitions.json, put beside this file by tools/import_models.py.

local data = require("aws.data")
local json = require("awsbak.core.json")

local partitions = {}

---@class aws.Partition
---@field name string "aws-cn"
---@field dnsSuffix string
---@field dualStackDnsSuffix string
---@field implicitGlobalRegion string
---@field supportsFIPS boolean
---@field supportsDualStack boolean
---@field prefixes string[] what names of its regions begin with, before "-north-1"
---@field regions string[]

local known ---@type aws.Partition[]?

local function load()
  local list = {}
  for line in data.read("endpoint/partitions.txt"):gmatch("{[^\n]*") do
    list[#list + 1] = assert(json.decode(line))
  end
  return list
end

local function has_region(partition, region)
  for _, name in ipairs(partition.regions) do
    if name == region then
      return true
    end
  end
  local prefix = region:match("^(.+)%-[%w_]+%-%d+$")
  for _, name in ipairs(prefix and partition.prefixes or {}) do
    if name == prefix then
      return true
    end
  end
  return false
end

--- The partition of a region; of one that nobody knows, and without any, "aws" (Smithy, "Endpoint
--- rules standard library", aws.partition).
---@param region string?
---@return aws.Partition
function partitions.of(region)
  known = known or load()
  for _, partition in ipairs(region and known or {}) do
    if has_region(partition, region) then
      return partition
    end
  end
  return known[1]
end

--- The names of all regions, the largest partition's first.
---@return string[]
function partitions.regions()
  known = known or load()
  local list = {}
  for _, partition in ipairs(known) do
    for _, name in ipairs(partition.regions) do
      list[#list + 1] = not name:find("%-global$") and name or nil
    end
  end
  return list
end

return partitions
