--- An s3_server behind a proxy that makes faults happen, an operator of awsbak who works with it,
--- and a client of the spec's own.
---
---   local place = faulty_s3.open("vault", "other")
---   place.proxy:rule({ method = "GET", cut_reply = 10 })
---   place.op:run({ "s3", "ls" })
---   place.s3.put_object({ Bucket = "vault", Key = "k", Body = "x" })

local aws = require("aws")
local fault_proxy = require("spec.support.fault_proxy")
local operator = require("spec.support.operator")
local s3_server = require("spec.support.s3_server")

local faulty_s3 = {}
faulty_s3.__index = faulty_s3

--- Start it.
---@param ... string buckets that there shall be
---@return table place with `proxy`, `op`, `s3`, and `direct`, a client that meets no fault
function faulty_s3.open(...)
  local server = s3_server.start()
  local proxy = fault_proxy.start(server.url)
  local self = setmetatable({ server = server, proxy = proxy, buckets = { ... } }, faulty_s3)
  self.op = operator.new(proxy.url)
  self.s3 = aws.client("s3", {
    region = "us-east-1",
    endpoint_url = proxy.url,
    credentials = operator.KEYS,
  })
  self.direct = aws.client("s3", server.options)
  for _, bucket in ipairs(self.buckets) do
    self.direct.create_bucket({ Bucket = bucket })
  end
  return self
end

--- Forget faults, and delete what is in these buckets.
---@param ... string buckets
function faulty_s3:clear(...)
  self.proxy:clear()
  for _, bucket in ipairs({ ... }) do
    for object in self.s3.each.list_objects_v2({ Bucket = bucket }) do
      self.s3.delete_object({ Bucket = bucket, Key = object.Key })
    end
  end
end

--- Put objects.
---@param files table<string, string> bytes by keys
---@param bucket string
---@param prefix string? before each key
function faulty_s3:put(files, bucket, prefix)
  for key, bytes in pairs(files) do
    self.s3.put_object({ Bucket = bucket, Key = (prefix or "") .. key, Body = bytes })
  end
end

--- All objects of a bucket, or of those below a prefix.
---@param bucket string
---@param prefix string?
---@return table<string, string> files bytes by whole keys
function faulty_s3:objects(bucket, prefix)
  local found = {}
  for object in self.s3.each.list_objects_v2({ Bucket = bucket, Prefix = prefix }) do
    local body <close> = self.s3.get_object({ Bucket = bucket, Key = object.Key }).Body
    found[object.Key] = body:all(1 << 30)
  end
  return found
end

--- End it.
function faulty_s3:close()
  self.op:close()
  self.proxy:close()
  self.server:close()
end

return faulty_s3
