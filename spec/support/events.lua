--- Messages of event streams, as AWS's services send them (Smithy, "Amazon Event Stream").

local digest = require("awsbak.core.digest")

local events = {}

local function header(name, value)
  return (">s1Bs2"):pack(name, 7, value)
end

--- A message, with its checksums.
---@param headers table<string, string>
---@param payload string
---@return string bytes
function events.message(headers, payload)
  local head = ""
  for name, value in pairs(headers) do
    head = head .. header(name, value)
  end
  local prelude = (">I4I4"):pack(16 + #head + #payload, #head)
  local whole = prelude .. digest.digest("crc32", prelude) .. head .. payload
  return whole .. digest.digest("crc32", whole)
end

--- The message of an event.
---@param kind string "Records"
---@param payload string?
---@return string bytes
function events.event(kind, payload)
  local headers = { [":message-type"] = "event", [":event-type"] = kind }
  return events.message(headers, payload or "")
end

return events
