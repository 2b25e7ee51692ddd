--- A proxy before another server that makes faults happen (the Python side says which).
---
---   local proxy = fault_proxy.start(moto.fresh())
---   proxy:rule({ method = "PUT", holds = { "partNumber=2" }, reset = 1000 })

local child = require("spec.support.child")

local fault_proxy = {}
fault_proxy.__index = fault_proxy

--- Start one.
---@param upstream string URL of the server that requests are handed on to
---@return table proxy with `url`
function fault_proxy.start(upstream)
  local running = child.start("spec/support/fault_proxy.py", child.json({ upstream = upstream }))
  return setmetatable({ child = running, url = running:call("hello") }, fault_proxy)
end

--- What shall happen to a request: see fault_proxy.py.
---@param rule table
function fault_proxy:rule(rule)
  self.child:call("rule", rule)
end

--- How many requests held all these texts, "PUT /b/k?partNumber=1".
---@param ... string
---@return integer
function fault_proxy:count(...)
  local count = 0
  for _, request in ipairs(self.child:call("requests")) do
    local fits = true
    for _, text in ipairs({ ... }) do
      fits = fits and request:find(text, 1, true) ~= nil
    end
    count = count + (fits and 1 or 0)
  end
  return count
end

--- Forget rules and requests.
function fault_proxy:clear()
  self.child:call("clear")
end

--- End it.
function fault_proxy:close()
  self.child:close()
end

return fault_proxy
