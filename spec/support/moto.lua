--- One moto_server for the whole suite, empty at the start of each spec file that asks for it.
---
---   setup(function() endpoint = moto.fresh() end)

local child = require("spec.support.child")

local moto = {}

-- busted gives every spec file its own globals and modules; the registry outlives them.
local KEY = "awsbak.spec.moto"

--- The URL of a moto_server that holds nothing: started at the first call, reset at later ones.
---@return string url raises when moto_server is not installed, with how to get it
function moto.fresh()
  local registry = debug.getregistry()
  local running = registry[KEY]
  if running then
    running:call("reset")
  else
    running = child.start("spec/support/moto.py")
    registry[KEY] = running
  end
  return running:call("hello")
end

return moto
