--- When to try again, and after how long: standard mode with a quota of tokens and full jitter;
--- adaptive mode is that and a limit on the rate of requests (aws.rate).
---
--- Numbers and lists: botocore 1.44.5, retries/{standard,quota,special}.py, which always uses the
--- rules of 2026; the older ones are those of its releases before, for
--- `AWS_NEW_RETRIES_2026=false`.

local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local progress = require("awsbak.progress")
local time = require("awsbak.time")

local retry = {}

---@class aws.RetryRules
---@field attempts integer tries in all, unless the settings say otherwise
---@field base number seconds that the first wait may last at most
---@field base_throttled number the same after a throttling answer
---@field cap number seconds that any wait may last at most
---@field quota integer tokens of a client; a retry without a token is not made
---@field cost integer tokens taken by a retry, given back when it succeeds
---@field cost_throttled integer
---@field cost_timeout integer
---@field gain integer tokens that a success at first try gives back
---@field after_extra number seconds by which a server may lengthen a wait
---@field throttled_status integer? status that means throttling whatever its code
---@field services table<string, table> what differs for a service, by service id

--- All rule sets, by name; `retry.rules_for` chooses.
---@type table<string, aws.RetryRules>
retry.rules = {
  ["2026"] = {
    attempts = 3,
    base = 0.05,
    base_throttled = 1,
    cap = 20,
    quota = 500,
    cost = 14,
    cost_throttled = 5,
    cost_timeout = 14,
    gain = 1,
    after_extra = 5,
    throttled_status = 429,
    services = {
      DynamoDB = { attempts = 4, base = 0.025 },
      ["DynamoDB Streams"] = { attempts = 4, base = 0.025 },
    },
  },
  before_2026 = {
    attempts = 3,
    base = 1,
    base_throttled = 1,
    cap = 20,
    quota = 500,
    cost = 5,
    cost_throttled = 5,
    cost_timeout = 10,
    gain = 1,
    after_extra = 5,
    services = {},
  },
  -- AWS_RETRY_MODE=legacy: more tries, and no quota to end a storm.
  legacy = {
    attempts = 5,
    base = 1,
    base_throttled = 1,
    cap = 20,
    quota = 0,
    cost = 0,
    cost_throttled = 0,
    cost_timeout = 0,
    gain = 0,
    after_extra = 5,
    throttled_status = 429,
    services = { DynamoDB = { attempts = 10, base = 0.05 } },
  },
}

local function set(list)
  local s = {}
  for _, word in ipairs(list) do
    s[word] = true
  end
  return s
end

--- Error codes that mean: slower.
retry.throttling_codes = set({
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "LimitExceededException",
  "PriorRequestNotComplete",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
  "TransactionInProgressException",
})

--- Error codes that mean: again.
retry.transient_codes =
  set({ "RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete" })

local transient_statuses = { [500] = true, [502] = true, [503] = true, [504] = true }

-- Calls that wait for work on the server: without a pause they would spin when the quota is used
-- up.
local long_polls = {
  SQS = set({ "ReceiveMessage" }),
  SFN = set({ "GetActivityTask" }),
  SWF = set({ "PollForActivityTask", "PollForDecisionTask" }),
  Kinesis = set({ "ReceiveQueueRecords", "ReceiveDeadLetterQueueRecords" }),
}

--- The rule set for a mode and for AWS_NEW_RETRIES_2026.
---@param mode string? "standard", "adaptive" or "legacy"
---@param new boolean? false for the rules before 2026
---@return aws.RetryRules
function retry.rules_for(mode, new)
  if mode == "legacy" then
    return retry.rules.legacy
  end
  return new == false and retry.rules.before_2026 or retry.rules["2026"]
end

local function service_class(e, rules)
  -- An answer that was not what the protocol promised says itself whether it is worth another try.
  if retry.throttling_codes[e.code] or e.throttling then
    return "throttling"
  elseif retry.transient_codes[e.code] or transient_statuses[e.status] or e.retryable then
    return "transient"
  elseif e.status == rules.throttled_status and e.retryable == nil then
    return "throttling"
  elseif e.service == "sts" and e.code == "IDPCommunicationError" then
    return "transient"
  end
