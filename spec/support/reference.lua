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
---@param script string? another one beside it: "reference_endpoints.py"
---@return any
function reference.ask(command, script)
  local python = assert(reference.python())
  script = "spec/support/" .. (script or "reference.py")
  local pipe = assert(io.popen(("%s %s %s"):format(python, script, command), "r"))
  local text = pipe:read("a")
  assert(pipe:close(), script .. " failed")
  return assert(json.decode(text, { max_depth = 1000 }))
end

return reference
