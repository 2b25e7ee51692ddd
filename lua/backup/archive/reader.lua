--- An archive on its way in: proved whole first, then handed out record by record.

local argument = require("awsbak.argument")
local codec = require("awsbak.core.codec")
local errors = require("awsbak.errors")
local format = require("backup.archive.format")
local key = require("awsbak.core.key")
local keys = require("backup.keys")
local names = require("backup.archive.names")
local parties = require("backup.age.parties")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

local M = {}

---@class backup.ArchiveReader
---@field location string the user's word
---@field header table? once verified
---@field package source backup.Source
---@field package keys table options of stream.reader
---@field package verified table? what verify() found
local Reader = { __name = "backup.archive.reader" }
Reader.__index = Reader

--- What to do about a failure, by its code.
local HINTS = {
  age_no_match = "give the key that opens it with --identity FILE or --passphrase-file FILE",
  age_work_factor = "it was made to cost more than this limit allows; do not trust it",
  empty = "the archive was lost or never written; use another one",
}

local DAMAGED = "get it again from where it came from, or use another archive"

---@return any raises kind integrity
local function damaged(self, code, problem)
  errors.raise({
    kind = "integrity",
    code = code,
    message = ("%s: %s"):format(self.location, problem),
    hint = HINTS[code] or DAMAGED,
  })
end

--- Open an archive. See backup.archive.open.
---@param from string|backup.Source
---@param options table
---@return backup.ArchiveReader
function M.open(from, options)
  local secrets = {
    identities = options.identities or keys.identities(options.identity_files),
    passphrase = options.passphrase or (options.passphrase_file and keys.passphrase(
      options.passphrase_file
    )) or nil,
    max_work_factor = options.max_work_factor,
  }
  local source = from
  if type(from) == "string" then
    source = transfer.source(from, { s3 = options.s3 })
  end
  return setmetatable({ location = source.location, keys = secrets, source = source }, Reader)
end

--- Call a function that reads; a failure gets the archive's name and a hint.
local function read(self, f, ...)
  local result, err = errors.try(f, ...)
  if result ~= nil then
    return result
  end
  if err.kind == "integrity" then
    err.message = ("%s: %s"):format(self.location, err.message)
    err.hint = err.hint or HINTS[err.code] or DAMAGED
  end
  error(err, 0)
end

local function fill(self, lines)
  read(self, task.await, lines:fill())
end

local function next_line(self, lines)
  while true do
    local line, why = lines:line()
    if line or why == "end" then
      return line
    end
    fill(self, lines)
  end
end

--- Raise unless the archive is open, and the method was called on it.
local function check_open(self, name)
  argument.method(self, Reader, "archive:" .. name)
  if not self.source then
    errors.raise({ kind = "usage", code = "archive", message = "the archive was closed" })
  end
end

--- A new reading of the source, past its header.
local function start(self)
  local lines = read(self, parties.reader, self.source.handle, self.keys)
  local header, problem = format.header(next_line(self, lines))
  if not header then
    errors.raise({
      kind = "integrity",
      code = problem:find("version %d") and "version" or "not_archive",
      message = self.location .. " " .. problem,
      hint = problem:find("too old") and "use a newer awsbak"
        or "name an archive that awsbak wrote",
    })
  end
  return lines, header
end

local function read_record(self, line, number)
  local record, problem = format.decode(line)
  if not record then
    damaged(self, "record", ("line %d %s"):format(number, problem))
  end
  return record
end

local function check_item(self, record, seen, number)
  if record.record ~= "item" or type(record.name) ~= "string" then
    damaged(self, "record", ("line %d is no record of this format"):format(number))
  elseif not seen:add(record.name) then
    damaged(self, "duplicate", ('"%s" is in it twice'):format(record.name))
  end
end

--- All items up to the closing record: it, their count, and the digest of all before it.
local function read_items(self, lines)
  local seen, count, number = names.new(), 0, 1
  while true do
    local line = next_line(self, lines)
    if not line then
      damaged(self, "no_end", "its closing record is missing; it is cut short")
    end
    number = number + 1
    local record = read_record(self, line, number)
    if record.record == "end" then
      return record, count, errors.check(lines:sha256(true))
    end
    check_item(self, record, seen, number)
    count = count + 1
  end