end

--- What kind of failure `e` is: "throttling", "transient", "timeout", or nil when trying again is
--- no use.
---@param e awsbak.Error `retryable` set by the parser from the model or the protocol counts; false
---  forbids
---@param rules aws.RetryRules?
---@return string?
function retry.classify(e, rules)
  if e.kind == "network" then
    return e.code ~= "tls" and e.retryable ~= false and "transient" or nil
  elseif e.kind == "timeout" then
    -- Other time limits are the caller's own: they end the call.
    return tostring(e.code):match("^timeout_") and e.retryable ~= false and "timeout" or nil
  elseif e.kind == "service" or e.kind == "reply" then
    return service_class(e, rules or retry.rules["2026"])
  elseif e.kind == "integrity" then
    -- As of DynamoDB's CRC32 (botocore/retries/special.py, RetryDDBChecksumError).
    return e.retryable and "transient" or nil
  end
end

--- The seconds that a server asks to wait, from the headers of its answer, or nil.
--- `x-amz-retry-after` is in milliseconds, `retry-after` in seconds or a date (RFC 9110, 10.2.3).
---@param headers string[][] { {lower-case name, value}, ... }
---@return number?
function retry.after(headers)
  local found = {}
  for _, pair in ipairs(headers) do
    found[pair[1]] = pair[2]
  end
  local milliseconds = (found["x-amz-retry-after"] or ""):match("^%d+$")
  if milliseconds then
    return tonumber(milliseconds) / 1000
  end
  local text = found["retry-after"] or ""
  if text:match("^%d+$") then
    return tonumber(text) + 0.0
  end
  local date = time.parse_http(text)
  return date and math.max(0, date - outside.now()) or nil
end

local Retry = {}
Retry.__index = Retry

---@class aws.Retry
---@field attempts integer tries in all
---@field skew number seconds that the server's clock is ahead of ours, as learnt; add when signing
---@field tokens integer what is left of the quota
---@field rate aws.Rate? of the adaptive mode

--- The retry state of one client.
---@param cfg table retry_mode, max_attempts and new_retries of aws.config; {} takes the defaults
---@param service string service id, like "SSM" or "DynamoDB Streams"
---@return aws.Retry
function retry.new(cfg, service)
  local rules = retry.rules_for(cfg.retry_mode, cfg.new_retries)
  local special = rules.services[service] or {}
  return setmetatable({
    rules = rules,
    service = service,
    base = special.base or rules.base,
    attempts = cfg.max_attempts or special.attempts or rules.attempts,
    tokens = rules.quota,
    rate = cfg.retry_mode == "adaptive" and require("aws.rate").new() or nil,
    skew = 0,
  }, Retry)
end

--- How long to wait after attempt `n` failed, in seconds.
---@param n integer 1 for the first attempt
---@param class string of retry.classify
---@param after number? what the server asked for
---@return number
function Retry:delay(n, class, after)
  local base = class == "throttling" and self.rules.base_throttled or self.base
  -- Without the bound on the exponent, 2^n would pass the range of integers on a long run of
  -- attempts.
  local wait = outside.random() * math.min(base * 2 ^ math.min(n - 1, 30), self.rules.cap)
  return after and math.max(wait, math.min(after, wait + self.rules.after_extra)) or wait
end

local costs = { throttling = "cost_throttled", timeout = "cost_timeout", transient = "cost" }

--- Take the tokens of a retry.
---@param class string of retry.classify
---@return integer? cost how many they were; nil when the quota has too few
function Retry:take(class)
  local cost = self.rules[costs[class]]
  if cost > self.tokens then
    return nil
  end
  self.tokens = self.tokens - cost
  return cost
end

--- Give back the tokens of a call that succeeded.
---@param cost integer? what its last retry took; nil: it succeeded at first
function Retry:give(cost)
  self.tokens = math.min(self.rules.quota, self.tokens + (cost or self.rules.gain))
end

--- The call that ended with `e`, for people: "ssm GetParameter".
local function name_of(self, e, call)
  return ("%s %s"):format(e.service or self.service, e.operation or call.operation or "call")
