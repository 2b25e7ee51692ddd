--- Upload a file, download it again, send it through a pipe and copy it within S3, while memory
--- requests are refused: each transfer ends with the whole there, or with nothing there and an
--- error of kind memory, and the next one works.
---
--- usage: PROGRAM spec/torture/transfers.lua FOLDER URL STEP; each STEP-th request (1: each);
--- prints how many that were and how it ended. FOLDER is empty, and HOME.

local aws = require("aws")
local copying = require("backup.s3.copying")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local s3_copy = require("backup.transfer.s3_copy")
local s3_sink = require("backup.transfer.s3_sink")
local stream = require("awsbak.stream")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

local folder, url, step = arg[1], arg[2], math.tointeger(tonumber(arg[3]))
local PART <const> = 5 * 1024 * 1024
local SIZES = { one = 200000, parts = PART + 70000 }

local s3 = aws.client("s3", {
  region = "us-east-1",
  endpoint_url = url,
  credentials = { access_key_id = "AKID", secret_access_key = "secret" },
  attempts = 1,
})

local copy = { s3 = s3, part_size = PART, at_once = 2, resume = true, force = true }
local source, target = folder .. "/source", folder .. "/target"

local function read(path)
  local handle = io.open(path, "rb")
  local bytes = handle and handle:read("a")
  if handle then
    handle:close()
  end
  return bytes
end

local function write(size)
  local handle <close> = assert(io.open(source, "wb"))
  handle:write((("0123456789abcdef"):rep(size // 16 + 1):sub(1, size)))
end

local place = { bucket = "vault", key = "file" }
local ways = {}

function ways.up()
  return copying.up(copy, source, place)
end

function ways.down()
  return copying.down(copy, place, target)
end

function ways.pipe()
  local sink = s3_sink.open("s3://vault/file", copy)
  return stream.pipe(stream.file(source), sink).commit
end

function ways.between()
  local from = { s3 = s3, bucket = "vault", key = "source" }
  return s3_copy.put(from, { s3 = s3, bucket = "vault", key = "file" }, {
    force = true,
    one_max = PART,
    part_size = PART,
    at_once = 2,
  })
end

local checks, clears = {}, {}

function clears.up()
  s3.delete_object({ Bucket = "vault", Key = "file" })
end

function clears.down()
  os.remove(target)
end

--- "whole", "nothing" or "broken".
function checks.up(size)
  local head = errors.try(s3.head_object, { Bucket = "vault", Key = "file" })
  return not head and "nothing" or head.ContentLength == size and "whole" or "broken"
end

function checks.down()
  local bytes = read(target)
  return not bytes and "nothing" or bytes == read(source) and "whole" or "broken"
end

--- A pipe names each upload that was not ended: there shall be few.
function clears.pipe()
  clears.up()
  for upload in s3.each.list_multipart_uploads({ Bucket = "vault" }) do
    s3.abort_multipart_upload({ Bucket = "vault", Key = upload.Key, UploadId = upload.UploadId })
  end
end

clears.between = clears.up
checks.pipe, checks.between = checks.up, checks.up

--- What is beside source and target: parts of files, temporary files.
local function left()
  local names = {}
  for _, name in ipairs(assert(file.list(folder))) do
    if name ~= "source" and name ~= "target" and name:sub(1, 6) ~= ".local" then
      names[#names + 1] = name
    end
  end
  return table.concat(names, " ")
end

local function is_memory(e)
  local err = errors.from(e)
  return err.kind == "memory" or err.message:find("memory", 1, true) ~= nil
end

--- A transfer with nothing wrong, once the journal's lock is gone: a write that could not be
--- awaited holds it until it has ended.
local function again(transfer)
  repeat
    collectgarbage()
    local _, err = errors.try(transfer)
    assert(not err or err.code == "locked", err)
  until not err
end

--- Refuse some of the memory requests of one transfer; how many and how it ended, in words.
local function torture(what, size)
  local transfer = ways[what]
  local counts = { whole = 0, nothing = 0, late = 0 }
  local n, at = 0, 0
  repeat
    n, at = n + 1, at + step
    clears[what]()
    local before = sys.alloc_count()
    sys.alloc_fail(at)
    local ok, e = pcall(task.run, transfer)
    sys.alloc_fail(0)
    local made = sys.alloc_count() - before
    local there = checks[what](size)
    local said = ("%s, request %d: %s"):format(what, at, ok and "done" or tostring(e))
    assert(there ~= "broken", said)
    assert(ok or is_memory(e), said)
    assert(not ok or there == "whole", said .. ", and nothing is there")
    local kind = ok and "whole" or there == "whole" and "late" or "nothing"
    counts[kind] = counts[kind] + 1
    if not ok then -- what it left is in nobody's way
      again(transfer)
      assert(checks[what](size) == "whole", said)
    end
    assert(left() == "", said .. ": left " .. left())
  until made < at
  return ("%d points, %d whole, %d with nothing there, %d after the end"):format(
    n - 1,
    counts.whole,
    counts.nothing,
    counts.late
  )
end

for _, name in ipairs({ "one", "parts" }) do
  write(SIZES[name])
  copying.up(copy, source, { bucket = "vault", key = "source" })
  for _, what in ipairs({ "up", "down", "pipe", "between" }) do
    ways[what]() -- what is loaded at first use is loaded now
    print(("%s %s: %s"):format(what, name, torture(what, SIZES[name])))
    io.stdout:flush()
  end
end
