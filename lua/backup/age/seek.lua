--- Parts of age files: the plaintext bytes that are wanted, of which only the chunks they lie in
--- are read and decrypted.
---
---   local part <close> = seek.open(seek.file("dump.age"))
---   part:read(0, 100)                   -- the first 100 bytes
---   part:size()                         -- of the plaintext
---
--- A payload is a nonce and chunks of 64 KiB, each with a tag, numbered, and the last one marked
--- (C2SP age.md, "Payload"). Whatever comes out was authenticated, and stood where it was written.
--- That a file is whole shows in its last chunk: it is opened when the end is read, or asked for.
--- Chunks in between that are not wanted may be damaged without being noticed.

local age = require("awsbak.core.age")
local argument = require("awsbak.argument")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local keys = require("backup.keys")
local parties = require("backup.age.parties")
local s3_fault = require("backup.transfer.s3_fault")
local task = require("awsbak.task")

local M = {}

local CHUNK <const> = 65536
local TAG <const> = 16
local SEALED <const> = CHUNK + TAG
local NONCE <const> = 16
local FIRST_LOOK, HEADER_MAX = 4096, 256 * 1024
local MAGIC = "age-encryption.org/" -- C2SP age.md, "version line"
local STEP = 64 -- chunks got at once: 4 MiB
local PIECE = 1024 * 1024 -- bytes of a reply taken at once
local READ_MAX = 64 * 1024 * 1024 -- bytes of one read()

---@class backup.age.Ranges where an encrypted file lies
---@field name string for messages
---@field size integer bytes
---@field read fun(self, from: integer, to: integer): string the bytes from..to-1; all of them
---@field close fun(self)?

---@class backup.age.Part
---@field package ranges backup.age.Ranges
---@field package chunks userdata
---@field package start integer where the first chunk begins
---@field package count integer chunks
---@field package whole boolean? the last chunk was authenticated
---@field package kept { index: integer, bytes: string }? the chunk opened last
local Part = { __name = "backup.age.part" }
Part.__index = Part

-- What people can do, by the code of what is wrong.
local HINTS = {
  age_armor = "age -d reads it as a whole; a script does by awsbak.stream's open",
  age_no_match = "give the key that opens it with --identity FILE or --passphrase-file FILE",
}

local function fail(ranges, err)
  if err.kind == "integrity" then
    err.message = ("%s: %s"):format(ranges.name, err.message)
    err.hint = err.hint or HINTS[err.code]
  end
  error(err, 0)
end

local function damaged(ranges, code, message)
  fail(ranges, errors.from({ kind = "integrity", code = code, message = message }))
end

