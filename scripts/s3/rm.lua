--- Delete objects: awsbak s3 rm s3://vault/ssm/ --recursive

local errors = require("awsbak.errors")
local filter = require("backup.s3.filter")
local listing = require("backup.s3.listing")
local policy = require("awsbak.policy")
local purge = require("backup.s3.purge")
local s3 = require("aws.s3")
local s3_fault = require("backup.transfer.s3_fault")
local settings = require("awsbak.settings")
local usage = require("backup.s3.usage")

--- What there is under one key; nil when there is nothing. Who may delete need not be able to look.
local function look(bucket, key, version_id)
  local object = { bucket = bucket, key = key, version_id = version_id }
  local input = { Bucket = bucket, Key = key, VersionId = version_id }
  local head, err = errors.try(s3.head_object, input)
  local is_marker = err and err.status == 405 -- that is how S3 answers for a marker's version id
  if err and err.status == 404 and not version_id then
    return nil, s3_fault.explain_head(s3, err, object)
  elseif err and err.status ~= 403 and not is_marker then
    error(s3_fault.explain_head(s3, err, object), 0)
  end
  head = head or {}
  return {
    key = key,
    version_id = version_id,
    size = head.ContentLength,
    modified = head.LastModified,
  }
end

--- All versions of exactly one key.
local function versions_of(bucket, key)
  local versions = listing.versions(s3, bucket, key)
  return function()
    local entry = versions()
    return entry and entry.key == key and entry or nil -- longer keys sort after it
  end
end

---@class Target what one URL names
---@field bucket string
---@field list fun(): fun(): backup.S3Entry? lists it anew at each call
---@field phrase string for the question: "%s below s3://vault/ssm/"
---@field single backup.S3Entry? of one object or version

local function folder_target(url, list, chosen)
  local bucket, prefix = s3.parse_prefix(url)
  if prefix ~= "" and prefix:sub(-1) ~= "/" then
    prefix = prefix .. "/" -- a folder: s3://vault/ssm must not take ssm-old/ with it
  end
  local is_all = prefix == "" and not chosen
  return {
    bucket = bucket,
    phrase = is_all and "%s, all of the bucket " .. bucket
      or ("%%s below s3://%s/%s"):format(bucket, (prefix:gsub("%%", "%%%%"))),
    list = function()
      local entries = list(s3, bucket, prefix)
      return chosen and chosen:listed(entries, prefix) or entries
    end,
  }
end

--- What a URL names; raises when it is one object that does not exist.
---@return Target
local function target_of(url, o, chosen)
  if o.recursive then
    return folder_target(url, o.all_versions and listing.versions or listing.objects, chosen)
  end
  local bucket, key = s3.parse_url(url)
  local target = { bucket = bucket, phrase = "%s of " .. url:gsub("%%", "%%%%") }
  if o.all_versions then
    function target.list()
      return versions_of(bucket, key)
    end
    return target
  end
  local entry, err = look(bucket, key, o.version_id)
  if err and err.code == "NoSuchBucket" then
    error(err, 0)
  elseif err then
    err.hint = "nothing was deleted; with --recursive a URL names a folder"
    error(err, 0)
  end
  target.single = entry
  function target.list()
    local left = entry
    return function()
      local found = left
      left = nil
      return found
    end
  end
  return target
end

--- Counts what there is and asks. What comes to be after that is not deleted.
local function ask(targets, noun)
  local lines = {}
  for i, target in ipairs(targets) do
    local entry = target.single
    target.counted = entry and { count = 1, bytes = entry.size or 0, newest = math.huge }
      or purge.count(target.list())
    lines[i] = target.phrase:format(purge.describe(target.counted, noun))
  end
  if #targets == 1 then
    if targets[1].counted.count > 0 then
      policy.confirm(("Delete %s?"):format(lines[1]))
    end
    return
  end
  policy.confirm("Delete all of these?", lines)
end

--- Only what is to go: an entry with its version id, or a key whose object is hidden or gone.
local function plain(entries, with_versions)
  return function()
    local entry = entries()
    return entry and { key = entry.key, version_id = with_versions and entry.version_id or nil }
  end
end

local function remove(target, with_versions, dry)
  local entries = target.list()
  if target.counted then
    entries = purge.counted(entries, target.counted)
  end
  return purge.run(s3, target.bucket, plain(entries, with_versions), dry)
end

local function add(total, counts)
  for name, value in pairs(counts) do
    total[name] = type(value) == "number" and (total[name] or 0) + value or value
  end
end

return policy({
  name = "s3 rm",
  summary = "Delete objects, folders of them, or versions.",
  description = "Counts and asks first; --yes answers. In a bucket that keeps versions a delete"
    .. " marker hides the object (result: marked) and deleting that marker brings it back; with"
    .. " --all-versions or --version-id it is gone for good. What came after the question stays.",
  examples = {
    "awsbak s3 rm s3://vault/old.age",
    "awsbak s3 rm s3://vault/2019/ --recursive --dry-run",
    "awsbak s3 rm s3://vault/2019/ --recursive --include '*.tmp'",
    "awsbak s3 rm s3://vault/2019/ --recursive --all-versions --yes",
  },
  options = {
    {
      "url",
      positional = true,
      required = true,
      many = true,
      help = "s3://bucket/key; with --recursive a folder, s3://bucket/folder/, or s3://bucket",
    },
    { "recursive", kind = "flag", help = "all objects in the folder" },
    { "version_id", help = "delete this version of one object for good" },
    { "all_versions", kind = "flag", help = "delete all versions and delete markers for good" },
    { "dry_run", kind = "flag", help = "list what would be deleted, and delete nothing" },
    table.unpack(filter.options),
  },
  run = function(o)
    if o.version_id then
      usage.refuse(#o.url > 1, "--version-id", "is of one object, and several are named")
      usage.refuse(o.recursive, "--version-id", "is of one object: it does not go with --recursive")
      usage.refuse(o.all_versions, "--version-id", "does not go with --all-versions")
    end
    local chosen = filter.of(o, o.recursive)
    local targets, total = {}, {}
    for i, url in ipairs(o.url) do
      targets[i] = target_of(url, o, chosen) -- a mistake in any is told before anything goes
    end
    local with_versions = o.all_versions or o.version_id ~= nil
    if not o.dry_run and not settings.get("yes") then
      ask(targets, with_versions and "version" or "object")
    end
    for _, target in ipairs(targets) do
      add(total, remove(target, with_versions, o.dry_run))
    end
    return total
  end,
})
