--- Speed of checksums: `awsbak digest.lua` prints a line "NAME GB/S" for each, of the best of five
--- runs over half a gigabyte in pieces of 1 MiB.

local digest = require("awsbak.core.digest")

local NAMES = { "crc32", "crc32c", "crc64nvme" }
local PIECE = ("0123456789abcdef"):rep(65536)
local PIECES, RUNS = 512, 5

local function seconds(name)
  local d = digest.new(name)
  local before = os.clock()
  for _ = 1, PIECES do
    d:add(PIECE)
  end
  return os.clock() - before
end

for _, name in ipairs(NAMES) do
  for _, variant in ipairs({ name, name .. "-portable" }) do
    local best = math.huge
    for _ = 1, RUNS do
      best = math.min(best, seconds(variant))
    end
    print(("%s %.2f"):format(variant, PIECES * #PIECE / best / 1e9))
  end
end
