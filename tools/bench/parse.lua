--- CPU of reading one reply: `awsbak parse.lua SERVICE OPERATION FILE RUNS` prints milliseconds a
--- run, the collection of what the runs left behind included.

local model = require("aws.model")
local protocol = require("aws.protocol")

local service, operation, path, runs = arg[1], arg[2], arg[3], tonumber(arg[4])
local file <close> = assert(io.open(path, "rb"))
local body = file:read("a")
local m = model.load(service)
local speaks, op = protocol.get(m), m:operation(operation)

local function parse()
  return speaks.parse(m, op, { status = 200, headers = {}, body = body })
end

parse() -- the shapes are read from the model
collectgarbage()
local before = os.clock()
for _ = 1, runs do
  parse()
end
collectgarbage()
print((os.clock() - before) * 1000 / runs)
