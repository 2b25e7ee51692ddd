--- Add up objects and bytes: awsbak s3 du s3://vault/ssm/ --by-class

local filter = require("backup.s3.filter")
local listing = require("backup.s3.listing")
local output = require("awsbak.output")
local policy = require("awsbak.policy")
local progress = require("awsbak.progress")
local s3 = require("aws.s3")
local sorted = require("awsbak.sorted")

local function new_sum(location, class)
  return { location = location, storage_class = class, objects = 0, bytes = 0 }
end

local function add(sum, entry, versions)
  if entry.kind == "marker" then
    sum.markers = sum.markers + 1
  elseif versions and not entry.latest then
    sum.noncurrent, sum.noncurrent_bytes = sum.noncurrent + 1, sum.noncurrent_bytes + entry.size
  else
    sum.objects, sum.bytes = sum.objects + 1, sum.bytes + entry.size
  end
end

--- The sums of one location by storage class; all under "" unless classes are told apart.
local function measure(url, o, chosen, shown)
  local bucket, prefix = s3.parse_prefix(url)
  local list = o.versions and listing.versions or listing.objects
  local entries, sums = list(s3, bucket, prefix), {}
  for entry in chosen and chosen:listed(entries, prefix) or entries do
    -- Listings leave the class out only for delete markers, which have none.
    local class = o.by_class and (entry.storage_class or "") or ""
    local sum = sums[class]
    if not sum then
      sum = new_sum(url, o.by_class and class ~= "" and class or nil)
      if o.versions then
        sum.noncurrent, sum.noncurrent_bytes, sum.markers = 0, 0, 0
      end
      sums[class] = sum
    end
    add(sum, entry, o.versions)
    shown:add()
  end
  return sums
end

local function columns_of(o)
  local columns = { "location", "objects", { key = "bytes", kind = "size" } }
  if o.by_class then
    table.insert(columns, 2, "storage_class")
  end
  if o.versions then
    columns[#columns + 1] = "noncurrent"
    columns[#columns + 1] = { key = "noncurrent_bytes", kind = "size" }
    columns[#columns + 1] = "markers"
  end
  return columns
end

return policy({
  name = "s3 du",
  summary = "Add up the objects and bytes below prefixes.",
  description = "bytes are what readers get now; with --versions, noncurrent_bytes are in versions"
    .. " that were replaced or deleted, which are paid for just as well.",
  examples = {
    "awsbak s3 du s3://vault",
    "awsbak s3 du s3://vault/ssm/ s3://vault/ec2/ --by-class",
  },
  options = {
    {
      "url",
      positional = true,
      required = true,
      many = true,
      help = "s3://bucket or s3://bucket/prefix",
    },
    { "by_class", kind = "flag", help = "a row for each storage class" },
    { "versions", kind = "flag", help = "count versions that are not current, and delete markers" },
    table.unpack(filter.options),
  },
  run = function(o)
    local chosen = filter.of(o, true)
    local found = {}
    local shown <close> = progress.start("objects")
    for _, url in ipairs(o.url) do
      local sums = measure(url, o, chosen, shown)
      if next(sums) == nil then
        sums[""] = new_sum(url)
      end
      for _, class in ipairs(sorted.keys(sums)) do
        found[#found + 1] = sums[class]
      end
    end
    shown:close()
    output.rows(columns_of(o), found)
  end,
})
