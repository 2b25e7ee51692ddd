--- Where an archive goes and where it comes from, as people name it: a path, s3://bucket/key, or -
--- for standard output and input.
---
---   local sink <close> = transfer.sink("s3://vault/x.age")
---   sink:write(bytes)
---   local done = sink:commit()          -- without it, close leaves nothing behind
---
---   local source <close> = transfer.source("x.age")
---   source.handle:read(count, offset)   -- an awsbak.core.file handle

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local task = require("awsbak.task")

local transfer = {}

local PIECE = 1024 * 1024 -- bytes copied at once

---@class backup.Sink
---@field write fun(self, bytes: string) waits until they are taken; raises when they cannot be
---@field commit fun(self): table waits until all is safe: { location, bytes, version_id?, etag? }
---@field close fun(self) what was not committed is gone
---@field bytes integer written so far

local FileSink = {}
FileSink.__index = FileSink

function FileSink:write(bytes)
  task.await(self.file:write(bytes))
  self.bytes = self.bytes + #bytes
end

function FileSink:commit()
  task.await(self.file:commit())
  return { location = self.location, bytes = self.bytes }
end

function FileSink:close()
  self.file:close()
end

FileSink.__close = FileSink.close

local PipeSink = setmetatable({}, { __index = FileSink })
PipeSink.__index = PipeSink

-- What is written to a pipe is gone at once: there is nothing to commit.
function PipeSink:commit()
  return { location = self.location, bytes = self.bytes }
end

PipeSink.__close = FileSink.close

--- Which kind of place a word names: "pipe", "s3" or "path".
local function kind_of(word)
  if word == "-" then
    return "pipe"
  elseif word:match("^s3://") then
    return "s3"
  elseif word:match("^%a[%w+.-]*://") then
    errors.raise({
      kind = "usage",
      code = "location",
      message = ('"%s": archives are kept in files and in S3 only'):format(word),
      hint = "give a path, s3://bucket/key, or -",
    })
  elseif word == "" then
    errors.raise({
      kind = "usage",
      code = "location",
      message = "the name of the archive is empty",
      hint = "give a path, s3://bucket/key, or -",
    })
  end
  return "path"
end

local function is_terminal(fd)
  return require("awsbak.core.sys").isatty(fd)
end

local function open_stdout(options)
  if is_terminal(1) and not options.text then
    errors.raise({
      kind = "usage",
      code = "terminal",
      message = "an archive is binary, and standard output is a terminal",
      hint = "give --to FILE, or pipe it into another program",
    })
  end
  require("awsbak.output").take_stdout()
  io.stdout:flush() -- what was printed before comes before
  local sink = { file = errors.check(file.stdout()), location = "-", bytes = 0 }
  return setmetatable(sink, PipeSink)
end

local function open_path(path, options)
  local opened, err = file.sink(path, { force = options.force or false })
  if not opened then
    if err.code == "EEXIST" then
      err.hint = err.hint or "give --force to replace it"
    end
    error(errors.from(err), 0)
  end
  return setmetatable({ file = opened, location = path, bytes = 0 }, FileSink)
end

--- Open a place to write to.
---@param to string a path, s3://bucket/key, or -
---@param options { force: boolean?, text: boolean?, s3: table? }? force replaces what exists; text
---  may
---  go to a terminal; s3 is the client to use
---@return backup.Sink
--- Raises kind io, code EEXIST, when it exists; kind usage for other words; as S3's client does.
function transfer.sink(to, options)
  options = options or {}
  local kind = kind_of(to)
  if kind == "pipe" then
    return open_stdout(options)
  elseif kind == "s3" then
    return require("backup.transfer.s3_sink").open(to, options)
  end
  return open_path(to, options)
end

---@class backup.Source
---@field handle userdata awsbak.core.file, to read at any offset
---@field location string the user's word, or "standard input"
---@field bytes integer
---@field version_id string? of an S3 object
---@field etag string? of an S3 object
local Source = {}
Source.__index = Source

function Source:close()
  self.handle:close()
end

Source.__close = Source.close

--- Open a regular file, where standard input is read as well.
---@param path string
---@param hold boolean? a small one, as awsbak.core.file.open does
---@return userdata handle raises kind io
function transfer.open(path, hold)
  local handle, err = file.open(path, hold)
  if err and err.code == "not_regular" and (file.stat(path) or {}).type ~= "folder" then
    err.hint = "name - to read from standard input"
  end
  return errors.check(handle, err)
end

--- Copy a file, which others may change between two readings.
local function spool_file(spool, path)
  local opened <close> = transfer.open(path)
  local at = 0
  local bytes = task.await(opened:read(PIECE, at))
  while bytes ~= "" do
    task.await(spool:write(bytes))
    at = at + #bytes
    bytes = task.await(opened:read(PIECE, at))
  end
end

--- Copy standard input, as it comes: it is read twice.
local function spool_stdin(spool)
  if is_terminal(0) then
    errors.raise({
      kind = "usage",
      code = "terminal",
      message = "standard input is a terminal, not an archive",
      hint = "name a file, or pipe one in",
    })
  end
  local pipe <close> = errors.check(file.stdin())
  local bytes = task.await(pipe:read(PIECE))
  while bytes do
    task.await(spool:write(bytes))
    bytes = task.await(pipe:read(PIECE))
  end
end

--- A file without a name, filled by `fill(spool, ...)`; when that fails it is gone.
local function spooled(fill, ...)
  local spool = errors.check(file.spool())
  local ok, err = pcall(fill, spool, ...)
  if not ok then
    spool:close()
    error(err, 0)
  end
  return spool
end

--- Open an archive to read. Standard input and S3 objects are copied first, still encrypted, into a
--- file of mode 0600 without a name; what is read is then the same bytes however often.
---@param from string a path, s3://bucket/key, or -
---@param options { s3: table?, progress: fun(bytes: integer, total: integer)?, fixed: boolean? }?
---  `fixed` copies a file too, so that what was checked is what is read again
---@return backup.Source
--- Raises kind io when it cannot be read; kind usage for other words; as S3's client does.
function transfer.source(from, options)
  options = options or {}
  local kind = kind_of(from)
  local source = { location = kind == "pipe" and "standard input" or from }
  if kind == "s3" then
    source.handle = spooled(require("backup.transfer.s3_source").fetch, source, options)
  elseif kind == "pipe" then
    source.handle = spooled(spool_stdin)
  elseif options.fixed then
    source.handle = spooled(spool_file, from)
  else
    source.handle = transfer.open(from)
  end
  local size, err = source.handle:size()
  if not size then
    source.handle:close()
    error(errors.from(err), 0)
  end
  source.bytes = size
  return setmetatable(source, Source)
end

return transfer
