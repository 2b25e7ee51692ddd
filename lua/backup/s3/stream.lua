--- An object, or a range of it, as a stream of bytes that goes on where a connection broke.
---
---     local object <close> = stream.open(s3, "vault", "log.txt", { range = "-100" })
---     for bytes in object do io.write(bytes) end
---
--- What follows after a break is of the same object: asked for by its ETag and version, and from
--- the byte that is missing. A whole object that came over one connection is proved by its
--- checksum, where it has one; after a break, by lengths alone.

local errors = require("awsbak.errors")
local pace = require("awsbak.pace")
local s3_fault = require("backup.transfer.s3_fault")

local stream = {}

local BREAKS_MAX = 3 -- in a row, without a byte in between

---@class backup.S3Stream called, it gives the next bytes, or nil at the end
---@field location string
---@field size integer bytes that this stream gives
local Stream = {}
Stream.__index = Stream

local broken = { network = true, timeout = true }

--- What S3 says of an object that cannot be read, with what to do about it.
local function explain(self, err)
  if err.code == "InvalidRange" or err.status == 416 then
    err.message = ("%s has no bytes in the range %s"):format(self.location, self.range)
  elseif err.code == "InvalidObjectState" then
    err.message = ("%s is archived (%s)"):format(
      self.location,
      (err.fields or {}).StorageClass or "GLACIER"
    )
    err.hint = "awsbak api s3 RestoreObject brings a copy back, in hours"
  elseif err.status == 412 then
    err.message = ("%s was replaced while it was read"):format(self.location)
    err.hint = "read it again; nothing after the break was taken from the new one"
  end
  return s3_fault.explain_object(err, self)
end

--- Ask for the bytes from `first` to `last`, or for what the caller wanted.
local function get(self, first, last)
  local input = { Bucket = self.bucket, Key = self.key, VersionId = self.version_id }
  for name, value in pairs(self.members) do
    input[name] = value
  end
  input.Range = self.range and "bytes=" .. self.range
  if first then
    input.Range, input.IfMatch = ("bytes=%d-%d"):format(first, last), self.etag
  end
  local answer, err = pace.run(self.pace, errors.try, self.s3.get_object, input)
  if not answer then
    error(explain(self, err), 0)
  end
  return answer
end

--- First and last byte of an answer in the object.
local function bounds(answer)
  local first, last = (answer.ContentRange or ""):match("^bytes (%d+)%-(%d+)/")
  if first then
    return math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  end
  return 0, (answer.ContentLength or 0) - 1
end

local function go_on(self)
  local first = self.at
  local answer = get(self, first, self.last)
  local told_first, told_last = bounds(answer)
  if told_first ~= first or told_last ~= self.last then
    answer.Body:close()
    errors.raise({
      kind = "reply",
      code = "range",
      message = ("%s: asked for the bytes from %d to %d, got %d to %d"):format(
        self.location,
        first,
        self.last,
        told_first,
        told_last
      ),
    })
  end
  self.body = answer.Body
end

--- S3 gives the whole of an object for a range that it does not understand.
local function check_range(range)
  local first, last = tostring(range):match("^(%d*)%-(%d*)$")
  local from, to = tonumber(first), tonumber(last)
  if not (from or to) or (from and to and to < from) then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = ("the range of an object is 0-99, 100- or -100, not %s"):format(range),
    })
  end
end

--- Open an object; the first request is made here.
---@param s3 table a client
---@param bucket string
---@param key string
---@param options { version_id: string?, range: string?, pace: userdata?, members: table? }? range:
---  "0-99", "100-" or "-100" (the last 100 bytes), as HTTP has it; pace: of awsbak.pace; members:
---  more of GetObject, as a customer's key
---@return backup.S3Stream
--- Raises as the client does, with words for what is missing, archived or out of range; kind usage
--- for what is no range.
function stream.open(s3, bucket, key, options)
  options = options or {}
  if options.range then
    check_range(options.range)
  end
  local self = setmetatable({
    s3 = s3,
    bucket = bucket,
    key = key,
    version_id = options.version_id,
    range = options.range,
    members = options.members or {},
    pace = options.pace,
    location = ("s3://%s/%s"):format(bucket, key),
    breaks = 0,
  }, Stream)
  local answer = get(self)
  self.body, self.etag = answer.Body, answer.ETag
  self.version_id = self.version_id or answer.VersionId
  self.at, self.last = bounds(answer)
  self.size = self.last - self.at + 1
  return self
end

--- The next bytes, or nil at the end; raises when they cannot be had.
function Stream:__call()
  while true do
    local bytes, err = errors.try(self.body.read, self.body)
    if bytes then
      self.at, self.breaks = self.at + #bytes, 0
      return bytes
    elseif not err then
      return nil
    end
    self.breaks = self.breaks + 1
    if not broken[err.kind] or not self.etag or self.breaks > BREAKS_MAX then
      error(err, 0)
    end
    self.body:close()
    if self.at > self.last then
      return nil -- the last byte had come when it broke
    end
    go_on(self)
  end
end

function Stream:close()
  self.body:close()
end

Stream.__close = Stream.close

return stream
