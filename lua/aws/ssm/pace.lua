--- Keeps one operation at the pace AWS allows.
---
--- A client retries a throttled call a few times and then gives up: right for one call, wrong for
--- twenty thousand. Here all calls of one operation share an interval between starts. It is zero
--- until AWS throttles, doubles when it does and shrinks with each success, so that a long run
--- settles at the account's rate whatever that is.

local faults = require("aws.ssm.faults")
local outside = require("awsbak.outside")
local progress = require("awsbak.progress")

local M = {}

local FIRST_S = 0.05 -- 20 calls a second: about what Parameter Store's default throughput allows
local LONGEST_S = 2
local SHRINK = 0.9
local STORM_S = 15 * 60 -- without one success: then it is an outage, and no storm

--- Wraps a client's operation. The wrapped function may be called from many tasks at once.
---@generic I, O
---@param call fun(input: I): O
---@return fun(input: I): O raises what `call` raises, throttling only after 15 minutes in which
---  no call of the operation succeeded
function M.wrap(call)
  local interval_s, next_start_s, slowed_at_s = 0, 0, 0
  local storm_since_s -- the first refusal after the last success

  local function wait_turn()
    local now = outside.monotonic()
    local start = math.max(now, next_start_s)
    next_start_s = start + interval_s
    if start > now then
      outside.sleep(start - now)
    end
  end

  -- The calls already under way when the pace was cut say nothing about the new one.
  local function slow_down(started_s)
    if started_s >= slowed_at_s then
      interval_s = math.min(math.max(interval_s * 2, FIRST_S), LONGEST_S)
      slowed_at_s = outside.monotonic()
      next_start_s = slowed_at_s + interval_s
    end
  end

  return function(input)
    while true do
      if interval_s > 0 then
        wait_turn()
      end
      local started_s = outside.monotonic()
      local ok, result = pcall(call, input)
      if ok then
        storm_since_s = nil
        if interval_s > 0 then
          interval_s = interval_s > FIRST_S / 10 and interval_s * SHRINK or 0
        end
        return result
      elseif not faults.throttled(result) then
        error(result, 0)
      end
      storm_since_s = storm_since_s or started_s
      if outside.monotonic() - storm_since_s > STORM_S then
        error(result, 0)
      end
      progress.slowed(("%s %s"):format(result.service, result.operation))
      slow_down(started_s)
    end
  end
end

return M
