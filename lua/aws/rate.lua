--- How fast one client sends: the rate limit of the adaptive retry mode.
---
--- Until a service throttles, nothing is limited. Then each request takes a token from a bucket
--- that fills at a rate of ours: the rate falls with each refusal, and grows along a cubic curve
--- with each answer that is none, back to where it was refused and slowly beyond.
---
--- Numbers and formulas: botocore 1.44.5, retries/{adaptive,bucket,throttling}.py.

local outside = require("awsbak.outside")

local rate = {}

local BETA = 0.7 -- of the rate that was refused, what is tried next
local SCALE = 0.4 -- how steep the curve is
local WINDOW = 0.5 -- seconds over which answers are counted
local SMOOTHING = 0.8 -- weight of the last window in the measured rate
local HEADROOM = 2 -- times the measured rate: never more is allowed
local RATE_MIN = 0.5 -- requests a second
local SLEEP_MIN = 0.001 -- seconds; what rounding leaves to wait for may be too little to pass

---@class aws.Rate
---@field limited boolean whether the service has throttled yet
---@field per_second number requests a second that are allowed, once limited
---@field measured number answers a second, of late
local Rate = {}
Rate.__index = Rate

--- A client's rate, not limited yet.
---@return aws.Rate
function rate.new()
  local now = outside.monotonic()
  return setmetatable({
    limited = false,
    per_second = 1,
    tokens = 0,
    filled_at = now,
    measured = 0,
    answers = 0, -- since the window began
    window = math.floor(now),
    refused_rate = 0,
    refused_at = now,
  }, Rate)
end

local function capacity(self)
  return math.max(self.per_second, 1)
end

local function refill(self, now)
  local gained = (now - self.filled_at) * self.per_second
  self.tokens = math.min(capacity(self), self.tokens + gained)
  self.filled_at = now
end

--- Wait until one more request may be sent. The caller may be cancelled meanwhile, which takes no
--- token.
function Rate:acquire()
  if not self.limited then
    return
  end
  refill(self, outside.monotonic())
  while self.tokens < 1 do
    outside.sleep(math.max((1 - self.tokens) / self.per_second, SLEEP_MIN))
    refill(self, outside.monotonic())
  end
  self.tokens = self.tokens - 1
end

--- Count an answer, and see at what rate they come.
local function measure(self, now)
  local window = math.floor(now / WINDOW) * WINDOW
  self.answers = self.answers + 1
  if window > self.window then
    local last = self.answers / (window - self.window)
    self.measured = last * SMOOTHING + self.measured * (1 - SMOOTHING)
    self.answers, self.window = 0, window
  end
end

--- The rate that the curve allows, `dt` seconds after a refusal at `refused` requests a second.
local function cubic(refused, dt)
  local recovery = (refused * (1 - BETA) / SCALE) ^ (1 / 3) -- seconds until it is reached again
  return SCALE * (dt - recovery) ^ 3 + refused
end

--- Learn from how an attempt ended.
---@param throttled boolean whether the service refused it for coming too fast
function Rate:record(throttled)
  local now = outside.monotonic()
  measure(self, now)
  local wanted
  if throttled then
    self.refused_rate = self.limited and math.min(self.measured, self.per_second) or self.measured
    self.refused_at, self.limited = now, true
    wanted = self.refused_rate * BETA
  else
    wanted = cubic(self.refused_rate, now - self.refused_at)
  end
  refill(self, now) -- what was gained until now was gained at the old rate
  self.per_second = math.max(math.min(wanted, HEADROOM * self.measured), RATE_MIN)
  self.tokens = math.min(self.tokens, capacity(self))
end

return rate
