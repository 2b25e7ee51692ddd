--- Objects of S3 that were read before, in files of this machine: $XDG_CACHE_HOME/awsbak/s3.
---
---     local kept <close> = cache.open({ bytes = 10 << 30, age = 30 * 86400 })
---     local head = s3_fault.head(s3, object)
---     local entry <close> = kept:entry({ s3 = s3, bucket = b, key = k }, { head = head })
---     for bytes in entry:each() do ... end
---
--- An entry is one version of one object, in a file named by the hash of all that tells it from
--- others: endpoint, bucket, key, version, ETag, size, time, and S3's checksum of the whole. It is
--- the object's bytes and a line with that hash and a checksum: S3's, else the SHA-256 of what
--- came. The file appears by a rename when it is whole, is never written again, and is believed
--- only when it is a file of ours alone, of that size, whose bytes have that checksum now. Whoever
--- has it open keeps it when it is evicted (backup.s3.cache_room).

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local cache_room = require("backup.s3.cache_room")
local ends = require("backup.s3.ends")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local folders = require("awsbak.folders")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local s3_checksums = require("backup.transfer.s3_checksums")
local s3_download = require("backup.transfer.s3_download")
local task = require("awsbak.task")
local usage = require("backup.s3.usage")

local cache = {}

local AGE_S <const> = 30 * 86400
local PIECE <const> = 1024 * 1024 -- bytes read at a time
local OTHERS <const> = tonumber("077", 8) -- bits of a mode
local LINE <const> = "awsbak-s3-cache-1 %s %s %s\n"

--- Options of a policy that reads through the cache; cache.asked takes their values.
cache.options = {
  { "cache", kind = "size", help = "read through a cache here of so many bytes: 10G" },
  { "cache_age", kind = "duration", min = 1, help = "keep unused objects there so long (30d)" },
}

---@class backup.S3Cache
---@field folder userdata
---@field room backup.CacheRoom
local Cache = {}
Cache.__index = Cache

---@class backup.S3CacheEntry
---@field size integer bytes of the object
---@field cached boolean whether it was there already
---@field done backup.Downloaded what a download would say of it
local Entry = {}
Entry.__index = Entry

local function refuse_folder(path, why, hint)
  errors.raise({
    kind = "config",
    code = "cache_folder",
    message = ("the cache in %s is not used: %s"):format(path, why),
    hint = hint or "make it a folder that only you may enter (chmod 700), or move it away",
  })
end

--- Raise unless nobody else can put something into the folder.
local function check_folder(path)
  local facts = errors.check(file.stat(path, true))
  if facts.type ~= "folder" then
    refuse_folder(path, "it is no folder")
  elseif facts.uid ~= outside.uid() then
    refuse_folder(path, "it belongs to another user")
  elseif facts.mode & OTHERS ~= 0 then
    refuse_folder(path, "other users may enter it")
  end
end

--- Open the cache, and evict what is too old or too much.
---@param options { bytes: integer, age: number?, entries: integer?, folder: string? } what it holds
---  at most; seconds after the last use that something is kept (default 30 days); how many objects
---  at most (default 100,000); where (default: see above)
---@return backup.S3Cache
--- Raises kind config, code cache_folder, for a folder that is not ours alone; kind io.
function cache.open(options)
  local base = folders.cache()
  local path = options.folder or base and base .. "/s3"
  if not path then
    refuse_folder("$XDG_CACHE_HOME", "there is no home folder", "set XDG_CACHE_HOME or HOME")
  end
  errors.check(file.mkdirs(path))
  check_folder(path)
  local folder = errors.check(file.folder(path))
  local room = cache_room.new(folder, options.bytes, options.age or AGE_S, options.entries)
  local _, err = errors.try(room.tidy, room)
  if err then
    log.warn("the cache in %s cannot be kept in bounds: %s", path, err.message)
  end
  return setmetatable({ folder = folder, room = room }, Cache)
end

--- The cache that the options of a command ask for.
---@param o table values of cache.options
---@return backup.S3Cache? nil when none is asked for
--- Raises kind usage for an age alone; as cache.open does.
function cache.asked(o)
  usage.refuse(o.cache_age and not o.cache, "--cache-age", "goes with --cache")
  return o.cache and cache.open({ bytes = o.cache, age = o.cache_age }) or nil