end

--- Whether and how to go on after `e`: seconds to wait and tokens taken, or nil. Long polls wait
--- even when the quota ends them.
local function next_try(self, e, n, call)
  local class = retry.classify(e, self.rules)
  if not class or n >= (call.attempts or self.attempts) then
    return nil
  end
  local cost = self:take(class)
  local wait = self:delay(n, class, e.retry_after)
  if cost then
    return wait, cost
  end
  local polls = long_polls[self.service]
  if polls and polls[call.operation] then
    outside.sleep(wait)
  end
  log.debug("%s: the quota of retries is used up", name_of(self, e, call))
end

-- Errors that tell of an attempt that was sent.
local sent_kinds = set({ "integrity", "network", "reply", "service", "timeout" })

--- One attempt; in adaptive mode when its turn has come, and learning from its end.
---@return boolean ok
---@return any ... as of pcall; an error as a table
local function try(self, attempt, n)
  if self.rate then
    self.rate:acquire()
  end
  local results = table.pack(pcall(attempt, n))
  local e = not results[1] and errors.from(results[2]) or nil
  if self.rate and (not e or sent_kinds[e.kind]) then
    self.rate:record(e ~= nil and retry.classify(e, self.rules) == "throttling")
  end
  results[2] = e or results[2]
  return table.unpack(results, 1, results.n)
end

--- Call `attempt(n)` until it succeeds or trying again is no use.
---@param attempt fun(n: integer): any raises an error table; its `retry_after` (seconds, see
---  retry.after) counts
---@param call? { operation: string?, attempts: integer?, on_retry: (fun(e: awsbak.Error))? }
---  attempts overrides the client's; on_retry is told why one failed that another one follows
---@return any ... what attempt returned
function Retry:run(attempt, call)
  call = call or {}
  local n, taken, unsent = 0, nil, true
  while true do
    n = n + 1
    local results = table.pack(try(self, attempt, n))
    if results[1] then
      self:give(taken)
      return table.unpack(results, 2, results.n)
    end
    local e = results[2]
    unsent = unsent and e.unsent
    e.attempts, e.unsent = n, unsent
    local wait, cost = next_try(self, e, n, call)
    if not wait then
      error(e, 0)
    end
    taken = cost
    if call.on_retry then
      call.on_retry(e)
    end
    local name = name_of(self, e, call)
    log.debug("%s: attempt %d failed (%s), next in %.3f s", name, n, e.code or e.kind, wait)
    progress.retried()
    if retry.classify(e, self.rules) == "throttling" then
      progress.slowed(name)
    end
    outside.sleep(wait)
  end
end

local SKEW_MIN = 240 -- seconds; AWS accepts signatures within five minutes

-- Sure signs, and those that may also have another reason (AWS SDK for Java 2, ClockSkewUtil).
-- What answers a HEAD has no code but its status (github.com/aws/aws-sdk-cpp/issues/458).
local skew_codes = set({
  "403",
  "AuthFailure",
  "InvalidSignatureException",
  "RequestExpired",
  "RequestInTheFuture",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
})

--- Learn the difference of clocks from a refusal. An answer over plain http is believed only from
--- this machine: whoever can write it could make us sign for another time.
---@param e awsbak.Error the refusal
---@param date string? the answer's Date header
---@param trusted boolean whether it came over https, or from loopback
---@param signed number the skew that the refused request was signed with: another call may have
---  learnt a better one meanwhile
---@return boolean whether signing anew may help
function Retry:learn_skew(e, date, trusted, signed)
  local theirs = date and time.parse_http(date)
  if not skew_codes[e.code] or not theirs or not trusted then
    return false
  end
  local skew = theirs - outside.now()
  if math.abs(skew - signed) < SKEW_MIN then
    return false
  end
  if math.abs(skew - self.skew) >= SKEW_MIN then
    log.warn(
      "this machine's clock is %.0f s %s; signing with the server's time",
      math.abs(skew),
      skew < 0 and "ahead" or "behind"
    )
    self.skew = skew
  end
  return true
end

return retry
