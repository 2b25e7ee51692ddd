--- What the first call of a process takes: `awsbak first_call.lua URL` prints milliseconds by the
--- clock and of CPU of DescribeInstances with all that it loads, and milliseconds by the clock of
--- the exchange alone: the same request to the same server, sent when nothing is left to load.

local outside = require("awsbak.outside")
local sys = require("awsbak.core.sys")

local EXCHANGES = 5

local wall, cpu = sys.monotonic(), os.clock()
local reply = require("aws.ec2").describe_instances({})
wall, cpu = sys.monotonic() - wall, os.clock() - cpu
assert(#reply.Reservations == 1)

local times = {}
for i = 1, EXCHANGES do
  local before = sys.monotonic()
  outside.send({
    method = "POST",
    url = arg[1] .. "/",
    headers = { { "Content-Type", "application/x-www-form-urlencoded" } },
    body = "Action=DescribeInstances&Version=2016-11-15",
  })
  times[i] = sys.monotonic() - before
end
table.sort(times)
print(wall * 1000, cpu * 1000, times[EXCHANGES // 2 + 1] * 1000)