end

--- The same for a command that copies from one place to another: objects to files alone.
---@param o table values of cache.options and `sse_c_key`
---@param from string file, folder, place in S3, or "-"
---@param to string likewise
---@return backup.S3Cache? nil when none is asked for
--- Raises kind usage where it has no meaning; as cache.asked does.
function cache.of_copy(o, from, to)
  local is_download = ends.is_s3(from) and not ends.is_s3(to) and to ~= "-"
  usage.refuse(o.cache and not is_download, "--cache", "is for objects that become files")
  usage.refuse(o.cache and o.sse_c_key, "--cache", "does not go with --sse-c-key")
  local why = "does not go with --cache, which goes on with no earlier run"
  usage.refuse(o.cache and o.no_resume, "--no-resume", why)
  return cache.asked(o)
end

--- What is looked for: its name, size, and checksum when S3 tells one.
local function wanted_of(source, head)
  local check, sum = s3_checksums.whole(head)
  local endpoint = source.s3.endpoint("GetObject", { Bucket = source.bucket, Key = source.key })
  local identity = ("s4s4s4s4s4s4s4s4"):pack(
    endpoint.url,
    source.bucket,
    source.key,
    head.VersionId or "",
    head.ETag or "",
    tostring(head.LastModified),
    check and check.name or "",
    sum or ""
  ) .. ("i8"):pack(head.ContentLength)
  return {
    name = codec.hex(errors.check(digest.digest("sha256", identity))),
    size = head.ContentLength,
    sum_name = check and check.name or "sha256",
    sum = sum,
    location = source.location or ("s3://%s/%s"):format(source.bucket, source.key),
    done = {
      bytes = head.ContentLength,
      etag = head.ETag,
      version_id = head.VersionId,
      last_modified = head.LastModified,
      checksum = check and check.name,
    },
  }
end

--- The line after the object's bytes.
local function line_of(wanted, sum)
  return LINE:format(wanted.name, wanted.sum_name, codec.hex(sum))
end

local function file_bytes(wanted)
  return wanted.size + #line_of(wanted, errors.check(digest.digest(wanted.sum_name, "")))
end

local function sum_of(wanted, handle)
  local region = errors.check(handle:region(0, wanted.size))
  return (task.await(region:digest(wanted.sum_name)))
end

local function is_ours(facts, wanted)
  return facts.type == "file"
    and facts.uid == outside.uid()
    and facts.mode & OTHERS == 0
    and facts.size == file_bytes(wanted)
end

--- Whether an open file is what it should be.
local function is_whole(handle, wanted)
  if not is_ours(errors.check(handle:stat()), wanted) then
    return false
  end
  local sum = sum_of(wanted, handle)
  local line = task.await(handle:read(file_bytes(wanted) - wanted.size, wanted.size))
  return line == line_of(wanted, sum) and (not wanted.sum or wanted.sum == sum)
end

local function new_entry(wanted, handle, cached)
  wanted.done.cached = cached
  return setmetatable({
    handle = handle,
    size = wanted.size,
    location = wanted.location,
    cached = cached,
    done = wanted.done,
  }, Entry)
end

--- The open file of an entry, if it is what it should be; whether there is anything by its name.
--- That is looked at before it is opened: opening a device can do something.
local function open_whole(self, wanted)
  local facts = self.folder:stat(wanted.name)
  if not facts or self.room:is_old(facts.mtime) then
    return nil, false
  elseif not is_ours(facts, wanted) then
    return nil, true
  end
  local handle, err = self.folder:open(wanted.name)
  if not handle then
    return nil, err.code ~= "ENOENT" -- it was evicted just now
  end
  local ok, whole = pcall(is_whole, handle, wanted)
  if ok and whole then
    return handle, true
  end
  handle:close()
  if not ok and errors.from(whole).kind ~= "io" then
    error(whole, 0)
  end
  return nil, true
end

--- An entry that is there. What is not believed is removed.
local function find(self, wanted)
  local handle, is_there = open_whole(self, wanted)
  if handle then
    handle:touch(outside.now())
    return new_entry(wanted, handle, true)
  elseif is_there then
    log.warn("what the cache has of %s is damaged: it is fetched again", wanted.location)
    self.folder:remove(wanted.name)
  end
  return nil
