--- A request that carries bytes of an object: through the gate and at the pace of the transfer, and
--- again when its body was altered on the way, which the client takes for a mistake of ours.

local errors = require("awsbak.errors")
local pace = require("awsbak.pace")
local progress = require("awsbak.progress")

local ATTEMPTS <const> = 3

-- What S3 says of bytes that were altered.
local ALTERED = {
  BadDigest = true,
  XAmzContentSHA256Mismatch = true,
  XAmzContentChecksumMismatch = true,
}

local s3_send = {}

--- Whether S3 says that a body was altered.
---@param err awsbak.Error
---@return boolean
function s3_send.is_altered(err)
  return ALTERED[err.code] ~= nil
end

--- Send it.
---@param options { gate: awsbak.Gate?, pace: userdata? } of the transfer
---@param f function the operation
---@param input table
---@return table output
--- Raises as the operation does.
function s3_send.body(options, f, input)
  local _ <close> = options.gate and options.gate:enter() or nil
  for attempt = 1, ATTEMPTS do
    local done, err = pace.run(options.pace, errors.try, f, input)
    if done then
      return done
    elseif not ALTERED[err.code] or attempt == ATTEMPTS then
      error(err, 0)
    end
    progress.retried()
  end
end

return s3_send
