--- The body of a request: a string, or where the model says that it is streamed a region of a file
--- (`core.file`, f:region), which is read where it lies.

local digest = require("awsbak.core.digest")
local is_region = require("awsbak.core.http").is_region
local task = require("awsbak.task")

local body = {}

--- Whether a value is a region of a file.
---@param value any
---@return boolean
body.is_region = is_region

--- The digest of a body. Awaits for a region.
---@param name string of awsbak.core.digest: "sha256"
---@param value string|userdata|nil nil is an empty body
---@return string digest raw
--- Raises kind io, code short, when the file has become shorter.
function body.digest(name, value)
  if is_region(value) then
    return task.await(value:digest(name))
  end
  return digest.digest(name, value or "")
end

return body