end

--- Say that the cache cannot be written, once: nothing more is added then, as each object would
--- wait for the same lock, or fill the same disk.
local function give_up(self, wanted, err)
  if not self.room.failure then
    self.room.failure = err
    log.warn("%s is not cached, and nothing after it: %s", wanted.location, err.message)
  end
end

--- Fetch an object into a file, and give it its name where there is room.
local function fetch(self, wanted, source, options, sink, handle)
  wanted.done.checksum = s3_download.get(source, handle, options).checksum
  local sum = wanted.sum or sum_of(wanted, handle)
  task.await(handle:pwrite(line_of(wanted, sum), wanted.size))
  local _, err = errors.try(self.room.add, self.room, file_bytes(wanted), function()
    task.await(sink:commit())
  end)
  if err and err.kind ~= "io" then
    error(err, 0)
  elseif err then
    give_up(self, wanted, err)
  end
end

local function fill(self, wanted, source, options)
  local sink <close> = errors.check(self.folder:sink(wanted.name, { force = true }))
  local handle = errors.check(sink:file())
  local ok, err = pcall(fetch, self, wanted, source, options, sink, handle)
  if not ok then
    handle:close()
    error(err, 0)
  end
  return new_entry(wanted, handle, false)
end

--- Why an object has no place in the cache.
local function refusal(self, head, input)
  if head.SSECustomerAlgorithm or (input or {}).SSECustomerKey then
    return "it is encrypted with a customer's key"
  elseif not head.ETag then
    return "the server gave it no ETag"
  elseif head.ContentLength > self.room.bytes - #LINE * 8 then
    return "it is larger than the cache"
  end
end

--- An object by way of the cache: from there, or fetched into it. A cache that cannot be written is
--- a warning, and is only read from then on.
---@param source { s3: table, bucket: string, key: string, version_id: string?, location: string? }
---@param options backup.DownloadOptions with `head`, all of HeadObject's answer
---@return backup.S3CacheEntry? entry nil when it has no place there: read the object itself
--- Raises as s3_download.get does.
function Cache:entry(source, options)
  local why = refusal(self, options.head, options.input)
  if why then
    log.debug("s3://%s/%s is not cached: %s", source.bucket, source.key, why)
    return nil
  end
  local wanted = wanted_of(source, options.head)
  local entry = find(self, wanted)
  if entry or self.room.failure then
    return entry
  end
  local err
  entry, err = errors.try(fill, self, wanted, source, options)
  if entry then
    return entry
  elseif err.kind ~= "io" then
    error(err, 0)
  end
  give_up(self, wanted, err)
  return nil
end

function Cache:close()
  self.folder:close()
end

Cache.__close = Cache.close

--- The bytes of the object, or some of them, piece by piece.
---@param first integer? (default 0)
---@param last integer? (default: the last one)
---@return fun(): string? next
--- Raises kind integrity when the file has become shorter.
function Entry:each(first, last)
  local at, stop = first or 0, (last or self.size - 1) + 1
  return function()
    if at >= stop then
      return nil
    end
    local wanted = math.min(PIECE, stop - at)
    local bytes = task.await(self.handle:read(wanted, at))
    if #bytes ~= wanted then
      errors.raise({
        kind = "integrity",
        code = "short",
        message = ("the file of %s in the cache was cut while it was read"):format(self.location),
        hint = "run it again: it will be fetched anew",
      })
    end
    at = at + wanted
    return bytes
  end
end

--- Write the object into a file, which is as long afterwards.
---@param handle userdata awsbak.core.file, open to write
---@param progress (fun(bytes: integer))? called with the bytes of each piece
---@return backup.Downloaded with `cached`
--- Raises as each does; kind io when the file cannot be written.
function Entry:store(handle, progress)
  task.await(handle:resize(self.size))
  local at = 0
  for bytes in self:each() do
    task.await(handle:pwrite(bytes, at))
    at = at + #bytes
    if progress then
      progress(#bytes)
    end
  end
  return self.done
end

function Entry:close()
  self.handle:close()
end

Entry.__close = Entry.close

return cache
