--- Copy files and objects: awsbak s3 cp disk.img s3://vault/disk.img

local bulk = require("backup.s3.bulk")
local cache = require("backup.s3.cache")
local copying = require("backup.s3.copying")
local diff = require("backup.s3.diff")
local ends = require("backup.s3.ends")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local filter = require("backup.s3.filter")
local members = require("backup.s3.members")
local output = require("awsbak.output")
local pipes = require("awsbak.stream")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local s3 = require("aws.s3")
local s3_fault = require("backup.transfer.s3_fault")
local s3_sink = require("backup.transfer.s3_sink")
local settings = require("awsbak.settings")
local stream = require("backup.s3.stream")
local transfer = require("backup.transfer")
local usage = require("backup.s3.usage")

local AT_ONCE <const> = 4 -- parts
local FOLDER_MODE <const> = tonumber("755", 8)

local options = {
  {
    "from",
    positional = true,
    required = true,
    stream = true,
    help = "file, s3://bucket/key, or -; with --recursive a folder",
  },
  {
    "to",
    positional = true,
    required = true,
    stream = true,
    help = "file, folder, s3://bucket/key, s3://bucket/folder/, or -",
  },
  { "recursive", kind = "flag", help = "all that is in the folder, by the same names" },
  { "force", kind = "flag", help = "replace what is there" },
  { "version_id", help = "this version of the object" },
  {
    "checksum",
    kind = "choice",
    choices = { "crc64nvme", "crc32", "crc32c" },
    help = "that S3 keeps of the object (default: crc64nvme)",
  },
  { "dry_run", kind = "flag", help = "say what would be copied, and copy nothing" },
}
table.move(ends.options, 1, #ends.options, #options + 1, options)
table.move(filter.options, 1, #filter.options, #options + 1, options)
table.move(cache.options, 1, #cache.options, #options + 1, options)
table.move(members.options, 1, #members.options, #options + 1, options)

local is_s3 = ends.is_s3

--- The last part of a path or key, which a folder's name is put before.
local function base_name(word)
  local name = word:match("([^/]*)/*$")
  local is_name = name ~= "" and name ~= "." and name ~= ".." and not name:find("\0", 1, true)
  usage.refuse(not is_name, word, "has no name that a file can have: name the target")
  return name
end

local function is_folder(path)
  local facts = file.stat(path)
  return path:sub(-1) == "/" or facts ~= nil and facts.type == "folder"
end

--- The place in S3 that a word names; a bucket or folder alone takes the other side's name.
local function s3_place(word, other)
  local bucket, key = s3.parse_prefix(word)
  if key == "" or key:sub(-1) == "/" then
    usage.refuse(other == "-", word, "is a folder: what comes from standard input needs a name")
    key = key .. base_name(other)
  end
  return { bucket = bucket, key = key }
end

local function local_path(word, other)
  return is_folder(word) and word:gsub("/+$", "") .. "/" .. base_name(other) or word
end

--- Refuse options that say nothing of this copy: they would be taken for done.
local function check_meaning(o)
  local is_odd = o.checksum and not is_s3(o.to)
  usage.refuse(is_odd, "--checksum", "is for objects that are written: this copy only reads")
  local is_pipe = o.part_size and o.to == "-"
  usage.refuse(is_pipe, "--part-size", "does not go with standard output, which has no parts")
  local is_vain = o.force and o.to == "-"
  usage.refuse(is_vain, "--force", "does not go with standard output: nothing is replaced")
  ends.check_options(o, o.from, o.to)
end

--- The head of an object; the error for one that is not there says how a folder is copied.
local function head_of(copy, source)
  local head, err = errors.try(s3_fault.head, s3, source, copy.read_input)
  if err and err.status == 404 and err.code ~= "NoSuchBucket" and not source.version_id then
    local hint = err.hint and err.hint .. "; " or ""
    err.hint = hint .. "with --recursive a URL names a folder"
  end
  return errors.check(head, err)
end

--- Which function copies, what from and to where.
local function plan(copy, o)
  local from, to = o.from, o.to
  usage.refuse(not is_s3(from) and not is_s3(to), from, "and " .. to .. " are both not in S3")
  usage.refuse(o.version_id and not is_s3(from), "--version-id", "is of an object in S3")
  local facts = not is_s3(from) and from ~= "-" and file.stat(from)
  local is_whole = facts and facts.type == "folder" or from:find("^s3://[^/]+/?$")
  usage.refuse(is_whole, from, "is no single object: --recursive copies what is in it")
  if not is_s3(from) then
    return from == "-" and "pipe_up" or "up", from, s3_place(to, from)
  end
  local bucket, key = s3.parse_url(from)
  local source = { bucket = bucket, key = key, version_id = o.version_id }
  if to == "-" then
    return "pipe_down", source
  end
  source.head = head_of(copy, source)
  if is_s3(to) then
    return "between", source, s3_place(to, from)
  end
  return "down", source, local_path(to, from)
end

local ways = { up = copying.up, down = copying.down, between = copying.between }

--- Standard input as an object.
function ways.pipe_up(copy, _, to)
  local url = ("s3://%s/%s"):format(to.bucket, to.key)
  local sink = s3_sink.open(url, {
    at_once = copy.at_once,
    checksum = copy.checksum,
    force = copy.force,
    input = copy.input,
    pace = copy.pace,
    part_size = copy.part_size,
    progress = copy.progress, -- what was read may wait here for long
    s3 = s3,
  })
  return pipes.pipe(pipes.stdin(), sink).commit
end

--- An object to standard output.
function ways.pipe_down(copy, from)
  output.take_stdout()
  local object <close> = stream.open(s3, from.bucket, from.key, {
    version_id = from.version_id,
    members = copy.read_input,
    pace = copy.pace,
  })
  local function read()
    local bytes = object()
    copy.progress(#(bytes or ""))
    return bytes
  end
  output.stream(read, ("%s is binary"):format(object.location))
  return { location = "-", bytes = object.size }
end

--- How many bytes there will be; nil of a pipe.
local function size_of(way, from)
  if way == "up" then
    local facts = file.stat(from)
    return facts and facts.size
  end
  return way ~= "pipe_up" and from.head and from.head.ContentLength or nil
end

--- Steps but for those of what only the target has: such is nothing to a copy that never lists it.
local function with_source(steps)
  return function()
    for step in steps do
      if step.source then
        return step
      end
    end
  end
end

--- All files of a folder. The target is looked at where names may meet: what is replaced by force
--- must have been there under its own name; and a prefix by a dry run, which says what would be
--- refused.
local function copy_folder(o, kept, chosen)
  usage.refuse(o.version_id, "--version-id", "is of one object: it does not go with --recursive")
  ends.check(o.from, o.to, s3)
  local copy = copying.asked(s3, o, bulk.at_once())
  copy.checksum, copy.cache = o.checksum, kept
  local from <close> = ends.source(s3, o.from)
  local to <close> = ends.target(s3, o.to, o.dry_run)
  from.filter, to.filter = chosen, chosen
  local is_listed = to.kind == "folder" and o.force
  local job = {
    copy = copy,
    from = from,
    to = to,
    replace = o.force and not is_listed,
    is_listed = is_listed,
    keep = not o.force, -- which a dry run has seen
    dry = o.dry_run,
  }
  local is_asked = o.dry_run and not o.force and to.kind == "prefix"
  local there = (is_listed or is_asked) and to:entries(from) or function() end
  local steps = diff.steps(from:entries(to), there, { compare = "none" })
  return bulk.run(job, is_asked and with_source(steps) or steps)
end

--- What would be copied, if it is there and its target is not.
local function dry_run(copy, way, from, to, o)
  if way == "up" then
    transfer.open(from):close() -- says why it cannot be read
  elseif way == "pipe_down" then
    from.head = head_of(copy, from)
  end
  if way == "down" and o.to:sub(-1) == "/" and not file.stat(o.to) then
    errors.check(file.check_mkdirs(o.to)) -- a folder that the copy would make is empty
  elseif way ~= "pipe_down" then
    copying.check_absent(copy, to)
  end
  to = type(to) == "table" and copying.url(to) or to or "-"
  local bytes = size_of(way, from)
  return { ok = 0, dry_run = true, to_copy = 1, bytes = bytes, from = o.from, to = to }
end

return policy({
  name = "s3 cp",
  summary = "Copy files to S3, objects to files, or objects within S3.",
  description = "What is there is replaced with --force only. A copy that was ended goes on when it"
    .. " is run again. What arrives is compared with S3's checksum of it.",
  examples = {
    "awsbak s3 cp disk.img s3://vault/ --storage-class GLACIER_IR",
    "awsbak s3 cp s3://vault/disk.img /restore/",
    "awsbak s3 cp s3://vault/a s3://archive/a",
    "awsbak s3 cp --recursive photos s3://vault/photos/ --exclude '*.tmp'",
    "pg_dump shop | awsbak s3 cp - s3://vault/shop.sql",
  },
  options = options,
  run = function(o)
    check_meaning(o)
    local chosen = filter.of(o, o.recursive, true)
    local kept <close> = cache.of_copy(o, o.from, o.to)
    if o.recursive then
      return copy_folder(o, kept, chosen)
    end
    local copy = copying.asked(s3, o, settings.get("concurrency") or AT_ONCE)
    copy.checksum, copy.cache = o.checksum, kept
    local way, from, to = plan(copy, o)
    if o.dry_run then
      return dry_run(copy, way, from, to, o)
    end
    local shown <close> = progress.start("", size_of(way, from), true)
    shown:keep_telling()
    function copy.progress(bytes)
      shown:add(bytes)
    end
    if way == "down" and o.to:sub(-1) == "/" then
      errors.check(file.mkdirs(o.to, FOLDER_MODE))
    end
    local done = ways[way](copy, from, to)
    shown:close()
    return {
      ok = 1,
      location = done.location,
      bytes = done.bytes,
      version_id = done.version_id,
      checksum = done.checksum,
      cached = done.cached,
    }
  end,
})
