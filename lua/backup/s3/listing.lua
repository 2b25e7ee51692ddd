--- What is in a bucket: objects and folders, versions and delete markers, one after the other, a
--- page of the service in memory at a time.
---
---     for entry in listing.objects(s3, "vault", "ssm/") do print(entry.key, entry.size) end
---
--- Order: by key, byte by byte, as S3 lists all but directory buckets (API reference,
--- ListObjectsV2); versions of a key newest first (ListObjectVersions).

local s3_fault = require("backup.transfer.s3_fault")

local listing = {}

---@class backup.S3Entry
---@field key string of an object; of a folder with the delimiter at its end
---@field kind "object"|"folder"|"version"|"marker"
---@field size integer? bytes; not of folders and markers
---@field modified number? epoch seconds; not of folders
---@field etag string? without quotes
---@field storage_class string?
---@field version_id string? "null" where the bucket kept no versions when it was written
---@field latest boolean? of versions and markers: what a reader without a version id gets
---@field head table? of HeadObject, where who compared it has asked for that

local function bare(etag)
  return etag and (etag:match('^"(.*)"$') or etag)
end

local function entry_of(object, kind)
  return {
    key = object.Key,
    kind = kind,
    size = object.Size,
    modified = object.LastModified,
    etag = bare(object.ETag),
    storage_class = object.StorageClass,
    version_id = object.VersionId,
    latest = object.IsLatest,
  }
end

--- Two sorted lists as one iterator.
local function merge(a, b, precedes)
  local i, j = 1, 1
  return function()
    local first, second = a[i], b[j]
    if first and (not second or precedes(first, second)) then
      i = i + 1
      return first
    elseif second then
      j = j + 1
      return second
    end
  end
end

local function entries(list, kind)
  local made = {}
  for i, object in ipairs(list or {}) do
    made[i] = entry_of(object, kind)
  end
  return made
end

local function folders(list)
  local made = {}
  for i, common in ipairs(list or {}) do
    made[i] = { key = common.Prefix, kind = "folder" }
  end
  return made
end

--- One iterator of all that `of_page` makes of each page.
local function chain(bucket, pages, of_page)
  local current
  return function()
    while true do
      local entry = current and current()
      if entry then
        return entry
      end
      local page = s3_fault.call(bucket, pages)
      if not page then
        return nil
      end
      current = of_page(page)
    end
  end
end

-- `<` on strings is strcoll(3), and the program runs in the C locale: that is by bytes.
local function by_key(a, b)
  return a.key < b.key
end

local function is_before(a, b)
  if a.key ~= b.key then
    return by_key(a, b)
  elseif a.latest ~= b.latest then
    return a.latest == true
  elseif a.modified ~= b.modified then
    return a.modified > b.modified
  end
  return a.kind == "marker" -- of the same second; which came later, S3 does not tell
end

--- Objects below a prefix.
---@param s3 table a client
---@param bucket string
---@param prefix string "" for all
---@param options { delimiter: string?, start_after: string? }? with a delimiter, keys that share
---  what comes up to it after the prefix are one folder
---@return fun(): backup.S3Entry? sorted by key; raises as the client does
function listing.objects(s3, bucket, prefix, options)
  options = options or {}
  local pages = s3.pages.list_objects_v2({
    Bucket = bucket,
    Prefix = prefix,
    Delimiter = options.delimiter,
    StartAfter = options.start_after,
  })
  return chain(bucket, pages, function(page)
    return merge(entries(page.Contents, "object"), folders(page.CommonPrefixes), by_key)
  end)
end

--- Versions and delete markers below a prefix.
---@param s3 table a client
---@param bucket string
---@param prefix string "" for all
---@return fun(): backup.S3Entry? sorted by key, those of a key newest first; raises as the client
---  does
function listing.versions(s3, bucket, prefix)
  local pages = s3.pages.list_object_versions({ Bucket = bucket, Prefix = prefix })
  return chain(bucket, pages, function(page)
    return merge(
      entries(page.Versions, "version"),
      entries(page.DeleteMarkers, "marker"),
      is_before
    )
  end)
end

--- The entries of one key: of a listing by it as the prefix they are the first.
---@param listed fun(): backup.S3Entry? sorted by key
---@param key string
---@return fun(): backup.S3Entry?
function listing.only(listed, key)
  return function()
    local entry = listed()
    return entry and entry.key == key and entry or nil
  end
end

--- What existed at a time: of each key the version that a reader got then.
---@param versions fun(): backup.S3Entry? as listing.versions gives them
---@param at number epoch seconds; S3 keeps the time of a version in whole seconds
---@return fun(): backup.S3Entry? versions only: a key that was deleted then is passed over
function listing.at(versions, at)
  local done -- the key whose entry of that time was found
  return function()
    for entry in versions do
      if entry.key ~= done and entry.modified <= at then
        done = entry.key
        if entry.kind == "version" then
          return entry
        end
      end
    end
  end
end

return listing
