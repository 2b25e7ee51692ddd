--- IAM's policy documents: JSON that comes percent-encoded, and leaves here as JSON.
---
--- Which members: those of shape policyDocumentType (botocore 1.44.5, handlers.py,
--- json_decode_policies, which decodes the JSON as well; here it stays text, as the model says).

local hooks = {}

local DOCUMENT = "policyDocumentType"

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function decode(model, name, value)
  local shape = model:shape(name)
  if shape.type == "structure" then
    for _, member in ipairs(shape.members) do
      local found = value[member.name]
      if found ~= nil and member.shape == DOCUMENT then
        value[member.name] = decoded(found)
      elseif type(found) == "table" then
        decode(model, member.shape, found)
      end
    end
  elseif shape.type == "list" and type(value[1]) == "table" then
    for _, item in ipairs(value) do
      decode(model, shape.element.shape, item)
    end
  end
end

--- Decode the policy documents of an output.
---@param call aws.Call
---@param output table changed
function hooks.output(call, output)
  if call.operation.output then
    decode(call.service.model, call.operation.output, output)
  end
end

return hooks
