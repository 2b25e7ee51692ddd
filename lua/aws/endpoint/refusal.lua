--- Endpoints that the rules refuse, told with the settings that are behind it.

local errors = require("awsbak.errors")

local refusal = {}

-- Words of the rules in small letters, and the settings that they speak of.
local CAUSES = {
  { "fips", "use_fips_endpoint" },
  { "dual%-?stack", "use_dualstack_endpoint" },
  { "dual%-?stack", "s3_use_dualstack_endpoint" },
  { "accelerate", "s3_use_accelerate_endpoint" },
  { "path%-style", "s3_addressing_style" },
  { "accountid", "account_id_endpoint_mode" },
  { "account endpoints", "account_id_endpoint_mode" },
  { "usearnregion", "s3_use_arn_region" },
  { "access point arns are disabled", "s3_disable_multiregion_access_points" },
  { "custom endpoint", "endpoint_url" },
  { "endpoint override", "endpoint_url" },
  { "client region", "region" },
  { "this region", "region" },
  { "partition", "region" },
}

local NO_ACCOUNT <const> = "no AccountID was provided"

--- The settings that a refusal speaks of, where somebody set them: "x is true (AWS_X)".
---@param place aws.Place
---@param words string
---@return string[]
local function causes(place, words)
  local found = {}
  for _, cause in ipairs(CAUSES) do
    if words:find(cause[1]) then
      local value, source = place.config:get(cause[2])
      if value ~= nil and source ~= "default" then
        found[#found + 1] = ("%s is %s (%s)"):format(cause[2], tostring(value), source)
      end
    end
  end
  return found
end

local function hint_of(message, found)
  if message:find(NO_ACCOUNT, 1, true) then
    found[#found + 1] = "give the keys their account with AWS_ACCOUNT_ID or aws_account_id"
  end
  return #found > 0 and table.concat(found, "; ") or nil
end

--- Raise what the rules say against a call.
---@param place aws.Place
---@param message string of the rules
--- Kind config where a setting is behind it, else usage: the bucket, or another name in the call.
function refusal.raise(place, message)
  local found = causes(place, message:lower())
  errors.raise({
    kind = #found > 0 and "config" or "usage",
    code = "endpoint",
    message = ("%s has no endpoint for this call: %s"):format(place.model.meta.id, message),
    hint = hint_of(message, found),
  })
end

return refusal
