-- Files to objects and back behind a proxy that makes faults happen.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local distinct = require("spec.support.distinct")
local errors = require("awsbak.errors")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local journal = require("backup.transfer.journal")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local s3_download = require("backup.transfer.s3_download")
local s3_upload = require("backup.transfer.s3_upload")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")
local task = require("awsbak.task")

local MIB <const> = 1024 * 1024
local PART <const> = 5 * MIB

local BIG <const> = distinct(3 * PART + 7)

describe("transfers of files", function()
  local place, proxy, s3, dir
  local getenv = outside.getenv

  setup(function()
    place = faulty_s3.open("vault", "versions")
    proxy, s3 = place.proxy, place.s3
    local on = { Status = "Enabled" }
    s3.put_bucket_versioning({ Bucket = "versions", VersioningConfiguration = on })
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    proxy:clear()
    log.lines = {}
    outside.getenv = function(name)
      return name == "XDG_STATE_HOME" and dir:path("state") or nil
    end
  end)

  after_each(function()
    outside.getenv = getenv
    log.lines = nil
    dir:close()
  end)

  local function upload(bytes, key, options)
    local handle <close> = assert(file.open(dir:write("source", bytes)))
    options = options or {}
    options.part_size = PART
    return s3_upload.put(handle, { s3 = s3, bucket = "vault", key = key }, options)
  end

  local function download(key, from)
    local spool <close> = assert(file.spool(dir:path()))
    from = from or {}
    local source = { s3 = from.s3 or s3, bucket = from.bucket or "vault", key = key }
    local options = { part_size = PART, progress = from.progress }
    local done = s3_download.get(source, spool, options)
    return task.await(spool:read(64 * MIB, 0)), done
  end

  local function uploads()
    return #(s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {})
  end

  it("bring back what they took, of any size", function()
    local borders = { 0, 1, 65535, 65537, PART - 1, PART, PART + 1, 2 * PART - 1, 3 * PART, #BIG }
    for _, size in ipairs(borders) do
      local bytes = BIG:sub(1, size)
      local came = 0
      local done = upload(bytes, "any", {
        force = true,
        progress = function(n)
          came = came + n
        end,
      })
      local parts = size > PART and -(-size // PART) or nil
      assert.same({ size, parts, size }, { done.bytes, done.parts, came })
      local sum = codec.base64(digest.digest("crc64nvme", bytes))
      assert.equal("CRC64NVME:" .. sum, done.checksum)
      came = 0
      local back = download("any", {
        progress = function(n)
          came = came + n
        end,
      })
      assert.is_true(back == bytes, size .. " bytes")
      assert.equal(size, came)
    end
  end)

  it("keep what is said of the object", function()
    for key, bytes in pairs({ one = "x", parts = BIG }) do
      upload(bytes, key, {
        input = { StorageClass = "STANDARD_IA", Metadata = { a = "b" }, ContentType = "text/x" },
      })
      local head = s3.head_object({ Bucket = "vault", Key = key })
      assert.same({ "b", "text/x" }, { head.Metadata.a, head.ContentType })
    end
    s3_server.skip_versitygw(pending, "keeps no storage class")
    for _, key in ipairs({ "one", "parts" }) do
      assert.equal("STANDARD_IA", s3.head_object({ Bucket = "vault", Key = key }).StorageClass)
    end
  end)

  it("replace an object with force only", function()
    for _, bytes in ipairs({ "x", BIG }) do
      upload("first", "taken", { force = true })
      local _, err = errors.try(upload, bytes, "taken")
      assert.same({ "io", "EEXIST" }, { err.kind, err.code })
      assert.equal("first", (download("taken")))
      upload(bytes, "taken", { force = true })
      assert.is_true(download("taken") == bytes)
    end
    assert.equal(0, uploads())
  end)

  it("send a part again when the connection breaks, S3 is busy, or it arrives altered", function()
    proxy:rule({ method = "PUT", holds = { "partNumber=1" }, reset = 100000 })
    local empty = { status = 503, body = "" }
    proxy:rule({ method = "PUT", holds = { "partNumber=2" }, answer = empty })
    local busy = "<Error><Code>SlowDown</Code><Message>slow</Message></Error>"
    local slow = { status = 503, body = busy }
    proxy:rule({ method = "PUT", holds = { "partNumber=3" }, answer = slow })
    proxy:rule({ method = "PUT", holds = { "partNumber=4" }, digest = true, flip = 3 })
    local broken = "<Error><Code>InternalError</Code><Message>sorry</Message></Error>"
    local internal = { status = 500, body = broken }
    proxy:rule({ method = "POST", holds = { "uploads" }, answer = internal })
    upload(BIG, "faults", { checksum = "crc32", force = true })
    assert.equal(8, proxy:count("partNumber="))
    assert.equal(2, proxy:count("?uploads"))
    proxy:rule({ method = "GET", holds = { "/faults" }, answer = internal })
    assert.is_true(download("faults") == BIG)
  end)

  it("know their object again when the answer to the last request is lost", function()
    proxy:rule({ method = "POST", holds = { "uploadId=" }, lost = true })
    assert.equal(#BIG, upload(BIG, "lost").bytes)
    proxy:rule({ method = "PUT", holds = { "/lost-small" }, lost = true })
    assert.equal(1, upload("x", "lost-small").bytes)
  end)

  it("are not taken in by a 200 with an error in it", function()
    local body = "<Error><Code>InternalError</Code><Message>again</Message></Error>"
    local answer = { status = 200, body = body }
    local rule = { method = "POST", holds = { "uploadId=" }, answer = answer }
    proxy:rule(rule)
    upload(BIG, "twice")
    assert.is_true(download("twice") == BIG)
    rule.times = -1
    proxy:rule(rule)
    local _, err = errors.try(upload, BIG, "never")
    assert.equal("InternalError", err.code)
    assert.equal(0, uploads())
  end)

  it("leave nothing of an upload that fails", function()
    local denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    local answer = { status = 403, body = denied }
    proxy:rule({ method = "PUT", holds = { "partNumber=3" }, answer = answer })
    local _, err = errors.try(upload, BIG, "denied")
    assert.equal("AccessDenied", err.code)
    assert.equal(0, uploads())
    -- Again, where a part arrived after the first.
    assert.is_true(proxy:count("DELETE", "uploadId=") >= 1)
  end)

  -- Where the file is one request: before it is read, and while it is sent.
  it("refuse a small file that changes, and nothing is there", function()
    local random_bytes = outside.random_bytes
    finally(function()
      outside.random_bytes = random_bytes
    end)
    local function put(old, new, is_sent)
      local function change()
        dir:write("source", new)
      end
      outside.random_bytes = function(count)
        if not is_sent then
          change() -- it was opened, and its size is known
        end
        return random_bytes(count)
      end
      local changing = setmetatable({
        put_object = function(input)
          if is_sent then
            change() -- its checksum is made
          end
          return s3.put_object(input)
        end,
      }, { __index = s3 })
      local handle <close> = assert(file.open(dir:write("source", old)))
      local target = { s3 = changing, bucket = "vault", key = "changing" }
      proxy:clear()
      proxy:rule({ method = "PUT", digest = true, times = -1 })
      return errors.try(s3_upload.put, handle, target, { checksum = "crc32", part_size = PART })
    end
    for _, size in ipairs({ 1000, 300000 }) do
      local old = BIG:sub(1, size)
      for what, new in pairs({ grows = old .. "x", shrinks = old:sub(2), turns = old:reverse() }) do
        local _, err = put(old, new, false)
        assert.same({ "io", "changed" }, { err.kind, err.code }, what .. size)
      end
    end
    local old = BIG:sub(1, 300000)
    for _, new in ipairs({ old:reverse(), old:sub(1, 200000) }) do
      local _, err = put(old, new, true)
      assert.same({ "io", "changed" }, { err.kind, err.code })
    end
    assert.equal(0, #(s3.list_objects_v2({ Bucket = "vault", Prefix = "changing" }).Contents or {}))
    assert.equal(#old, put(old, old .. "more", true).bytes) -- what it was when it began
  end)

  it("refuse a file that changes while it is read", function()
    local path = dir:path("source")
    for what, change in pairs({
      grows = function()
        dir:write("source", BIG .. "more")
      end,
      shrinks = function()
        dir:write("source", BIG:sub(1, PART + 5))
      end,
      turns = function()
        dir:write("source", BIG:reverse())
      end,
    }) do
      local once = change
      local kept <close> = assert(journal.open("/source", "s3://vault/changed", { what = what }))
      local _, err = errors.try(upload, BIG, "changed", {
        at_once = 1,
        journal = kept,
        progress = function()
          once()
          once = function() end
        end,
      })
      assert.same({ "io", "changed" }, { err.kind, err.code }, what)
      assert.matches(path, err.message, 1, true)
      assert.equal(0, uploads())
    end
  end)

  it("fetch a range again when it is cut, and say when it never comes whole", function()
    upload(BIG, "cut", { force = true })
    proxy:rule({ method = "GET", holds = { "/cut" }, skip = 1, cut_reply = 100000, times = 2 })
    assert.is_true(download("cut") == BIG)
    local sleep, slept = outside.sleep, 0
    finally(function()
      outside.sleep = sleep
    end)
    outside.sleep = function(seconds)
      slept = slept + seconds
    end
    proxy:rule({ method = "GET", holds = { "/cut" }, cut_reply = 1000, times = -1 })
    local _, err = errors.try(download, "cut")
    assert.equal("network", err.kind)
    assert.is_true(slept > 0)
  end)

  it("compare the whole with S3's checksum of it", function()
    for _, name in ipairs({ "CRC64NVME", "CRC32", "SHA256" }) do
      local sum = codec.base64(digest.digest(name:lower(), BIG))
      local said = setmetatable({
        head_object = function(input)
          local head = s3.head_object(input)
          head.ChecksumCRC64NVME, head.ChecksumType = nil, "FULL_OBJECT"
          head["Checksum" .. name] = sum
          return head
        end,
      }, { __index = s3 })
      upload(BIG, "sums", { force = true })
      local back, done = download("sums", { s3 = said })
      assert.is_true(back == BIG)
      assert.equal(name:lower(), done.checksum)
      proxy:rule({ method = "GET", holds = { "/sums" }, skip = 1, flip_reply = 3 })
      local _, err = errors.try(download, "sums", { s3 = said })
      assert.same({ name, "integrity", "checksum" }, { name, err.kind, err.code })
      assert.matches("s3://vault/sums", err.message, 1, true)
    end
  end)

  it("read one version of an object, whatever replaces it meanwhile", function()
    for _, bucket in ipairs({ "versions", "vault" }) do
      s3.put_object({ Bucket = bucket, Key = "old", Body = BIG })
      local replaced = setmetatable({
        head_object = function(input)
          local head = s3.head_object(input)
          s3.put_object({ Bucket = bucket, Key = "old", Body = BIG:reverse() })
          return head
        end,
      }, { __index = s3 })
      local back, err = errors.try(download, "old", { s3 = replaced, bucket = bucket })
      if bucket == "versions" then
        assert.is_true(back == BIG)
      else
        assert.equal(412, err.status)
        assert.equal("s3://vault/old was replaced while it was read", err.message)
      end
    end
  end)

  describe("with a journal", function()
    local function open(size)
      return assert(journal.open("/source", "s3://vault/kept", { size = size or #BIG }))
    end

    it("go on where an upload was ended", function()
      local answer = { status = 403, body = "" }
      proxy:rule({ method = "PUT", holds = { "partNumber=3" }, answer = answer })
      local first = open()
      local _, err = errors.try(upload, BIG, "kept", { journal = first, at_once = 1 })
      assert.equal(403, err.status)
      first:close()
      assert.equal(1, uploads())
      proxy:clear()
      local second <close> = open()
      upload(BIG, "kept", { journal = second })
      assert.equal(2, proxy:count("partNumber="))
      assert.equal(0, proxy:count("POST", "uploads"))
      assert.is_true(download("kept") == BIG)
      assert.is_nil(file.stat(second.path))
    end)

    it("go on with an upload that may not be looked at", function()
      local answer = { status = 403, body = "" }
      proxy:rule({ method = "PUT", holds = { "partNumber=3" }, answer = answer })
      local first = open()
      errors.try(upload, BIG, "hidden", { journal = first, at_once = 1 })
      first:close()
      proxy:clear()
      proxy:rule({ method = "GET", holds = { "max-parts=1" }, answer = answer, times = -1 })
      local second <close> = open()
      upload(BIG, "hidden", { journal = second })
      assert.equal(2, proxy:count("partNumber="))
      assert.is_true(download("hidden") == BIG)
    end)

    it("begin anew with another file, and end the upload of the old one", function()
      local answer = { status = 403, body = "" }
      proxy:rule({ method = "PUT", holds = { "partNumber=2" }, answer = answer })
      local first = open()
      errors.try(upload, BIG, "kept", { journal = first, at_once = 1, force = true })
      first:close()
      local other = BIG:reverse() .. "x"
      local second <close> = open(#other)
      upload(other, "kept", { journal = second, force = true })
      assert.is_true(download("kept") == other)
      assert.equal(0, uploads())
    end)

    it("begin anew when the upload is not there any more", function()
      local answer = { status = 403, body = "" }
      proxy:rule({ method = "PUT", holds = { "partNumber=2" }, answer = answer })
      local first = open()
      errors.try(upload, BIG, "kept", { journal = first, at_once = 1, force = true })
      local id = first:fact("upload_id")
      first:close()
      s3.abort_multipart_upload({ Bucket = "vault", Key = "kept", UploadId = id })
      local second <close> = open()
      upload(BIG, "kept", { journal = second, force = true })
      assert.is_true(download("kept") == BIG)
    end)

    it("go on where a download was ended, with what is still right", function()
      upload(BIG, "kept", { force = true })
      local spool <close> = assert(file.spool(dir:path()))
      local function get()
        local j <close> = open()
        local source = { s3 = s3, bucket = "vault", key = "kept" }
        return s3_download.get(source, spool, { journal = j, at_once = 1, part_size = PART })
      end
      proxy:clear()
      local answer = { status = 403, body = "" }
      proxy:rule({ method = "GET", holds = { "/kept" }, skip = 3, answer = answer })
      local _, err = errors.try(get)
      assert.equal(403, err.status)
      task.await(spool:pwrite("damaged", PART + 3)) -- of the second range
      proxy:clear()
      get()
      assert.equal(2, proxy:count("GET", "/kept"))
      assert.is_true(task.await(spool:read(64 * MIB, 0)) == BIG)
    end)

    it("are for one process at a time, and hold nothing back when nothing was begun", function()
      local first = open()
      local _, err = errors.try(open)
      assert.same({ "io", "locked" }, { err.kind, err.code })
      local path = first.path
      first:close()
      assert.is_nil(file.stat(path))
    end)

    it("take no line that was cut for a part", function()
      local first = open()
      first:begin({ upload_id = "u" })
      first:add(1, { sum = "aa", etag = "e" })
      first:add(2, { sum = "bb", etag = "f" })
      local path = first.path
      first:close()
      local text = io.open(path, "rb"):read("a")
      for cut = 0, #text - 1 do
        local out <close> = assert(io.open(path, "wb"))
        out:write(text:sub(1, cut))
        out:close()
        local again = open()
        assert.is_nil(again:part(2))
        again.handle:close()
      end
    end)
  end)

  it("take an empty file that grows as they open it for one that changed", function()
    local path = dir:write("growing", "")
    local handle <close> = assert(file.open(path))
    local options = { facts = assert(handle:stat()) }
    dir:write("growing", "more")

    local to = { s3 = s3, bucket = "vault", key = "growing" }
    local _, err = errors.try(s3_upload.put, handle, to, options)
    assert.equal("changed", err.code)
  end)
end)
