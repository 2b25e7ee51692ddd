--- One file or object to its new place: what `awsbak s3 cp` does, and a folder's copy for each of
--- its files.
---
--- A file of more than one part leaves a journal while it is on its way, and a download its bytes
--- beside its name, so that the next run of the same copy goes on.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local journal = require("backup.transfer.journal")
local members = require("backup.s3.members")
local outside = require("awsbak.outside")
local pace = require("awsbak.pace")
local paths = require("backup.s3.paths")
local s3_copy = require("backup.transfer.s3_copy")
local s3_download = require("backup.transfer.s3_download")
local s3_fault = require("backup.transfer.s3_fault")
local s3_outcome = require("backup.transfer.s3_outcome")
local s3_parts = require("backup.transfer.s3_parts")
local s3_upload = require("backup.transfer.s3_upload")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

local copying = {}

---@class backup.Copying what all copies of a run have in common
---@field s3 table the client
---@field force boolean? replaces what is there
---@field is_absent boolean? a listing has just said that nothing is there
---@field resume boolean? leaves journals
---@field input table? members of what is written in S3
---@field read_input table? members of what is read there: a customer's key
---@field part_size integer?
---@field at_once integer? parts at a time
---@field checksum string?
---@field cache backup.S3Cache? that objects are downloaded through; they leave no journals then
---@field gate awsbak.Gate?
---@field pace userdata? of awsbak.pace
---@field progress (fun(bytes: integer))?
---@field many backup.ManyCopies? what the copies of many files share

---@class backup.ManyCopies
---@field mark backup.Mark
---@field get_object fun(input: table): table
---@field put_object fun(input: table): table

---@class backup.Place
---@field bucket string
---@field key string
---@field version_id string?
---@field head table? of the object, when it is known

--- What the options of a command say of its copies.
---@param s3 table the client
---@param o table values of backup.s3.members' options, and of force, no_resume, sse_c_key,
---  part_size, limit_rate where the command has them
---@param at_once integer
---@return backup.Copying
--- Raises as members.input does.
function copying.asked(s3, o, at_once)
  return {
    s3 = s3,
    force = o.force,
    resume = not o.no_resume,
    input = members.input(o),
    read_input = members.customer_key(o.sse_c_key),
    part_size = o.part_size,
    at_once = at_once,
    pace = o.limit_rate and pace.new(o.limit_rate) or nil,
  }
end

-- Members of requests that are another for each of many files.
local VARYING <const> = {
  get_object = { "Key", "VersionId", "IfMatch" },
  put_object = {
    "Key",
    "Body",
    "IfNoneMatch",
    "ChecksumCRC32",
    "ChecksumCRC32C",
    "ChecksumCRC64NVME",
  },
}

--- Say that a copy is of many files: each key is written once.
---@param copy backup.Copying changed
function copying.prepare(copy)
  copy.many = {
    mark = s3_outcome.mark((copy.input or {}).Metadata),
    get_object = copy.s3.prepare("get_object", VARYING.get_object, { "Body", "ContentRange" }),
    put_object = copy.s3.prepare("put_object", VARYING.put_object, { "ETag", "VersionId" }),
  }
end

local NONE <const> = {}

--- Options of a transfer: what all copies have in common, and of `more` its input, checksum,
--- head, facts and journal. All in one table that need not grow: there is one for each file.
local function options_of(copy, more)
  local many = copy.many or NONE
  return {
    at_once = copy.at_once,
    checksum = more.checksum,
    facts = more.facts,
    force = copy.force,
    gate = copy.gate,
    get_object = many.get_object,
    head = more.head,
    input = more.input,
    is_absent = copy.is_absent,
    journal = more.journal,
    mark = many.mark,
    pace = copy.pace,
    part_size = copy.part_size,
    progress = copy.progress,
    put_object = many.put_object,
  }
end

--- A place in S3 as people write it.
---@param place backup.Place
---@return string
function copying.url(place)
  return ("s3://%s/%s"):format(place.bucket, place.key)
end

local url = copying.url

local function source_of(copy, from)
  return {
    s3 = copy.s3,
    bucket = from.bucket,
    key = from.key,
    version_id = from.version_id,
    head = from.head,
    members = copy.read_input,
  }
end

--- A path that means the same from every folder: the name of a journal.
local function absolute(path)
  return path:sub(1, 1) == "/" and path or errors.check(sys.cwd()) .. "/" .. path
end

--- Whether a copy is long enough to be worth going on with.
local function is_long(copy, size)
  return copy.resume and size > s3_parts.size(size, copy.part_size)
end

-- Kinds of failures after which the same copy may well succeed.
local PASSING <const> = { cancelled = true, network = true, timeout = true }

--- Raise why a copy failed; where the same one goes on from there, that is said. Many that are
--- interrupted share one error, which names none of them.
local function raise(err, log, more)
  if log:goes_on() and PASSING[err.kind] then
    err.hint = err.hint or "the same command goes on from there" .. (more or "")
  end
  error(err, 0)
end

