--- Bytes from a source through stages into a sink, in bounded memory, on the loop's threads.
---
---     local stream = require("awsbak.stream")
---     local done = stream.pipe(
---       stream.file("dump.sql"),
---       stream.digest("sha256"),
---       stream.zstd({ level = 6 }),
---       stream.save("dump.sql.zst")
---     )
---     print(done.read, done.written)
---
--- A source is one of these, or anything with a method `read(n)` (the Body of a GetObject); a sink
--- is one of these, or anything with `write(bytes)` (what backup.transfer.sink opens). Both are
--- closed at the end. A sink is committed only when all went well, else nothing is left of it.

local errors = require("awsbak.errors")
local pump = require("awsbak.stream.pump")
local sink = require("awsbak.stream.sink")
local source = require("awsbak.stream.source")
local stages = require("awsbak.stream.stages")

local M = {}

--- A regular file, from its beginning to its end.
---@param file string|userdata a path, or an open handle of awsbak.core.file, which stays open
---@return awsbak.stream.Source
M.file = source.file

--- Bytes that a script has or makes.
---@param bytes string|fun(): string? all of them; or what gives the next ones, and nil at the end,
---  and may await
---@return awsbak.stream.Source
M.bytes = source.bytes

--- Standard input.
---@return awsbak.stream.Source
M.stdin = source.stdin

--- A file that appears when all is in it and on disk, or not at all.
---@param path string
---@param options { force: boolean?, mode: integer? }? force replaces a file of that name; mode of
---  the new one (0600)
---@return awsbak.stream.Sink
M.save = sink.save

--- Standard output, unless it is a terminal.
---@param options { text: boolean? }? text may go to a terminal, too
---@return awsbak.stream.Sink
M.stdout = sink.stdout

--- A string: `text` of what pipe returns.
---@param max integer? bytes, at most (64 MiB)
---@return awsbak.stream.Sink
M.text = sink.text

--- Compress as zstd.
---@param options { level: integer?, long: boolean?, window_log: integer?, workers: integer? }?
---  level 1 to 19 (3); long looks for repetitions far apart, up to 2^window_log bytes (27);
---  workers are threads of zstd's own: two make it up to 1.8 times as fast where cores are idle,
---  for 45 MiB at level 3, and 95 at level 12
---@return awsbak.stream.Stage
M.zstd = stages.zstd

--- Decompress zstd, one or more frames.
---@param options { window_log: integer?, ratio_max: integer?, bytes_max: integer? }? window_log
---  bounds memory (27: 128 MiB); what grows to more than ratio_max times its size (2048; 0 for
---  any) beyond 64 MiB, or to more than bytes_max, is refused
---@return awsbak.stream.Stage
--- In a pipe it fails with kind integrity: zstd_corrupt, zstd_truncated, zstd_window,
--- zstd_dictionary, too_large.
M.unzstd = stages.unzstd

--- Compress as gzip.
---@param options { level: integer? }? level 1 to 9 (6)
---@return awsbak.stream.Stage
M.gzip = stages.gzip

--- Decompress gzip, one or more members. Zeros that fill up the last block of a tape or a device
--- are passed over.
---@param options { ratio_max: integer?, bytes_max: integer? }? as for unzstd
---@return awsbak.stream.Stage
--- In a pipe it fails with kind integrity: gzip_corrupt, gzip_truncated, too_large.
M.gunzip = stages.gunzip

--- Encrypt as an age v1 file, for those who hold a recipient's identity or know the passphrase.
---@param options { recipients: string[]?, passphrase: string|userdata|nil, work_factor: integer?,
---  armor: boolean?, file_key: userdata?, stanzas: string[]? } recipients (age1..., SSH keys) or
---  a passphrase; work_factor is scrypt's (18), at most 20, the limit of who opens; armor makes
---  text of it; file_key and stanzas are what backup.age.parties.seal makes of recipients that the
---  core does not know (KMS)
---@return awsbak.stream.Stage
--- In a pipe it fails with kind config, code key, for a text that is no recipient.
M.seal = stages.seal

--- Decrypt an age v1 file, in armor or not. Only what is authentic comes out of it, but a file that
--- is cut short is told at its end only: a sink is not committed then.
---@param options { identities: (string|userdata)[]?, passphrase: string|userdata|nil,
---  file_key: userdata?, max_work_factor: integer?, unwrap: (fun(header: string,
---  why: awsbak.Error): userdata)? } what may open it; a higher work factor than the limit (20) is
---  refused; unwrap is called when nothing of that opens the file, may await, and gives the file
---  key or raises: backup.age.parties.open makes one for identities that the core does not know
---  (KMS, plugins)
---@return awsbak.stream.Stage
--- In a pipe it fails with kind integrity: age_no_match, age_truncated, age_payload and others.
M.open = stages.open

--- Pass bytes on, and take their digest: `digests[name]` of what pipe returns, as raw bytes.
---@param algorithm string sha256, sha512, sha1, md5, crc32, crc32c or crc64nvme
---@param options { as: string?, expect: string? }? as: another name for the result; expect: what
---  it must be, raw or in hexadecimal, else the pipe fails with kind integrity
---@return awsbak.stream.Stage
M.digest = stages.digest

--- Tell how far a pipe is, wherever among the stages this stands: it changes nothing.
---@param tell fun(bytes: integer) called with the bytes that came out of the source since it was
---  called last; it may not await
---@return awsbak.stream.Stage
M.progress = stages.progress

--- What the arguments of pipe are: source, stages, sink, and who is told how far it is.
local function sort_out(...)
  local parts = table.pack(...)
  if parts.n < 2 then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = "a pipe needs a source and a sink",
      hint = "as in stream.pipe(stream.file(path), stream.zstd(), stream.save(other))",
    })
  end
  local from, to = source.of(parts[1]), sink.of(parts[parts.n])
  local between, told = {}, {}
  for i = 2, parts.n - 1 do
    local stage = stages.check(parts[i], i - 1)
    table.insert(stage.tell and told or between, stage)
  end
  return from, between, to, told
end

--- Move all bytes from a source through stages into a sink. Waits; other tasks go on meanwhile.
---@param from awsbak.stream.Source|table|userdata
---@param ... awsbak.stream.Stage|awsbak.stream.Sink|table the stages, in order, and last the sink
---@return { read: integer, written: integer, digests: table<string, string>, text: string?,
---  commit: any } bytes out of the source and into the sink, digests by name, the text of
---  stream.text(), and what the sink's commit gave
--- Raises what source, stage or sink failed with, told with which of them it was. Kind cancelled
--- when the task is cancelled: it stops at the next chunk.
function M.pipe(from, ...)
  return pump.run(sort_out(from, ...))
end

return M
