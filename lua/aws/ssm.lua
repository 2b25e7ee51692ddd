--- Systems Manager, with what Parameter Store needs beyond single calls.
---
---   local ssm = require("aws.ssm")
---   ssm.put_parameter({ Name = "/app/key", Value = "v", Type = "SecureString" })
---   for record in ssm.snapshot({ paths = { "/app" } }) do print(record.name) end
---   local d = ssm.dict({ path = "/app" })

local client = require("aws.client")
local dict = require("aws.ssm.dict")
local snapshot = require("aws.ssm.snapshot")

--- The dict module, for one client: callable, and with the functions that take a dict.
local function bound_dict(ssm)
  return setmetatable({}, {
    __index = dict,
    __call = function(_, options)
      local filled = { client = ssm }
      for key, value in pairs(options or {}) do
        filled[key] = value
      end
      return dict.new(filled)
    end,
  })
end

return client.new("ssm", {}, function(ssm)
  ssm.dict = bound_dict(ssm)

  --- Every parameter of some paths, whole, one after another; see aws.ssm.snapshot.
  ssm.snapshot = function(options)
    return snapshot.new(ssm, options)
  end
end)