end

local function check_closing(self, record, count, sha256)
  local problem = format.closing_problem(record)
  if problem then
    damaged(self, "record", problem)
  elseif record.count ~= count then
    damaged(self, "count", ("it has %d items and should have %d"):format(count, record.count))
  elseif record.sha256 ~= codec.hex(sha256) then
    damaged(self, "digest", "its content is not what its closing record says")
  end
  if not record.signed then
    return
  end
  local signature = codec.unbase64(record.signature)
  local text = format.signed_text(sha256, count)
  local valid, err = key.verify(record.signer, text, signature or "")
  if err and err.kind == "memory" then
    errors.check(valid, err)
  elseif not valid then
    damaged(self, "signature", "its signature is not valid: it was altered, or forged")
  end
end

--- What we think of whoever signed, `wanted` being the user's word on it.
local function trust_of(record, wanted)
  if not record.signed then
    return wanted == "any" and "given" or "unsigned"
  end
  local trust, name = keys.trust(record.signer)
  if trust == "unknown" and (wanted == "any" or wanted == record.signer) then
    trust = "given"
  end
  return trust, name
end

local function check_wanted(wanted)
  argument.check(wanted, "text?", "the signer to trust")
  if wanted and wanted ~= "any" then
    local ok, err = key.check_signer(wanted)
    if not ok then
      err.kind, err.message = "usage", ('"%s" is %s'):format(wanted, err.message)
      errors.check(ok, err)
    end
  end
end

---@class backup.Verified
---@field header table
---@field closing table
---@field count integer items
---@field sha256 string hex, of all before the closing record
---@field signed boolean
---@field signer string?
---@field signer_name string? as signers.txt calls it
---@field trust "own"|"listed"|"given"|"unknown"|"unsigned"
---@field form { armored: boolean, encrypted: boolean, compressed: boolean }
---@field bytes integer size of the archive as stored

--- Read the archive from end to end and prove it: that it decrypts, is whole, and is signed by the
--- signer it names.
---@param wanted string? a signer to trust, or "any"
---@return backup.Verified raises kind integrity when anything is wrong
function Reader:verify(wanted)
  check_open(self, "verify")
  check_wanted(wanted)
  local lines <close>, header = start(self)
  local record, count, sha256 = read_items(self, lines)
  if next_line(self, lines) then
    damaged(self, "trailing", "something follows its closing record")
  end
  check_closing(self, record, count, sha256)
  local trust, name = trust_of(record, wanted)
  self.header = header
  self.verified = {
    header = header,
    closing = record,
    count = count,
    sha256 = record.sha256,
    signed = record.signed,
    signer = record.signer,
    signer_name = name,
    trust = trust,
    form = lines:form(),
    bytes = self.source.bytes,
  }
  return self.verified
end

--- The items of a verified archive, in order: `for item in a:records() do ... end`. May be called
--- again. Raises kind integrity when the archive changed after it was verified.
---@return fun(): table?
function Reader:records()
  check_open(self, "records")
  if not self.verified then
    errors.raise({
      kind = "usage",
      code = "archive",
      message = "an archive is verified before its records are read",
      hint = "call archive:verify() first",
    })
  end
  local lines = start(self)
  return function()
    local line = lines and next_line(self, lines)
    local record = line and format.decode(line)
    if record and record.record == "item" then
      record.record = nil
      return record
    elseif lines then
      local sha256 = line and codec.hex(errors.check(lines:sha256(true)))
      lines:close()
      lines = nil
      if sha256 ~= self.verified.sha256 then
        damaged(self, "changed", "it changed while it was being read")
      end
    end
  end
end

--- Let go of the source.
function Reader:close()
  local source = self.source
  self.source = nil
  if source then
    source:close()
  end
end

Reader.__close = Reader.close

return M
