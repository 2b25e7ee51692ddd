--- Reads of a fake parameter store by aws.ssm.snapshot.

local outside = require("awsbak.outside")
local snapshot = require("aws.ssm.snapshot")
local task = require("awsbak.task")

local snapshots = {}

--- Put `count` parameters, every third a SecureString, into a store.
---@param store table of spec.support.parameter_store
---@param count integer
---@param prefix string? of their names; "/p/"
function snapshots.fill(store, count, prefix)
  for i = 1, count do
    store.put_parameter({
      Name = ("%s%03d"):format(prefix or "/p/", i),
      Value = "value " .. i,
      Type = i % 3 == 0 and "SecureString" or "String",
    })
  end
end

--- Read everything, with sleeping that takes no time.
---@param store table
---@param options table? of aws.ssm.snapshot
---@return table[] records
---@return table snapshot that gave them
function snapshots.read(store, options)
  local list, parameters = {}, nil
  outside.with(
    {
      sleep = function()
        task.sleep(0)
      end,
    },
    task.run,
    function()
      local reading <close> = snapshot.new(store, options)
      parameters = reading
      for record in reading do
        list[#list + 1] = record
      end
    end
  )
  return list, parameters
end

return snapshots
