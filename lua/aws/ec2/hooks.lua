--- Where EC2 wants, or gives, something in another form than its model says.
---
--- What and how: botocore 1.44.5, handlers.py (base64_encode_user_data, inject_presigned_url_ec2,
--- decode_console_output).

local codec = require("awsbak.core.codec")

local hooks = {}

local function with(input, more)
  local changed = {}
  for name, value in pairs(input) do
    changed[name] = value
  end
  for name, value in pairs(more) do
    changed[name] = value
  end
  return changed
end

--- Copying a snapshot from another region needs proof for that region: a request for the same copy,
--- presigned there.
local function add_presigned(call)
  local input, service = call.input, call.service
  local here = service.config:find_region()
  local more = { DestinationRegion = here }
  local exchange = require("aws.exchange")
  local there = exchange.new(service, call, with(input, more), {
    presign = 3600,
    region = input.SourceRegion,
  })
  more.PresignedUrl = exchange.presigned(there).url
  return with(input, more)
end

--- The input as EC2 wants it.
---@param call aws.Call without its request
---@return table input the same, or a copy
function hooks.input(call)
  local input, name = call.input, call.operation.name
  if name == "RunInstances" and input.UserData then
    return with(input, { UserData = codec.base64(input.UserData) })
  elseif name == "CopySnapshot" and not input.PresignedUrl and not call.options.presign then
    return add_presigned(call)
  end
  return input
end

--- The console's text comes in base64; what is none stays as it is.
---@param call aws.Call
---@param output table changed
function hooks.output(call, output)
  if call.operation.name == "GetConsoleOutput" and output.Output then
    output.Output = codec.unbase64(output.Output) or output.Output
  end
end

return hooks
