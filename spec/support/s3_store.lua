--- A server that keeps objects as S3 does, in memory and quickly (what it knows: s3_store.py).
---
---   local store = s3_store.start()
---   local told = store:told("/vault/").objects["/vault/key"] -- its size and sha256

local child = require("spec.support.child")

local s3_store = {}
s3_store.__index = s3_store

--- Start an empty one.
---@return table store with `url`; close it
function s3_store.start()
  local running = child.start("spec/support/s3_store.py")
  return setmetatable({ child = running, url = running:call("hello") }, s3_store)
end

--- What it holds.
---@param prefix string of "/bucket/key"
---@return { objects: table<string, { size: integer, sha256: string }>, uploads: string[] } told
function s3_store:told(prefix)
  return self.child:call("told", { prefix = prefix })
end

--- Forget objects and uploads.
---@param prefix string of "/bucket/key"
function s3_store:forget(prefix)
  self.child:call("forget", { prefix = prefix })
end

--- Copy objects.
---@param source string prefix of "/bucket/key"
---@param target string what stands in its place
function s3_store:seed(source, target)
  self.child:call("seed", { source = source, target = target })
end

--- End it.
function s3_store:close()
  self.child:close()
end

return s3_store
