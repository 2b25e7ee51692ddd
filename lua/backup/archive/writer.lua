--- An archive on its way out: records in, the file, object or pipe out.

local argument = require("awsbak.argument")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local format = require("backup.archive.format")
local key = require("awsbak.core.key")
local keys = require("backup.keys")
local log = require("awsbak.log")
local names = require("backup.archive.names")
local outside = require("awsbak.outside")
local parties = require("backup.age.parties")
local stream = require("awsbak.core.stream")
local stream_options = require("awsbak.stream.options")
local task = require("awsbak.task")
local time = require("awsbak.time")
local transfer = require("backup.transfer")

local M = {}

---@class backup.ArchiveWriter
---@field location string
---@field count integer items added
---@field package stream userdata
---@field package sink backup.Sink
---@field package names backup.Names
---@field package draining awsbak.Task?
---@field package signing_key userdata?
---@field package signer string?
---@field package options table? until the header is written
---@field package committed boolean?
local Writer = { __name = "backup.archive.writer" }
Writer.__index = Writer

--- Members of the header and the closing record that are ours to write.
local RESERVED = {
  record = true,
  format = true,
  version = true,
  kind = true,
  count = true,
  sha256 = true,
  signed = true,
  signer = true,
  signature = true,
}

local function refuse(message, ...)
  errors.raise({ kind = "usage", code = "archive", message = message:format(...) })
end

local function merge(record, fields)
  for name, value in pairs(fields or {}) do
    if RESERVED[name] then
      refuse('the member "%s" of an archive\'s records is reserved', name)
    end
    record[name] = value
  end
  return record
end

--- Raise when one is none, and say which.
local function check_recipients(recipients)
  for _, recipient in ipairs(recipients) do
    local ok, err = parties.check(recipient)
    if not ok then
      err.message = ('"%s" is %s'):format(recipient, err.message)
      errors.raise(err)
    end
  end
end

--- Whom the archive is for, as options of stream.writer.
local function secrecy(options)
  local recipients = options.recipients
  if recipients and #recipients == 0 then
    recipients = nil
  end
  local passphrase = options.passphrase
    or (options.passphrase_file and keys.passphrase(options.passphrase_file))
  local ways = (options.plaintext and 1 or 0) + (recipients and 1 or 0) + (passphrase and 1 or 0)
  if ways > 1 then
    errors.raise({
      kind = "usage",
      code = "recipients",
      message = "an archive is for recipients, or locked with a passphrase, or plaintext",
      hint = "give only one of --recipient, --passphrase-file and --plaintext",
    })
  elseif ways == 0 then
    recipients = keys.recipients()
  elseif recipients then
    check_recipients(recipients)
  end
  if options.armor and options.plaintext then
    errors.raise({
      kind = "usage",
      code = "armor",
      message = "armor is for encrypted archives, and this one is plaintext",
      hint = "give only one of --armor and --plaintext",
    })
  end
  local known = { work_factor = stream_options.WORK_FACTOR }
  stream_options.check({ work_factor = options.work_factor }, known, "an archive")
  local given = recipients and parties.seal(recipients) or {}
  given.passphrase, given.work_factor, given.armor = passphrase, options.work_factor, options.armor
  return given
end

--- The key to sign with: the one given, none for `false`, else this host's.
local function signing(options)
  if options.signing_key == false then
    return nil
  elseif options.signing_key then
    return options.signing_key, errors.check(key.signer(options.signing_key))
  end
  local private, signer = keys.signing()
  if not private then
    log.warn("the archive is not signed: there is no signing key; `awsbak keygen` makes one")
  end
  return private, signer
end

local function header(options)
  return merge({
    record = "header",
    format = format.NAME,
    version = format.VERSION,
    kind = options.kind,
    account = options.account,
    region = options.region,
    time = time.rfc3339(outside.now()),
  }, type(options.fields) == "function" and options.fields() or options.fields)
end

-- Only when the first record is there: what it tells of its origin can be a part of the header.
local function write_header(self)
  if self.options then
    self.stream:write(format.encode(header(self.options)) .. "\n")
    self.options = nil
  end
