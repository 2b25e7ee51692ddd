--- Ask botocore, the reference, through spec/support/reference.py.

local json = require("awsbak.core.json")

local reference = {}

local function exists(path)
  local file = io.open(path)
  return file ~= nil and file:close()
end

--- The Python that has botocore, or nil and why there is none; raises when the one that
--- AWSBAK_PYTHON names is not there.
---@return string? python
---@return string? reason
function reference.python()
  local named = os.getenv("AWSBAK_PYTHON")
  local python = named or "build/venv/bin/python"
  assert(not named or exists(named), "AWSBAK_PYTHON is not there")
  if exists(python) then
    return python
  end
  return nil, python .. " is missing: ./dev test installs it"
end

--- Run a command of reference.py; what it prints, decoded.
---@param command string
---@return any
function reference.ask(command)
  local python = assert(reference.python())
  local pipe = assert(io.popen(("%s spec/support/reference.py %s"):format(python, command), "r"))
  local text = pipe:read("a")
  assert(pipe:close(), "spec/support/reference.py failed")
  return assert(json.decode(text, { max_depth = 1000 }))
end

return reference
