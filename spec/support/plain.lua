--- Values as JSON carries them between awsbak and helpers in Python (`plain` in differential.py).
--- What JSON cannot say is an object of one member, { "$bytes": base64 } or { "$float": "NaN" }.

local codec = require("awsbak.core.codec")
local json = require("awsbak.core.json")

local plain = {}

local FLOATS = { NaN = 0 / 0, Infinity = math.huge, ["-Infinity"] = -math.huge }

--- A value that came as JSON, as awsbak takes it. Tables are changed in place.
---@param value any
---@return any
function plain.read(value)
  if type(value) ~= "table" then
    return value
  elseif value["$bytes"] then
    return codec.unbase64(value["$bytes"])
  elseif value["$float"] then
    return FLOATS[value["$float"]]
  end
  for key, item in pairs(value) do
    value[key] = plain.read(item)
  end
  return value
end

--- A value that awsbak gave, for JSON. Streams are read.
---@param value any
---@return any
function plain.write(value)
  if type(value) == "string" and not utf8.len(value) then
    return { ["$bytes"] = codec.base64(value) }
  elseif value ~= value then
    return { ["$float"] = "NaN" }
  elseif value == math.huge or value == -math.huge then
    return { ["$float"] = value > 0 and "Infinity" or "-Infinity" }
  elseif type(value) == "table" and value.all then
    return plain.write(value:all(1 << 20))
  elseif type(value) == "table" then
    local made = getmetatable(value) == json.array_mt and json.array() or {}
    for key, item in pairs(value) do
      made[key] = plain.write(item)
    end
    return made
  end
  return value
end

return plain
