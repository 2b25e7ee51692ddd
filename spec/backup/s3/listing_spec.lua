local errors = require("awsbak.errors")
local listing = require("backup.s3.listing")

--- A client whose listings are these pages.
local function client(pages, inputs)
  local function open(input)
    if inputs then
      inputs[#inputs + 1] = input
    end
    local at = 0
    return function()
      at = at + 1
      return pages[at]
    end
  end
  return { pages = { list_objects_v2 = open, list_object_versions = open } }
end

local function keys(entries)
  local list = {}
  for entry in entries do
    list[#list + 1] = entry.key
  end
  return list
end

--- A history of keys as S3 keeps it: { key, version_id, time, marker }, in the order of events.
local function random_history()
  local events, now = {}, 100
  for i = 1, math.random(0, 40) do
    now = now + math.random(0, 2) -- several within a second, too
    events[i] = {
      key = string.char(96 + math.random(1, 4)),
      version_id = "v" .. i,
      time = now,
      marker = math.random(4) == 1,
    }
  end
  return events, now
end

--- What ListObjectVersions answers, in pages.
local function pages_of(events)
  local order = {}
  for i, event in ipairs(events) do
    order[i] = { event = event, number = i }
  end
  table.sort(order, function(a, b)
    if a.event.key ~= b.event.key then
      return a.event.key < b.event.key
    end
    return a.number > b.number
  end)
  local pages, seen = { { Versions = {}, DeleteMarkers = {} } }, {}
  for _, item in ipairs(order) do
    local event = item.event
    local page = pages[#pages]
    if #page.Versions + #page.DeleteMarkers == 5 then
      page = { Versions = {}, DeleteMarkers = {} }
      pages[#pages + 1] = page
    end
    local list = event.marker and page.DeleteMarkers or page.Versions
    list[#list + 1] = {
      Key = event.key,
      VersionId = event.version_id,
      LastModified = event.time,
      IsLatest = not seen[event.key],
      Size = not event.marker and 1 or nil,
    }
    seen[event.key] = true
  end
  return pages
end

describe("backup.s3.listing", function()
  it("gives objects and folders in the order of keys, page after page", function()
    local inputs = {}
    local s3 = client({
      {
        Contents = { { Key = "a", Size = 1, ETag = '"e"' }, { Key = "d" } },
        CommonPrefixes = { { Prefix = "b/" }, { Prefix = "c/" } },
      },
      {},
      { CommonPrefixes = { { Prefix = "e/" } } },
    }, inputs)
    local entries = listing.objects(s3, "vault", "", { delimiter = "/" })
    local first = entries()
    assert.same({ key = "a", kind = "object", size = 1, etag = "e" }, first)
    assert.same({ "b/", "c/", "d", "e/" }, keys(entries))
    assert.same({ { Bucket = "vault", Prefix = "", Delimiter = "/" } }, inputs)
  end)

  it("gives versions and markers of a key newest first", function()
    local entries = listing.versions(
      client({
        {
          Versions = {
            { Key = "a", VersionId = "3", LastModified = 30, IsLatest = false },
            { Key = "a", VersionId = "1", LastModified = 10, IsLatest = false },
            { Key = "b", VersionId = "5", LastModified = 50, IsLatest = true },
          },
          DeleteMarkers = {
            { Key = "a", VersionId = "4", LastModified = 30, IsLatest = true },
            { Key = "a", VersionId = "2", LastModified = 20, IsLatest = false },
          },
        },
      }),
      "vault",
      ""
    )
    local ids = {}
    for entry in entries do
      ids[#ids + 1] = entry.version_id
    end
    assert.same({ "4", "3", "2", "1", "5" }, ids)
  end)

  it("tells for any time what readers got then", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for round = 1, 150 do
      local events, last = random_history()
      local at = math.random(99, last + 1)
      local wanted, ambiguous, times = {}, {}, {}
      for _, event in ipairs(events) do
        if event.time <= at then
          -- A version and a marker of one second: which came last, only IsLatest tells.
          local before = times[event.key]
          ambiguous[event.key] = before
              and before.time == event.time
              and (before.marker ~= event.marker or ambiguous[event.key])
            or false
          times[event.key] = event
          wanted[event.key] = not event.marker and event.version_id or nil
        end
      end
      local found = {}
      local versions = listing.versions(client(pages_of(events)), "vault", "")
      for entry in listing.at(versions, at) do
        assert.is_nil(found[entry.key])
        found[entry.key] = entry.version_id
      end
      for key, is_ambiguous in pairs(ambiguous) do
        if not is_ambiguous then
          assert.equal(
            wanted[key],
            found[key],
            ("seed %d, round %d, key %s"):format(seed, round, key)
          )
        end
      end
    end
  end)

  it("says which bucket is not there", function()
    local s3 = client({})
    s3.pages.list_objects_v2 = function()
      return function()
        errors.raise({ kind = "service", code = "NoSuchBucket", message = "no" })
      end
    end
    local _, e = errors.try(listing.objects(s3, "vault", ""))
    assert.matches("there is no bucket vault", e.message, 1, true)
  end)
end)
