--- The body of a request: a string, or where the model says that it is streamed a region of a file
--- (`core.file`, f:region), which is read where it lies.

local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local is_region = require("awsbak.core.http").is_region
local task = require("awsbak.task")

local body = {}

local DIGESTS_MAX <const> = 4 -- that a region makes in one reading

--- Whether a value is a region of a file.
---@param value any
---@return boolean
body.is_region = is_region

-- By region: its digests by name, so that an attempt after the first reads nothing again.
local known = setmetatable({}, { __mode = "k" })

-- Names that regions were asked for: a part that is sent needs the same as the one before it, and
-- one reading makes them all.
local asked = {}

local function note(name)
  for _, other in ipairs(asked) do
    if other == name then
      return
    end
  end
  if #asked < DIGESTS_MAX then
    asked[#asked + 1] = name
  end
end

--- Await the digests of a region by all names asked for so far, this one among them.
local function read(name, region)
  note(name)
  local names = asked
  local digests = table.pack(task.await(region:digest(table.unpack(names))))
  local mine = {}
  for i, other in ipairs(names) do
    mine[other] = digests[i]
  end
  mine[name] = mine[name] or task.await(region:digest(name))
  return mine
end

--- The digest of a body. Awaits for a region of a file that is not held.
---@param name string of awsbak.core.digest: "sha256"
---@param value string|userdata|nil nil is an empty body
---@return string digest raw
--- Raises kind io, code short, when the file has become shorter; kind memory.
function body.digest(name, value)
  if not is_region(value) then
    return errors.check(digest.digest(name, value or ""))
  end
  local sum, err = value:sum(name)
  if sum or err then
    return errors.check(sum, err)
  elseif not (known[value] and known[value][name]) then
    known[value] = read(name, value)
  end
  return known[value][name]
end

return body
