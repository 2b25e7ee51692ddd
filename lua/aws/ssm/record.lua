--- One parameter as awsbak keeps it: everything Parameter Store lets a reader see.
---
--- Members that AWS did not send are absent. So are `tags` and `labels` that were not read; they
--- are empty when there are none. docs/formats/ssm.md lists the members.

local json = require("awsbak.core.json")

local M = {}

---@class aws.ssm.Record
---@field name string
---@field type string String, StringList or SecureString
---@field value string|nil absent when it could not be read
---@field description string|nil
---@field key_id string|nil key or alias of a SecureString
---@field tier string|nil Standard, Advanced or Intelligent-Tiering
---@field data_type string|nil absent for `text`
---@field allowed_pattern string|nil
---@field policies string[]|nil each one's JSON text, sorted
---@field tags table<string, string>|nil
---@field version integer
---@field modified number epoch seconds
---@field labels string[]|nil of this version, sorted
---@field other_labels table<string, integer>|nil label of an older version, and which

local function filled(text)
  return text ~= "" and text or nil
end

local function policy_texts(policies)
  if not policies or #policies == 0 then
    return nil
  end
  local texts = json.array({})
  for i, policy in ipairs(policies) do
    texts[i] = policy.PolicyText
  end
  table.sort(texts)
  return texts
end

--- Joins what DescribeParameters and GetParameters say of one version.
---@param meta table a ParameterMetadata
---@param value table|nil a Parameter, of the same version
---@return aws.ssm.Record
function M.from_api(meta, value)
  local data_type = meta.DataType
  return {
    name = meta.Name,
    type = meta.Type,
    value = value and value.Value,
    description = filled(meta.Description),
    key_id = meta.KeyId,
    tier = meta.Tier,
    data_type = data_type ~= "text" and data_type or nil,
    allowed_pattern = filled(meta.AllowedPattern),
    policies = policy_texts(meta.Policies),
    version = meta.Version,
    modified = meta.LastModifiedDate,
  }
end

--- The tags of ListTagsForResource as a map.
---@param list table[]|nil `{ Key=, Value= }` each
---@return table<string, string>
function M.tags(list)
  local tags = {}
  for _, tag in ipairs(list or {}) do
    tags[tag.Key] = tag.Value
  end
  return tags
end

--- A map of tags as AWS takes it, sorted by key.
---@param tags table<string, string>
---@return table[]
function M.tag_list(tags)
  local list = {}
  for key, value in pairs(tags) do
    list[#list + 1] = { Key = key, Value = value }
  end
  table.sort(list, function(a, b)
    return a.Key < b.Key
  end)
  return list
end

--- Can this be a record? Archives and foreign files are data from outside.
---@param value any a decoded JSON value
---@return string|nil problem nil when it is one
function M.problem(value)
  if type(value) ~= "table" then
    return "it is not an object"
  end
  for _, member in ipairs({ "name", "type", "value" }) do
    if type(value[member]) ~= "string" then
      return "it has no " .. member
    end
  end
  for _, member in ipairs({ "description", "key_id", "tier", "data_type", "allowed_pattern" }) do
    local kind = type(value[member])
    if kind ~= "nil" and kind ~= "string" then
      return member .. " is not text"
    end
  end
  for _, member in ipairs({ "policies", "tags", "labels" }) do
    local kind = type(value[member])
    if kind ~= "nil" and kind ~= "table" then
      return member .. " is not a list"
    end
    for _, item in pairs(value[member] or {}) do
      if type(item) ~= "string" then
        return member .. " holds something that is not text"
      end
    end
  end
end

return M