--- Upload a file.
---@param copy backup.Copying
---@param path string
---@param to backup.Place
---@param open (fun(path: string, hold: boolean): userdata?, table?)? opens the file, and holds a
---  small one (default: by its path)
---@return backup.Uploaded
--- Raises as s3_upload.put does; kind io when the file cannot be read.
function copying.up(copy, path, to, open)
  local handle <close> = errors.check((open or transfer.open)(path, true))
  local facts = errors.check(handle:stat())
  local log <close> = is_long(copy, facts.size)
      and journal.open(absolute(path), url(to), {
        size = facts.size,
        mtime = facts.mtime,
        inode = facts.inode,
        part_size = s3_parts.size(facts.size, copy.part_size),
        checksum = copy.checksum or "crc64nvme",
      })
    or nil
  local target = { s3 = copy.s3, bucket = to.bucket, key = to.key }
  local more = { input = copy.input, checksum = copy.checksum, facts = facts, journal = log }
  local options = options_of(copy, more)
  local put = copy.many and s3_upload.put_checked or s3_upload.put
  if not log then
    return put(handle, target, options)
  end
  local done, err = errors.try(put, handle, target, options)
  if not done then
    local how = ("; awsbak s3 uploads %s --abort ends it"):format(url(to))
    raise(err, log, not copy.many and how)
  end
  return done
end

--- The name of the file beside `path` that holds what has come so far.
local function part_name(path, from)
  local mark = codec.hex(errors.check(digest.digest("sha256", url(from)))):sub(1, 8)
  return paths.part_name(path, mark)
end

local REPLACE <const> = "give --force to replace it"

local function open_sink(open, path, options)
  local sink, err = open(path, options)
  if not sink then
    if err.code == "EEXIST" then
      err.hint = REPLACE
    end
    error(errors.from(err), 0)
  end
  return sink
end

--- An object into a file, by way of the cache where there is one.
local function fetch(copy, source, handle, options)
  local entry <close> = copy.cache and copy.cache:entry(source, options)
  if entry then
    return entry:store(handle, entry.cached and options.progress)
  end
  local get = copy.many and s3_download.get_checked or s3_download.get
  return get(source, handle, options)
end

--- Download an object.
---@param copy backup.Copying
---@param from backup.Place
---@param path string
---@param open (fun(path: string, options: table): userdata?, table?)? makes the sink (default: of
---  the path)
---@return backup.Downloaded
--- Raises as s3_download.get does; kind io, code EEXIST, when the file exists and `force` does not
--- replace it.
function copying.down(copy, from, path, open)
  local head = from.head or s3_fault.head(copy.s3, from, copy.read_input)
  local is_kept = not copy.cache and is_long(copy, head.ContentLength)
  local log <close> = is_kept
      and journal.open(url(from), absolute(path), {
        size = head.ContentLength,
        etag = head.ETag or "",
        version_id = head.VersionId or "",
        part_size = s3_parts.size(head.ContentLength, copy.part_size),
      })
    or nil
  local sink_options = { force = copy.force, part = log and part_name(path, from) }
  local sink <close> = open_sink(open or outside.sink, path, sink_options)
  local handle <close> = errors.check(sink:file())
  local more = { head = head, input = copy.read_input, journal = log }
  local options = options_of(copy, more)
  local done, err = errors.try(fetch, copy, source_of(copy, from), handle, options)
  if not done then
    local is_void = err.kind == "integrity" or err.status == 412
    if log and log:has_parts() and not is_void then
      raise(err, log)
    end
    sink:discard() -- what is there is of no use for a later run
    if log then
      log:finish()
    end
    error(err, 0)
  end
  task.shield(task.await, sink:commit(done.last_modified)) -- cancelled, it may yet have its name
  if log then
    log:finish()
  end
  done.location = path
  return done
end

--- Copy an object within S3.
---@param copy backup.Copying
---@param from backup.Place
---@param to backup.Place
---@return backup.Uploaded
--- Raises as s3_copy.put does.
function copying.between(copy, from, to)
  local target = { s3 = copy.s3, bucket = to.bucket, key = to.key }
  local more = { input = copy.input, checksum = copy.checksum }
  local put = copy.many and s3_copy.put_checked or s3_copy.put
  return put(source_of(copy, from), target, options_of(copy, more))
end

--- Whether there is an object; false where we may not look, which S3 finds out without that right.
local function is_object(copy, place)
  local shared = s3_outcome.shared(copy.input)
  local head, err = errors.try(s3_fault.head, copy.s3, place, shared)
  if err and (err.code == "NoSuchBucket" or err.status ~= 404 and err.status ~= 403) then
    error(err, 0)
  end
  return head ~= nil
end

--- Raise what a copy would raise because something is there already, or no file can be made there:
--- one without a name is opened and closed. Nothing is written.
---@param copy backup.Copying
---@param to backup.Place|string an object, or the path of a file
--- Raises kind io, code EEXIST, when there is something and `force` does not replace it; as
--- s3_fault.head does for what cannot be asked.
function copying.check_absent(copy, to)
  if type(to) == "string" then
    open_sink(outside.sink, to, { force = copy.force }):close()
  elseif not copy.force and is_object(copy, to) then
    errors.raise({
      kind = "io",
      code = "EEXIST",
      message = url(to) .. " exists already",
      hint = REPLACE,
    })
  end
end

return copying
