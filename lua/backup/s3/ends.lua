--- The two ends of a copy of many files: a folder here, or one in S3.
---
---     local from <close>, to <close> = ends.source("backups"), ends.target("s3://vault/ssm")
---     for step in diff.steps(from:entries(to), to:entries(from)) do ... end

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local listing = require("backup.s3.listing")
local members = require("backup.s3.members")
local paths = require("backup.s3.paths")
local sides = require("backup.s3.sides")
local s3_parts = require("backup.transfer.s3_parts")
local usage = require("backup.s3.usage")
local walk = require("backup.s3.walk")

local ends = {}

local FOLDER_MODE <const> = tonumber("755", 8)
local ONE <const> = "awsbak s3 cp copies one, without --recursive"
local RATE_MAX <const> = 900 * 1024 ^ 4 -- bytes a second; awsbak.pace takes 1e15

--- Options of a policy that copies.
ends.options = {
  { "part_size", kind = "size", help = "bytes of a part, 5M to 5G (default: 8M or what it takes)" },
  { "limit_rate", kind = "size", help = "bytes a second at most: 10M" },
  { "no_resume", kind = "flag", help = "do not go on with an earlier run, leave nothing for one" },
}

---@class backup.End
---@field kind "folder"|"prefix"
---@field name string as people write it, "/" at its end
---@field folder userdata? of awsbak.core.file; nil for one that is not there yet
---@field s3 table? the client
---@field bucket string?
---@field prefix string? "" or with "/" at its end
---@field list (fun(): fun(): backup.S3Entry?)? lists a prefix anew at each call
---@field filter backup.Filter? only what it takes is an entry; who compares sets it, at both ends
local End = {}
End.__index = End

--- Whether a word names something in S3.
---@param word string
---@return boolean
function ends.is_s3(word)
  return word:find("^[sS]3:") ~= nil
end

--- A folder in S3: a name without "/" at its end means the same, so that s3://vault/ssm is not
--- ssm-old/, too.
---@param s3 table the client
---@param word string
---@return backup.End
--- Raises kind usage when there is no bucket.
function ends.prefix(s3, word)
  local bucket, prefix = s3.parse_prefix(word)
  if prefix ~= "" and prefix:sub(-1) ~= "/" then
    prefix = prefix .. "/"
  end
  return setmetatable({
    kind = "prefix",
    name = ("s3://%s/%s"):format(bucket, prefix),
    s3 = s3,
    bucket = bucket,
    prefix = prefix,
    list = function()
      return listing.objects(s3, bucket, prefix)
    end,
  }, End)
end

local function local_end(word, folder)
  return setmetatable({ kind = "folder", name = (word:gsub("/*$", "/")), folder = folder }, End)
end

--- What there is under one key.
local function object_at(s3, bucket, key)
  return listing.only(listing.objects(s3, bucket, key), key)()
end

--- Make a folder in S3 that has nothing in it, and is called as an object is, an error where it is
--- listed: the object was meant.
local function refuse_object(from, word)
  local list = from.list
  local _, key = from.s3.parse_prefix(word)
  local is_open = key ~= "" and key:sub(-1) ~= "/"
  function from.list()
    local is_empty, entries = true, list()
    return function()
      local entry = entries()
      is_empty = is_empty and not entry
      if is_empty and is_open and object_at(from.s3, from.bucket, key) then
        errors.raise({
          kind = "usage",
          code = "no_folder",
          message = word .. " is an object, and no folder",
          hint = ONE,
        })
      end
      return entry
    end
  end
  return from
end

--- The end that is copied from.
---@param s3 table the client
---@param word string
---@return backup.End
--- Raises kind io when the folder cannot be opened; kind usage for what is no folder, of an object
--- when it is listed.
function ends.source(s3, word)
  usage.refuse(word == "-", word, "is no folder")
  if ends.is_s3(word) then
    return refuse_object(ends.prefix(s3, word), word)
  end
  local folder, err = file.folder(word)
  if err and err.code == "ENOTDIR" then
    err.hint = ONE
  end
  return local_end(word, errors.check(folder, err))
end

--- The end that is copied to; a folder is made, or in a dry run looked at whether it could be.
---@param s3 table the client
---@param word string
---@param dry boolean?
---@return backup.End
--- Raises as ends.source does.
function ends.target(s3, word, dry)
  usage.refuse(word == "-", word, "is no folder")
  if ends.is_s3(word) then
    return ends.prefix(s3, word)
  elseif dry and not file.stat(word) then
    errors.check(file.check_mkdirs(word))
    return local_end(word)
  elseif not file.stat(word) then
    errors.check(file.mkdirs(word, FOLDER_MODE))
  end
  return local_end(word, errors.check(file.folder(word)))