end

--- Begin an archive. See backup.archive.create.
---@param to string
---@param options table
---@return backup.ArchiveWriter
function M.create(to, options)
  argument.check(options.kind, "text", "the kind of an archive")
  local out = errors.check(stream.writer(secrecy(options))) -- first: without it nothing is signed
  local signing_key, signer = signing(options)
  return setmetatable({
    options = options,
    location = to,
    count = 0,
    names = names.new(),
    stream = out,
    signing_key = signing_key,
    signer = signer,
    sink = transfer.sink(to, { force = options.force, s3 = options.s3, text = options.armor }),
  }, Writer)
end

--- Move what is finished on to the sink.
local function forward(self)
  local bytes = self.stream:take()
  if bytes then
    self.sink:write(bytes)
  end
end

local function drain(self)
  local _done <close> = setmetatable({}, {
    __close = function()
      self.draining = nil
    end,
  })
  task.await(self.stream:flush())
  forward(self)
end

--- Compress, seal and send on what is buffered. Several tasks may add records: one of them drains,
--- and the others wait for it.
local function settle(self)
  while self.draining do
    task.await(self.draining)
  end
  self.draining = task.spawn(drain, self)
  task.await(self.draining)
end

local function check_open(self, name)
  argument.method(self, Writer, "archive:" .. name)
  if self.committed then
    refuse("the archive was committed, and nothing is added to it any more")
  elseif not self.stream then
    refuse("the archive was closed")
  end
end

--- Whether a record of that name was added.
---@param name string
---@return boolean
function Writer:has(name)
  return self.names:get(name) ~= nil
end

--- Add a record; waits while too much is buffered.
---@param record table with a `name` that no other record has, and no member called `record`;
---  strings are kept byte for byte
function Writer:add(record)
  check_open(self, "add")
  argument.check(record, "table", "a record of an archive")
  local name = record.name
  argument.check(name, "bytes", "the name of a record")
  if record.record ~= nil then
    refuse("the record \"%s\" has a member 'record', which is the archive's own", name)
  elseif self.names:get(name) then
    refuse('the record "%s" was added twice', name)
  end
  local whole = { record = "item" }
  for member, value in pairs(record) do
    whole[member] = value
  end
  local line = format.encode(whole) .. "\n" -- it may refuse: nothing has changed until now
  write_header(self)
  self.names:add(name)
  local goes_on = self.stream:write(line)
  self.count = self.count + 1
  if not goes_on then
    settle(self)
  end
end

local function closing(self, fields, sha256)
  local record = merge({
    record = "end",
    count = self.count,
    sha256 = codec.hex(sha256),
    signed = self.signing_key ~= nil,
  }, fields)
  if self.signing_key then
    local text = format.signed_text(sha256, self.count)
    record.signer = self.signer
    record.signature = codec.base64(errors.check(key.sign(self.signing_key, text)))
  end
  return record
end

--- Close and publish the archive: only now does its target exist.
---@param fields table? further members of the closing record, such as what could not be read
---@return table done { location, bytes, version_id?, etag?, count, sha256, signed, signer? }
function Writer:commit(fields)
  check_open(self, "commit")
  argument.check(fields, "table?", "what is given for the closing record")
  write_header(self)
  settle(self)
  local sha256 = errors.check(self.stream:sha256())
  local record = closing(self, fields, sha256)
  self.stream:write(format.encode(record) .. "\n")
  task.await(self.stream:finish())
  forward(self)
  local done = self.sink:commit()
  self.committed = true
  done.count, done.sha256 = self.count, record.sha256
  done.signed, done.signer = record.signed, record.signer
  return done
end

--- Let go of everything; what was not committed leaves nothing behind.
function Writer:close()
  local out, sink = self.stream, self.sink
  self.stream, self.sink, self.signing_key = nil, nil, nil
  if out then
    out:close()
    sink:close()
  end
end

Writer.__close = Writer.close

return M
