--- So many bytes a second at most, all transfers together.

local outside = require("awsbak.outside")
local task = require("awsbak.task")

---@class backup.Pace
---@field rate number bytes a second
---@field free number when the next bytes may go, by the clock that only goes forward
local Pace = {}
Pace.__index = Pace

local pace = {}

--- Make one.
---@param rate number bytes a second
---@return backup.Pace
function pace.new(rate)
  return setmetatable({ rate = rate, free = 0 }, Pace)
end

--- Wait until so many bytes may go.
---@param bytes integer
function Pace:take(bytes)
  local now = outside.monotonic()
  local at = math.max(now, self.free)
  self.free = at + bytes / self.rate
  if at > now then
    task.sleep(at - now)
  end
end

return pace
