--- The body of a reply as a stream: what an operation with a streaming output gives (`GetObject`'s
--- Body).
---
---     local object <close> = s3.get_object({ Bucket = b, Key = k }).Body
---     for line in object:lines() do ... end
---
--- The connection is in use until the end was read or the reader is closed.

local argument = require("awsbak.argument")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local options = require("aws.options")
local outside = require("awsbak.outside")
local request_id = require("aws.protocol.reply").request_id
local task = require("awsbak.task")

local CHUNK = 256 * 1024
local LINE_MAX = 16 * 1024 * 1024
local ALL_MAX = 64 * 1024 * 1024 -- of `all` unless it is told
local CR = 13

---@class aws.Reader
---@field source table? the core's reader; nil at the end
---@field subject aws.Subject
---@field response table of which this is the body, for errors
---@field promise aws.Promise? the digest that the reply says its body has
---@field running userdata? the digest of what was read, when there is a promise
---@field held string bytes taken from the source
---@field at integer where in `held` those begin that were not handed out
---@field closed boolean? by `close`, not by its end
---@field failure awsbak.Error? what ended it, when more came than is taken
local Reader = { __name = "aws.reader" }
Reader.__index = Reader

local SAVE = { force = "flag" } -- what `save` takes

local reader = {}

--- The body of a reply.
---@param response table with the core's `reader`
---@param subject aws.Subject whose reply it is, for messages
---@param promise aws.Promise? the digest that the reply says its body has
---@return aws.Reader
function reader.new(response, subject, promise)
  return setmetatable({
    source = response.reader,
    subject = subject,
    response = response,
    promise = promise,
    held = "",
    at = 1,
  }, Reader)
end

--- Raise: there is more than is taken. What was read of it is gone, so each later use raises the
--- same: the rest must not pass for the whole.
local function too_large(self, what, max)
  self:close()
  self.failure = errors.new({
    kind = "reply",
    code = "too_large",
    message = ("%s has more than %d bytes"):format(what, max),
    service = self.subject.service,
    operation = self.subject.operation,
    status = self.response.status,
    request_id = request_id(self.response),
  })
  error(self.failure, 0)
end

--- Await an operation on the source; an error says whose reply it was.
local function await(self, ...)
  local first, second = errors.try(task.await, ...)
  if not first and second then
    second.service, second.operation = self.subject.service, self.subject.operation
    second.status, second.request_id = self.response.status, request_id(self.response)
    error(second, 0)
  end
  return first, second
end

--- The next bytes from the source, or nil at its end.
local function next_bytes(self)
  local bytes = await(self, self.source:read(CHUNK))
  if self.promise then
    self.running = self.running or digest.new(self.promise.name)
    if bytes then
      self.running:add(bytes)
    else
      self.promise.check(self.running:final())
    end
  end
  return bytes
end

--- Raise for what is no reader, and for one that was closed or failed: what it held is gone, and
--- must not pass for an empty body.
local function check_open(self, name)
  argument.method(self, Reader, "body:" .. name)
  if self.failure then
    error(self.failure, 0)
  elseif self.closed then
    errors.raise({
      kind = "usage",
      code = "closed",
      message = "the body of the reply was closed before it was read",
      hint = "read it before close, or before the block ends that it is <close> in",
      service = self.subject.service,
      operation = self.subject.operation,
    })
  end
end

--- Take some more bytes from the source; false at the end. Raises when the reply was cut short.
local function fill(self)
  local bytes = self.source and next_bytes(self)
  if not bytes then
    self.source = nil
    return false
  end
  self.held, self.at = self.held:sub(self.at) .. bytes, 1
  return true
end

--- The next bytes, at most `n`; nil at the end.
---@param n integer? default 256 KiB
---@return string?
--- Raises kind network, code cut, when the reply ends before its length; kind timeout; kind
--- integrity at the end of what is not what its checksum says; kind usage, code closed.
function Reader:read(n)
  check_open(self, "read")
  argument.check(n, "count?", "how much to read of a reply")
  if self.at > #self.held and not fill(self) then
    return nil
  end
  local bytes = self.held:sub(self.at, self.at + (n or CHUNK) - 1)
  self.at = self.at + #bytes
  return bytes
end

--- Iterate over what is left, piece by piece.
local function pieces(self)
  return function()
    return self:read()
  end
end

--- All that is left, at most `max` bytes.
---@param max integer? default 64 MiB
---@return string
--- Raises kind reply, code too_large, when there is more, and then again at each use; as `read`
--- does.
function Reader:all(max)
  check_open(self, "all")
  argument.check(max, "size?", "the most to read of a reply")
  max = max or ALL_MAX
  local parts, size = {}, 0
  for bytes in pieces(self) do
    size = size + #bytes
    if size > max then
      too_large(self, "the reply", max)
    end
    parts[#parts + 1] = bytes
  end
  return table.concat(parts)
end

--- Iterate over lines, without their ends (LF or CRLF); the last one needs none.
---@return fun(): string?
--- The iterator raises kind reply, code too_large, for a line of more than 16 MiB; as `read` does.
function Reader:lines()
  argument.method(self, Reader, "body:lines")
  return function()
    check_open(self, "lines")
    local parts, size = {}, 0
    while true do
      local last = self.held:find("\n", self.at, true)
      local bytes = self.held:sub(self.at, last and last - 1)
      self.at = (last or #self.held) + 1
      parts[#parts + 1], size = bytes, size + #bytes
      if size > LINE_MAX then
        too_large(self, "a line of the reply", LINE_MAX)
      elseif last or not fill(self) then
        local line = table.concat(parts)
        if not last and line == "" then
          return nil
        end
        return line:byte(-1) == CR and line:sub(1, -2) or line
      end
    end
  end
end

--- Write all that is left to a file: under its name when all of it is there, or not at all.
---@param path string
---@param given { force: boolean? }? force replaces a file that exists
---@return integer bytes
--- Raises kind io when the file cannot be written or exists; as `read` does.
function Reader:save(path, given)
  check_open(self, "save")
  argument.check(path, "path", "the file to save a reply in")
  options.check(given or {}, SAVE, "save")
  local sink <close> = errors.check(outside.sink(path, given or {}))
  local size = 0
  for bytes in pieces(self) do
    task.await(sink:write(bytes))
    size = size + #bytes
  end
  task.await(sink:commit())
  return size
end

--- Let all of the body go to its place in a file as it comes, without a string of it. Nothing may
--- have been read before.
---@param region userdata of awsbak.core.file, open to write; the body must fill it exactly
---@param name string? a digest of awsbak.core.digest to make on the way
---@return string? digest raw, when there is a name
--- Raises kind reply, code range, for more bytes or fewer; kind io when they cannot be written; as
--- `read` does.
function Reader:store(region, name)
  check_open(self, "store")
  if not self.source or self.held ~= "" then
    errors.raise({
      kind = "usage",
      code = "body",
      message = "the body of a reply is stored as a whole, and some of it was read",
    })
  end
  local source <close>, promise = self.source, self.promise
  self.source = nil
  local first, second = await(self, source:store(region, promise and promise.name, name))
  if promise then
    promise.check(first)
  end
  return name and second
end

--- Close the stream: what was not read is thrown away, and nothing can be read any more.
function Reader:close()
  argument.method(self, Reader, "body:close")
  if self.source then
    self.source:close()
  end
  self.source, self.held, self.at, self.closed = nil, "", 1, true
end

Reader.__close = Reader.close

return reader
