--- What is said of calls as they go: under -v where a client's requests go and whose keys sign
--- them, under -vv one line for each request. Never what is in them.

local log = require("awsbak.log")
local outside = require("awsbak.outside")
local request_id = require("aws.protocol.reply").request_id

local journal = {}

--- Say once of a client where its requests go.
local function announce(call, request)
  local service = call.service
  if service.announced then
    return
  end
  service.announced = true
  local signed = call.operation.auth ~= "none"
  log.info(
    "%s: region %s, endpoint %s, %s",
    service.name,
    call.region or service.config.region or "unknown",
    request.url:match("^%a+://[^/]+"),
    signed and "keys from " .. service.credentials:get().source or "not signed"
  )
end

local function say(call, number, started, outcome)
  log.debug(
    "%s %s: %s after %.0f ms, attempt %d",
    call.subject.service,
    call.subject.operation,
    outcome,
    (outside.monotonic() - started) * 1000,
    number
  )
end

--- Send a request, and say how that went.
---@param call aws.Call
---@param number integer of the attempt
---@param request table
---@return table response raises as outside.send does
function journal.send(call, number, request)
  if not log.enabled("info") then
    return outside.send(request)
  end
  announce(call, request)
  local started = outside.monotonic()
  local ok, response = pcall(outside.send, request)
  if not ok then
    say(call, number, started, type(response) == "table" and response.code or "failed")
    error(response, 0)
  end
  local id = request_id(response)
  say(call, number, started, response.status .. (id and " (request " .. id .. ")" or ""))
  return response
end

return journal
