--- An object, or a range of it, as a stream of bytes that goes on where a connection broke.
---
---     local object <close> = stream.open(s3, "vault", "log.txt", { range = "-100" })
---     for bytes in object do io.write(bytes) end
---
--- What follows after a break is of the same object: asked for by its ETag and version, and from
--- the byte that is missing. A whole object that came over one connection is proved by its
--- checksum, where it has one; after a break, by lengths alone.

local errors = require("awsbak.errors")
local known_options = require("aws.options")
local pace = require("awsbak.pace")
local s3_fault = require("backup.transfer.s3_fault")

local stream = {}

local OPTIONS = { version_id = "text", range = "text", pace = "any", members = "table" }
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

--- First and last byte of an answer in the object, and whether it says that it is a part.
local function bounds(answer)
  local first, last, total = (answer.ContentRange or ""):match("^bytes (%d+)%-(%d+)/(%d*)")
  first, last = math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
  if first and last then
    return first, last, true, math.tointeger(tonumber(total)) or last + 1
  end
  return 0, (answer.ContentLength or 0) - 1, false
end

--- Raise, and do without an answer, unless it is of the bytes that were asked for.
local function check_answer(self, answer, is_right, asked)
  if is_right then
    return
  end
  answer.Body:close()
  local first, last, is_part = bounds(answer)
  errors.raise({
    kind = "reply",
    code = "range",
    message = ("%s: asked for %s, got %s"):format(
      self.location,
      asked,
      is_part and ("%d to %d"):format(first, last) or "the whole object"
    ),
  })
end

local function go_on(self)
  local first, last = self.at, self.last
  local answer = get(self, first, last)
  local told_first, told_last = bounds(answer)
  local asked = ("the bytes from %d to %d"):format(first, last)
  check_answer(self, answer, told_first == first and told_last == last, asked)
  self.body = answer.Body
end

--- First and last byte of a range, or nil: as people write it, and as HTTP has it.
local function ends_of(range)
  local first, last = range:match("^(%d*)%-(%d*)$")
  return math.tointeger(tonumber(first)), math.tointeger(tonumber(last))
end

--- Whether an answer has the bytes of the range that the caller wanted; of an object that is
--- shorter, fewer.
local function has_range(answer, range)
  local from, to = ends_of(range)
  local first, last, is_part, total = bounds(answer)
  if not is_part then
    return false
  elseif not from then
    from, to = math.max(total - to, 0), nil
  end
  return first == from and last == math.min(to or total - 1, total - 1)
end

--- S3 gives the whole of an object for a range that it does not understand.
local function check_range(range)
  local from, to = ends_of(range)
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
--- for what is no range and for other options; kind reply, code range, for other bytes than those.
function stream.open(s3, bucket, key, options)
  options = options or {}
  known_options.check(options, OPTIONS, "an object's stream")
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
  local is_right = not self.range or has_range(answer, self.range)
  check_answer(self, answer, is_right, "the range " .. tostring(self.range))
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
