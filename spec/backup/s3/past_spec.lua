-- What is to be done so that a prefix is as it was.

local past = require("backup.s3.past")

local function iterate(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- A random history: versions as S3 lists them, by key and newest first.
local function history(random)
  local listed = {}
  for _, key in ipairs({ "p/a", "p/a/b", "p/b", "p/c" }) do
    local versions = {}
    for i = 1, random(0, 5) do
      local bytes = ("x"):rep(random(1, 2))
      versions[i] = {
        key = key,
        kind = random() < 0.3 and "marker" or "version",
        version_id = key .. i,
        modified = (versions[i - 1] or { modified = 0 }).modified + random(1, 3),
        size = #bytes,
        etag = bytes,
      }
    end
    for i = #versions, 1, -1 do
      listed[#listed + 1] = versions[i]
    end
  end
  return listed
end

--- What readers get at a time: bytes by key.
local function state(listed, at)
  local found, seen = {}, {}
  for _, entry in ipairs(listed) do
    if entry.modified <= at and not seen[entry.key] then
      seen[entry.key] = true
      found[entry.key] = entry.kind == "version" and entry.etag or nil
    end
  end
  return found
end

describe("a prefix as it was", function()
  it("is there after the steps, whatever has happened", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for round = 1, 300 do
      local where = ("AWSBAK_SEED=%d, round %d"):format(seed, round)
      local listed, at = history(math.random), math.random(0, 12)
      local wanted, now = state(listed, at), state(listed, math.huge)
      for step in past.steps(iterate(listed), at, "p/") do
        local key = "p/" .. step.key
        if step.action == "copy" then
          assert.is_true(step.reason ~= "unknown" or now[key] ~= nil, where)
          assert.equal(step.reason == "metadata", now[key] == wanted[key], where)
          assert.not_equal(step.source.object.version_id, step.target.object.version_id, where)
          now[key] = step.source.object.etag
        elseif step.action == "delete" then
          assert.is_not_nil(now[key], where)
          now[key] = nil
        else
          assert.equal(step.source.object.version_id, step.target.object.version_id, where)
        end
      end
      assert.same(wanted, now, where)
    end
  end)
end)
