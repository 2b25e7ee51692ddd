local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local s3_sink = require("backup.transfer.s3_sink")
local stream = require("awsbak.stream")
local task = require("awsbak.task")

local MIB = 1024 * 1024

local function refuse(code, status, attempts)
  errors.raise({
    kind = "service",
    code = code,
    status = status,
    attempts = attempts,
    message = code,
  })
end

--- A store of objects and uploads that notes what it was asked.
local function fake_s3(changes)
  local s3 = { calls = {}, objects = {}, uploads = {}, parts = {} }
  local function note(name, input)
    s3.calls[#s3.calls + 1] = name
    if changes and changes[name] then
      return changes[name](s3, input)
    end
  end
  function s3.head_object(input)
    note("head", input)
    return s3.objects[input.Key] or refuse("404", 404)
  end
  s3.each = {
    list_multipart_uploads = function(input)
      note("list", input)
      s3.listed = input
      local at = 0
      return function()
        at = at + 1
        return s3.uploads[at]
      end
    end,
  }
  function s3.put_object(input)
    note("put", input)
    if input.IfNoneMatch and s3.objects[input.Key] then
      refuse("PreconditionFailed", 412)
    end
    s3.objects[input.Key] =
      { Body = input.Body:read(), Metadata = input.Metadata, VersionId = "v1", ETag = '"e"' }
    return s3.objects[input.Key]
  end
  function s3.create_multipart_upload(input)
    note("create", input)
    s3.metadata = input.Metadata
    return { UploadId = "u1" }
  end
  function s3.upload_part(input)
    note("part", input)
    s3.parts[input.PartNumber] = input.Body:read()
    return { ETag = '"' .. input.PartNumber .. '"', ChecksumCRC32 = "c" }
  end
  function s3.complete_multipart_upload(input)
    note("complete", input)
    assert.equal(#s3.parts, #input.MultipartUpload.Parts)
    s3.objects[input.Key] =
      { Body = table.concat(s3.parts), Metadata = s3.metadata, VersionId = "v2" }
    return s3.objects[input.Key]
  end
  function s3.list_parts()
    refuse("NoSuchUpload", 404)
  end
  function s3.abort_multipart_upload(input)
    note("abort", input)
    return {}
  end
  return s3
end

describe("an S3 sink", function()
  it("sends what fits into a part by one request, if the key is free", function()
    local s3 = fake_s3()
    local sink <close> = s3_sink.open("s3://vault/a/b.age", { s3 = s3 })
    sink:write("one ")
    sink:write("two")
    assert.same({
      location = "s3://vault/a/b.age",
      bytes = 7,
      version_id = "v1",
      etag = '"e"',
      checksum = "CRC64NVME:" .. codec.base64(digest.digest("crc64nvme", "one two")),
    }, sink:commit())
    assert.equal("one two", s3.objects["a/b.age"].Body)
    assert.same({ "head", "list", "put" }, s3.calls)
  end)

  it("sends exactly one part by one request, and a byte more in two parts", function()
    local expected = { [0] = "head list put", [1] = "head list create part part complete" }
    for extra, calls in pairs(expected) do
      local s3 = fake_s3()
      local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
      local body = ("0123456789abcdef"):rep(MIB // 2) .. ("x"):rep(extra)
      for at = 1, #body, 300000 do
        sink:write(body:sub(at, at + 299999))
      end
      sink:commit()
      assert.equal(calls, table.concat(s3.calls, " "))
      assert.is_true(s3.objects.k.Body == body)
    end
  end)

  it("sends parts and the whole with the checksum that is wanted", function()
    local sums, last = {}, nil
    local s3 = fake_s3({
      part = function(_, input)
        sums[input.PartNumber] = input.ChecksumCRC32C
        assert.is_nil(input.ChecksumAlgorithm)
      end,
      complete = function(_, input)
        last = input
      end,
    })
    local parts = { ("a"):rep(5 * MIB), ("b"):rep(5 * MIB), "c" }
    local options = { s3 = s3, checksum = "crc32c", part_size = 5 * MIB, at_once = 1 }
    local sink <close> = s3_sink.open("s3://vault/k", options)
    local whole = table.concat(parts)
    for at = 1, #whole, 700000 do
      sink:write(whole:sub(at, at + 699999))
    end
    local function sum(bytes)
      return codec.base64(digest.digest("crc32c", bytes))
    end
    assert.equal("CRC32C:" .. sum(whole), sink:commit().checksum)
    for i, bytes in ipairs(parts) do
      local told = last.MultipartUpload.Parts[i]
      assert.same({ sum(bytes), sum(bytes) }, { sums[i], told.ChecksumCRC32C })
    end
    assert.same({ sum(whole), "FULL_OBJECT" }, { last.ChecksumCRC32C, last.ChecksumType })
    assert.equal(#whole, last.MpuObjectSize)
    local _, err = errors.try(s3_sink.open, "s3://vault/x", { s3 = s3, part_size = MIB })
    assert.same({ "usage", "part_size" }, { err.kind, err.code })
  end)

  it("cuts parts of any size out of what a pipe gives, and gives their memory back", function()
    local size = 5 * MIB + 12345
    local whole = ("0123456789abcdefg"):rep(3 * MIB) .. "end"
    local s3 = fake_s3()
    local sink = s3_sink.open("s3://vault/k", { s3 = s3, part_size = size, at_once = 2 })
    stream.pipe(stream.bytes(whole), stream.gzip({ level = 1 }), stream.gunzip(), sink)
    assert.is_true(s3.objects.k.Body == whole)
    for i = 1, #whole // size do
      assert.equal(size, #s3.parts[i])
    end
    assert.equal(#whole % size, #s3.parts[#s3.parts])
    assert.is_true(#s3.parts > 8 and #sink.files <= 5)
    for _, handle in ipairs(sink.files) do
      local ok, message = pcall(handle.size, handle)
      assert.is_false(ok)
      assert.matches("the file is closed", message, 1, true)
    end
  end)

  it("keeps as many parts of a pipe on their way as it may, to the last one", function()
    local count, begun, late = 9, 0, {}
    local s3 = fake_s3({
      part = function(_, input)
        begun = begun + 1
        local tries = 0
        while begun < math.min(input.PartNumber + 2, count) and #late == 0 do
          task.sleep(0.01)
          tries = tries + 1
          if tries == 300 then
            table.insert(late, input.PartNumber + 2)
          end
        end
      end,
    })
    local sink = s3_sink.open("s3://vault/k", { s3 = s3, part_size = 5 * MIB, at_once = 3 })
    stream.pipe(stream.bytes(("0123456789abcdef"):rep(count * 5 * MIB // 16)), sink)
    assert.same({ count, {} }, { begun, late })
  end)

  it("has ended all its parts before it ends the upload, when it is cancelled", function()
    local now, left, writer = 0, nil, nil
    local s3 = fake_s3({
      part = function(_, input)
        now = now + 1
        local _ <close> = setmetatable({}, {
          __close = function()
            task.sleep(input.PartNumber == 1 and 0.3 or 0.01)
            now = now - 1
          end,
        })
        if now == 2 then
          task.cancel(writer)
        end
        task.sleep(60)
      end,
      abort = function()
        left = now
      end,
    })
    writer = task.spawn(function()
      local options = { s3 = s3, part_size = 5 * MIB, at_once = 2 }
      local sink <close> = s3_sink.open("s3://vault/k", options)
      for _ = 1, 20 do
        sink:write(("x"):rep(MIB))
      end
    end)
    local _, err = errors.try(task.await, writer)
    assert.same({ "cancelled", 0 }, { err.kind, left })
  end)

  it("sends a part again that was altered on the way", function()
    local times = 0
    local s3 = fake_s3({
      put = function()
        times = times + 1
        if times == 1 then
          refuse("BadDigest", 400)
        end
      end,
    })
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
    sink:write("x")
    sink:commit()
    assert.same({ 2, "x" }, { times, s3.objects.k.Body })
  end)

  it("refuses a key that is taken, at once, unless forced", function()
    local s3 = fake_s3()
    s3.objects.k = { Body = "old" }
    local _, e = errors.try(s3_sink.open, "s3://vault/k", { s3 = s3 })
    assert.equal("EEXIST", e.code)
    assert.equal("give --force to replace it", e.hint)
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3, force = true })
    sink:write("new")
    sink:commit()
    assert.equal("new", s3.objects.k.Body)
  end)

  it("refuses a key that was taken meanwhile", function()
    local s3 = fake_s3()
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
    s3.objects.k = { Body = "other" }
    local _, e = errors.try(sink.commit, sink)
    assert.equal("EEXIST", e.code)
    assert.equal("other", s3.objects.k.Body)
  end)

  it("knows its own object when the first answer got lost", function()
    local s3 = fake_s3({
      put = function(store, input)
        store.objects[input.Key] = { Metadata = input.Metadata, VersionId = "mine" }
        refuse("PreconditionFailed", 412, 2)
      end,
    })
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
    assert.equal("mine", sink:commit().version_id)
  end)

  it("says that it cannot know when an answer got lost and it may not look", function()
    local s3 = fake_s3({
      head = function()
        refuse("403", 403)
      end,
      put = function()
        refuse("PreconditionFailed", 412, 2)
      end,
    })
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
    local _, e = errors.try(sink.commit, sink)
    assert.equal("unknown_outcome", e.code)
    assert.matches("may be its bytes", e.message)
    assert.matches("s3:GetObject", e.hint)
  end)

  it("goes on where it may write but not look", function()
    local s3 = fake_s3({
      head = function()
        refuse("403", 403)
      end,
      list = function()
        refuse("AccessDenied", 403)
      end,
    })
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
    sink:commit()
    assert.truthy(s3.objects.k)
  end)

  it("aborts its upload when closed before commit", function()
    local s3 = fake_s3()
    do
      local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
      sink:write(("x"):rep(8 * MIB + 1))
    end
    assert.equal("abort", s3.calls[#s3.calls])
    assert.is_nil(s3.objects.k)
  end)

  it("aborts its upload when a part or the end of it fails", function()
    for _, step in ipairs({ "part", "complete" }) do
      local s3 = fake_s3({
        [step] = function()
          refuse("InternalError", 500)
        end,
      })
      local _, e = errors.try(function()
        local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
        sink:write(("x"):rep(8 * MIB + 1))
        sink:commit()
      end)
      assert.equal("InternalError", e.code)
      assert.equal("abort", s3.calls[#s3.calls])
    end
  end)

  it("doubles its parts after 2,000 of them", function()
    local s3 = fake_s3()
    local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3, part_size = 5 * MIB })
    sink.count = 1998 -- of 10 GB that were sent before
    sink:write(("x"):rep(20 * MIB + 1))
    local sizes = {}
    for number, bytes in pairs(s3.parts) do
      sizes[number] = #bytes // MIB
    end
    assert.same({ [1999] = 5, [2000] = 5, [2001] = 10 }, sizes)
  end)

  it("ends parts that are on their way when it is closed, before it aborts", function()
    local is_begun, ended
    local s3 = fake_s3({
      part = function()
        is_begun = true
        local _, err = pcall(task.sleep, 5)
        ended = errors.from(err).kind
        error(err, 0)
      end,
      abort = function()
        assert.equal("cancelled", ended)
      end,
    })
    task.run(function()
      local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3, part_size = 5 * MIB })
      sink:write(("x"):rep(5 * MIB + 1))
      while not is_begun do
        task.sleep(0) -- its checksum is made
      end
    end)
    assert.equal("cancelled", ended)
    assert.equal("abort", s3.calls[#s3.calls])
  end)

  it("leaves nothing to abort when nothing was sent", function()
    local s3 = fake_s3()
    do
      local sink <close> = s3_sink.open("s3://vault/k", { s3 = s3 })
      sink:write("x")
    end
    assert.same({ "head", "list" }, s3.calls)
  end)

  -- The warnings of opening a sink to `key` while these uploads are unfinished.
  local function warnings(key, uploads)
    local s3 = fake_s3()
    s3.uploads = uploads
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    s3_sink.open("s3://vault/" .. key, { s3 = s3 }):close()
    return log.lines, s3
  end

  it("names unfinished uploads to the same folder, as dated keys leave them", function()
    local lines, s3 = warnings("ssm/2026-02.age", {
      { Key = "ssm/2026-01.age", UploadId = "u0" },
      { Key = "ssm/it's.age", UploadId = "u1" },
    })
    assert.equal(2, #lines)
    assert.matches("s3://vault/ssm/2026-01.age was begun and never", lines[1], 1, true)
    assert.matches("if s3 cp of a file began it, the same command goes on", lines[1], 1, true)
    local command = "awsbak api s3 AbortMultipartUpload Bucket=vault "
    assert.matches(command .. "Key=ssm/2026-01.age UploadId=u0", lines[1], 1, true)
    assert.matches(command .. [['Key=ssm/it'"'"'s.age' UploadId=u1]], lines[2], 1, true)
    assert.same({ Bucket = "vault", Prefix = "ssm/", Delimiter = "/" }, s3.listed)
  end)

  it("asks for unfinished uploads as the bucket's owner wants it", function()
    local s3 = fake_s3()
    local input = { RequestPayer = "requester", SSECustomerAlgorithm = "AES256" }
    s3_sink.open("s3://vault/f/k", { s3 = s3, input = input }):close()
    local asked = { Bucket = "vault", Prefix = "f/", Delimiter = "/", RequestPayer = "requester" }
    assert.same(asked, s3.listed)
  end)

  it("names ten unfinished uploads and counts the others", function()
    local uploads = {}
    for i = 1, 13 do
      uploads[i] = { Key = "k" .. i, UploadId = "u" }
    end
    local lines = warnings("f/k", uploads)
    assert.equal(11, #lines)
    assert.matches("and 3 more uploads .*awsbak s3 uploads s3://vault/f/ lists them", lines[11])
  end)

  it("says at once that there is no such bucket, and what to do", function()
    local s3 = fake_s3({
      list = function()
        refuse("NoSuchBucket", 404)
      end,
    })
    local _, e = errors.try(s3_sink.open, "s3://vault/k", { s3 = s3 })
    assert.same({ "NoSuchBucket", "there is no bucket vault" }, { e.code, e.message })
    assert.matches("check its name", e.hint)
  end)

  it("needs a bucket and a key", function()
    for _, url in ipairs({ "s3://", "s3://vault", "s3://vault/", "s3:///k" }) do
      local _, e = errors.try(s3_sink.open, url, { s3 = fake_s3() })
      assert.equal("s3_url", e.code)
    end
  end)
end)
