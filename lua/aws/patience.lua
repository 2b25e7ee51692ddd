--- Operations whose reply may begin late, because the service works or waits before it answers: for
--- those, the usual 60 seconds of silence are no sign that nobody is there. Giving up early would
--- be worse than waiting in vain: the retry would run the function a second time, and messages that
--- were taken would be lost for a while.

local patience = {}

local USUAL = 60 -- seconds that a reply may be late besides (awsbak.http)

local MINUTE = 60

--- Nobody waits for what an asynchronous invocation does.
local function invocation(input)
  local kind = input.InvocationType
  return kind ~= "Event" and kind ~= "DryRun" and 15 * MINUTE or 0
end

--- What a script gives may be any integer, or null.
local function waiting(input)
  local seconds = input.WaitTimeSeconds
  return type(seconds) == "number" and math.max(0, math.min(seconds, 15 * MINUTE)) or 20
end

-- By service id, the seconds that an operation may take: Lambda's longest function, the waits of
-- the queues (20 s is the longest that a queue itself may be set to), Step Functions' long poll and
-- its longest express workflow.
local LONGEST = {
  Lambda = {
    Invoke = invocation,
    InvokeWithResponseStream = invocation,
  },
  SFN = {
    GetActivityTask = function()
      return MINUTE
    end,
    StartSyncExecution = function()
      return 5 * MINUTE
    end,
  },
  SQS = {
    ReceiveMessage = waiting,
  },
}

--- The seconds of silence until a reply must begin; nil for the usual ones.
---@param service_id string of the model's metadata: "SQS"
---@param operation string
---@param input table checked before
---@return number?
function patience.seconds(service_id, operation, input)
  local longest = (LONGEST[service_id] or {})[operation]
  return longest and USUAL + longest(input) or nil
end

return patience
