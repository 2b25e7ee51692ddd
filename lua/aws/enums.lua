--- Values that a model's enums do not list, found when a service has refused a call.
---
--- AWS adds values without a new model, so only those that misspell a known one are refused before
--- they are sent (aws.validate); but when a service says no, one that is not listed is the first
--- thing to look at.

local errors = require("awsbak.errors")
local sorted = require("awsbak.sorted")

local enums = {}

local VALUE_MAX = 64 -- characters; a longer one is no slip of the fingers

--- Visit a value and what is in it; the place and the value of the first one that is not listed.
local function find(m, ref, value, place)
  local shape = m:shape(ref)
  if shape.enum and type(value) == "string" then
    for _, listed in ipairs(shape.enum) do
      if listed == value then
        return nil
      end
    end
    return { place = place, value = value, listed = shape.enum }
  elseif type(value) ~= "table" then
    return nil
  end
  local found
  if shape.type == "structure" then
    for _, member in ipairs(shape.members) do
      local inner = place == "" and member.name or place .. "." .. member.name
      found = found or value[member.name] ~= nil and find(m, member, value[member.name], inner)
    end
  elseif shape.type == "list" then
    for i, element in ipairs(value) do
      found = found or find(m, shape.element, element, ("%s[%d]"):format(place, i))
    end
  elseif shape.type == "map" then
    for _, key in ipairs(sorted.keys(value)) do
      found = found or find(m, shape.value, value[key], ('%s["%s"]'):format(place, key))
    end
  end
  return found or nil
end

--- What to say about the first value of an input that its enum does not list; nil when all are.
---@param m aws.Model
---@param operation aws.Operation
---@param input table checked against the model
---@return string? 'Type is "Secure", which its list does not have; did you mean "SecureString"?'
function enums.advice(m, operation, input)
  local found = operation.input and find(m, operation.input, input, "")
  if not found or #found.value > VALUE_MAX then
    return nil
  end
  local nearest = errors.nearest(found.value, found.listed)
  return ('%s is "%s", which its list does not have; %s'):format(
    found.place,
    found.value,
    nearest and ('did you mean "%s"?'):format(nearest)
      or ("there are %s"):format(table.concat(found.listed, ", "))
  )
end

return enums