end

--- Refuse a rate that is none, and one for bytes that S3 copies by itself.
local function check_rate(rate, is_within)
  local is_none = rate and (rate < 1 or rate > RATE_MAX)
  usage.refuse(is_none, "--limit-rate", "is 1 to 900T (bytes a second); leave it out for no limit")
  local is_vain = rate and is_within
  usage.refuse(is_vain, "--limit-rate", "has no meaning within S3: no bytes pass this machine")
end

--- Refuse options that say nothing of a copy from one place to another, which would be taken for
--- done, and sizes of parts that S3 does not take.
---@param o table values of backup.s3.members' options, limit_rate, no_resume, part_size
---@param from string file, folder, place in S3, or "-"
---@param to string likewise
--- Raises kind usage, code bad_option or part_size.
function ends.check_options(o, from, to)
  local is_within = ends.is_s3(from) and ends.is_s3(to)
  check_rate(o.limit_rate, is_within)
  local is_whole = is_within or from == "-" or to == "-"
  local why = "is for copies between files and S3: no other goes on with an earlier run"
  usage.refuse(o.no_resume and is_whole, "--no-resume", why)
  if not ends.is_s3(to) then
    members.check_read(o)
  end
  s3_parts.size(0, o.part_size)
end

--- Refuse two ends that no copy can have: both here, or one within the other, where what was
--- copied would be found again.
---@param from string
---@param to string
---@param s3 table the client
--- Raises kind usage, code bad_option.
function ends.check(from, to, s3)
  if not ends.is_s3(from) or not ends.is_s3(to) then
    local is_neither = not ends.is_s3(from) and not ends.is_s3(to)
    return usage.refuse(is_neither, from, "and " .. to .. " are both not in S3")
  end
  local a, b = ends.prefix(s3, from), ends.prefix(s3, to)
  local shorter = math.min(#a.prefix, #b.prefix)
  local is_within = a.bucket == b.bucket and a.prefix:sub(1, shorter) == b.prefix:sub(1, shorter)
  usage.refuse(is_within, from, "and " .. to .. " are within each other")
end

--- Without the files that hold what has come of an interrupted download (backup.s3.copying).
local function without_parts(files)
  return function()
    for entry in files do
      if not paths.is_part(entry.key) then
        return entry
      end
    end
  end
end

--- A listing of what the filter takes.
local function listed(self)
  local entries = self.list()
  return self.filter and self.filter:listed(entries, self.prefix) or entries
end

--- A walk over what the filter takes.
local function walked(self)
  local filter = self.filter
  if not filter then
    return without_parts(walk.files(self.folder))
  end
  local files = walk.files(self.folder, function(key)
    return filter:skips(key)
  end)
  return filter:files(without_parts(files))
end

--- Objects by their keys, whatever they are: no file system is asked.
local function objects(self)
  local entries = listed(self)
  return function()
    for entry in entries do
      local key = entry.key:sub(#self.prefix + 1)
      if key ~= "" then -- that stands for the folder itself
        return { key = key, size = entry.size, modified = entry.modified, object = entry }
      end
    end
  end
end

--- What is there, to be compared with the other end.
---@param other backup.End
---@return fun(): backup.DiffEntry? iterator, from the beginning at each call; of a prefix with
---  `object`, its entry of the listing
function End:entries(other)
  if self.kind == "prefix" and other.kind == "prefix" then
    return objects(self)
  elseif self.kind == "prefix" then
    return sides.objects(listed(self), self.bucket, self.prefix)
  elseif not self.folder then
    return function() end
  end
  return sides.files(walked(self), self.name:sub(1, -2), other.prefix)
end

--- What is there under one key.
---@param key string
---@return backup.DiffEntry? entry of a prefix with `object`
function End:entry(key)
  if self.kind == "folder" then
    return self.folder and walk.file(self.folder, key)
  end
  local whole = self.prefix .. key
  local found = object_at(self.s3, self.bucket, whole)
  return found and { key = key, size = found.size, modified = found.modified, object = found }
end

--- What there is under a key, as people write it.
---@param key string
---@return string
function End:location(key)
  return self.name .. key
end

--- The folder is closed.
function End:close()
  if self.folder then
    self.folder:close()
  end
end

End.__close = End.close

return ends
