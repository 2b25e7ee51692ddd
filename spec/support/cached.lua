--- A cache of S3's objects behind a proxy that counts requests.
---
---   local c = cached.start()
---   c:put("a", "hello")
---   local kept <close> = c:open()
---   assert.same({ "hello", false }, { c:read(kept, "a") })

local aws = require("aws")
local cache = require("backup.s3.cache")
local fault_proxy = require("spec.support.fault_proxy")
local file = require("awsbak.core.file")
local log = require("awsbak.log")
local s3_fault = require("backup.transfer.s3_fault")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")

local cached = {}
cached.__index = cached

local KIB <const> = 1024

--- Start one, with the buckets `vault` and `kept`, which keeps versions.
---@return table c with s3, proxy; end it by stop
function cached.start()
  local server = s3_server.start()
  local proxy = fault_proxy.start(server.url)
  local s3 = aws.client("s3", {
    region = "us-east-1",
    endpoint_url = proxy.url,
    credentials = server.options.credentials,
  })
  s3.create_bucket({ Bucket = "vault" })
  s3.create_bucket({ Bucket = "kept" })
  s3.put_bucket_versioning({
    Bucket = "kept",
    VersioningConfiguration = { Status = "Enabled" },
  })
  return setmetatable({ s3 = s3, server = server, proxy = proxy }, cached)
end

--- Before each spec: an empty folder `dir`, no `warnings`, nothing counted.
function cached:begin()
  self.dir, self.warnings = scratch.new(), {}
  log.lines = self.warnings
  self.proxy:clear()
end

--- After each spec.
function cached:finish()
  log.lines = nil
  self.dir:close()
end

--- End it.
function cached:stop()
  self.proxy:close()
  self.server:close()
end

--- Write an object.
---@param key string
---@param body string
---@param bucket string? (default vault)
---@param algorithm string? of its checksum
---@return table answer
function cached:put(key, body, bucket, algorithm)
  return self.s3.put_object({
    Bucket = bucket or "vault",
    Key = key,
    Body = body,
    ChecksumAlgorithm = algorithm,
  })
end

--- The cache in `dir`/s3.
---@param bytes integer? (default 64 KiB)
---@param age number? seconds
---@return backup.S3Cache
function cached:open(bytes, age)
  return cache.open({ bytes = bytes or 64 * KIB, age = age, folder = self.dir:path("s3") })
end

--- The head of an object.
---@param key string
---@param bucket string? (default vault)
---@param no_sums boolean? without the checksums that S3 tells
---@return table head
function cached:head(key, bucket, no_sums)
  local head = s3_fault.head(self.s3, { bucket = bucket or "vault", key = key })
  for name in pairs(head) do
    head[name] = not (no_sums and name:find("^Checksum")) and head[name] or nil
  end
  return head
end

--- The entry of an object.
---@param kept backup.S3Cache
---@param key string
---@param options table? bucket, version_id, head, input
---@return backup.S3CacheEntry?
function cached:entry(kept, key, options)
  options = options or {}
  local bucket = options.bucket or "vault"
  local object = { bucket = bucket, key = key, version_id = options.version_id }
  return kept:entry({ s3 = self.s3, bucket = bucket, key = key }, {
    head = options.head or s3_fault.head(self.s3, object),
    input = options.input,
  })
end

--- All bytes of an entry.
---@param entry backup.S3CacheEntry
---@return string
function cached.bytes(entry)
  local pieces = {}
  for bytes in entry:each() do
    pieces[#pieces + 1] = bytes
  end
  return table.concat(pieces)
end

--- The bytes of an object, "direct" where it has no place in the cache; whether they were there.
---@param kept backup.S3Cache
---@param key string
---@param options table? as entry takes them
---@return string bytes
---@return boolean? was_there
function cached:read(kept, key, options)
  local entry <close> = self:entry(kept, key, options)
  if not entry then
    return "direct"
  end
  return cached.bytes(entry), entry.cached
end

--- Files in the cache's folder but its lock, and their bytes altogether.
---@return string[] paths
---@return integer bytes
function cached:entries()
  local paths, total = {}, 0
  for _, name in ipairs(file.list(self.dir:path("s3")) or {}) do
    if name ~= "lock" then
      paths[#paths + 1] = self.dir:path("s3/" .. name)
      total = total + file.stat(paths[#paths], true).size
    end
  end
  return paths, total
end

--- Change bytes of a file.
---@param path string
---@param at integer
---@param bytes string
function cached.overwrite(path, at, bytes)
  local handle <close> = assert(io.open(path, "r+b"))
  handle:seek("set", at)
  handle:write(bytes)
end

return cached