--- The header and the nonce.
local function read_head(ranges)
  local look = FIRST_LOOK
  while true do
    local wanted = math.min(look, ranges.size)
    local bytes = wanted > 0 and ranges:read(0, wanted) or ""
    if bytes:find("^%s*%-%-%-%-%-BEGIN AGE") then
      damaged(ranges, "age_armor", "it is in armor, of which no parts can be read")
    end
    if bytes:sub(1, #MAGIC) ~= MAGIC:sub(1, #bytes) then
      damaged(ranges, "not_age", "it is no age file")
    end
    local len = age.header_length(bytes)
    if len and len + NONCE <= #bytes then
      return bytes:sub(1, len + NONCE)
    elseif #bytes < look then
      damaged(ranges, "age_header", "the age header is cut short")
    elseif look > HEADER_MAX then
      damaged(ranges, "age_header", "the age header is too long")
    end
    look = look * 2
  end
end

--- A local file.
---@param path string
---@return backup.age.Ranges raises kind io
function M.file(path)
  local handle = errors.check(file.open(path))
  return {
    name = path,
    size = errors.check(handle:size()),
    read = function(_, from, to)
      return task.await(handle:read(to - from, from))
    end,
    close = function()
      handle:close()
    end,
  }
end

--- The bytes of a ranged reply, which must be those asked for.
local function read_reply(name, reply, from, to)
  local body <close> = reply.Body
  if not (reply.ContentRange or ""):find(("^bytes %d%%-%d/"):format(from, to - 1)) then
    errors.raise({
      kind = "reply",
      code = "range",
      message = ("%s: asked for the bytes from %d to %d, got others"):format(name, from, to - 1),
    })
  end
  local pieces, count = {}, 0
  for bytes in
    function()
      return body:read(PIECE)
    end
  do
    pieces[#pieces + 1], count = bytes, count + #bytes
    if count > to - from then
      break -- too much, which the caller notices
    end
  end
  return table.concat(pieces)
end

--- An object of S3. It must not change meanwhile: each range is asked for with its ETag.
---@param s3 aws.Client
---@param bucket string
---@param key string
---@param version_id string?
---@return backup.age.Ranges raises what S3 says
function M.object(s3, bucket, key, version_id)
  local head = s3_fault.head(s3, { bucket = bucket, key = key, version_id = version_id })
  local name = ("s3://%s/%s"):format(bucket, key)
  return {
    name = name,
    size = head.ContentLength,
    read = function(_, from, to)
      local reply = s3.get_object({
        Bucket = bucket,
        Key = key,
        VersionId = version_id or head.VersionId,
        IfMatch = head.ETag,
        Range = ("bytes=%d-%d"):format(from, to - 1),
      })
      return read_reply(name, reply, from, to)
    end,
  }
end

--- Open an age file for reading parts of it.
---@param ranges backup.age.Ranges which then belongs to the result
---@param given { identities: (string|userdata)[]?, identity_files: string[]?, passphrase: any,
---  max_work_factor: integer? }? default: identity.txt of this host
---@return backup.age.Part part with read, size and close; raises kind integrity when the header is
---  damaged, or nothing opens it
function M.open(ranges, given)
  given = given or {}
  local head = read_head(ranges)
  local secrets = {
    identities = given.identities or keys.identities(given.identity_files),
    passphrase = given.passphrase,
    max_work_factor = given.max_work_factor,
  }
  local chunks, err = errors.try(parties.chunks, head, secrets)
  if not chunks then
    fail(ranges, err)
  end
  local left = ranges.size - #head
  local part = setmetatable({
    ranges = ranges,
    chunks = chunks,
    start = #head,
    count = math.max(1, (left + SEALED - 1) // SEALED),
  }, Part)
  if left - (part.count - 1) * SEALED < TAG then
    damaged(ranges, "age_truncated", "the encrypted data is cut short")
  end
  return part
end

--- Bytes of plaintext, if the file is whole.
local function claimed(self)
  return self.ranges.size - self.start - self.count * TAG
end

--- The plaintext of the chunks `first` to `last`.
local function open_chunks(self, first, last)
  if self.kept and first == last and self.kept.index == first then
    return self.kept.bytes
  end
  local from = self.start + first * SEALED
  local to = math.min(self.start + (last + 1) * SEALED, self.ranges.size)
  local sealed = self.ranges:read(from, to)
  if #sealed ~= to - from then
    damaged(self.ranges, "age_truncated", "it became shorter while it was read")
  end
  local ends = last == self.count - 1
  local ok, err = errors.try(task.await, self.chunks:open(first, sealed, ends))
  if not ok then
    fail(self.ranges, err)
  end
  local bytes = self.chunks:take()
  self.whole = self.whole or ends
  self.kept = { index = last, bytes = bytes:sub((last - first) * CHUNK + 1) }
  return bytes
end

local function check_open(self, name)
  argument.method(self, Part, "part:" .. name)
  if not self.chunks then
    errors.raise({ kind = "usage", code = "seek", message = "the file was closed" })
  end
end

--- How many bytes of plaintext there are. Opens the last chunk, for only that knows.
---@return integer bytes raises kind integrity when the file was cut or prolonged
function Part:size()
  check_open(self, "size")
  if not self.whole then
    open_chunks(self, self.count - 1, self.count - 1)
  end
  return claimed(self)
end

--- The plaintext bytes from `from` to `to` - 1, counted from 0; fewer only at the end.
---@param from integer
---@param to integer at most 64 MiB after `from`
---@return string bytes raises kind integrity when a chunk they lie in is damaged, or they reach to
---  the end and the file was cut or prolonged
function Part:read(from, to)
  check_open(self, "read")
  local fits = math.type(from) == "integer" and math.type(to) == "integer"
  if not fits or from < 0 or to < from or to - from > READ_MAX then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = "a part of a file is read from an offset to a later one, 64 MiB at most",
    })
  end
  local size = claimed(self)
  if to >= size then
    size = self:size()
    from, to = math.min(from, size), size
  end
  local pieces = {}
  local first, last = from // CHUNK, (math.max(to, from + 1) - 1) // CHUNK
  for index = first, from < to and last or first - 1, STEP do
    pieces[#pieces + 1] = open_chunks(self, index, math.min(index + STEP - 1, last))
  end
  return (table.concat(pieces):sub(from - first * CHUNK + 1, to - first * CHUNK))
end

--- Let go of the file.
function Part:close()
  local chunks, ranges = self.chunks, self.ranges
  self.chunks, self.kept = nil, nil
  if chunks then
    chunks:close()
    if ranges.close then
      ranges:close()
    end
  end
end

Part.__close = Part.close

return M
