-- awsbak s3 cp, behind a proxy that makes faults happen.

local distinct = require("spec.support.distinct")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local s3_copy = require("backup.transfer.s3_copy")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")

local MIB <const> = 1024 * 1024
local PART <const> = 5 * MIB

local BIG <const> = distinct(3 * PART + 7)

describe("awsbak s3 cp", function()
  local place, op, s3, proxy, dir

  setup(function()
    place = faulty_s3.open("vault", "copies")
    proxy, s3, op = place.proxy, place.s3, place.op
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    place:clear("vault")
  end)

  after_each(function()
    dir:close()
  end)

  local function cp(...)
    return op:run({ "s3", "cp", "--part-size", "5M", ... })
  end

  local function must(...)
    return select(2, op.rows(op:must({ "s3", "cp", "--part-size", "5M", ... })))
  end

  local function object(key)
    local answer = s3.get_object({ Bucket = "vault", Key = key })
    local body <close> = answer.Body
    return body:all(64 * MIB), answer
  end

  local function fails(code, words, ...)
    local result = cp(...)
    assert.equal(code, result.status, result.stderr)
    assert.matches("^awsbak: error: [^\n]+\n$", result.stderr)
    assert.matches(words, result.stderr, 1, true)
  end

  it("refuses a file that has bytes and says that it has none", function()
    fails(1, "/proc/version has bytes", "/proc/version", "s3://vault/")
    assert.same({}, s3.list_objects_v2({ Bucket = "vault" }).Contents or {})
    must(dir:write("empty", ""), "s3://vault/")
    assert.equal("", (object("empty")))
  end)

  it("takes a file to S3 and brings it back", function()
    for name, bytes in pairs({ none = "", small = "x", big = BIG }) do
      local path = dir:write(name, bytes)
      local up = must(path, "s3://vault/")
      assert.same({ #bytes, "s3://vault/" .. name }, { up.bytes, up.location })
      assert.is_true(object(name) == bytes)
      local down = must("s3://vault/" .. name, dir:path("back/"))
      assert.same({ #bytes, dir:path("back/" .. name) }, { down.bytes, down.location })
      assert.is_true(dir:read("back/" .. name) == bytes)
      local head = s3.head_object({ Bucket = "vault", Key = name })
      assert.equal(head.LastModified, file.stat(down.location).mtime)
    end
  end)

  it("takes standard input, and gives standard output", function()
    for name, bytes in pairs({ small = "x", big = BIG }) do
      local piped = { "s3", "cp", "-", "s3://vault/" .. name, "--storage-class", "STANDARD_IA" }
      local result = op:run(piped, { stdin = bytes })
      assert.equal(0, result.status, result.stderr)
      assert.is_true(object(name) == bytes)
      assert.is_true(op:must({ "s3", "cp", "s3://vault/" .. name, "-" }).stdout == bytes)
    end
    s3_server.skip_versitygw(pending, "keeps no storage class")
    for _, name in ipairs({ "small", "big" }) do
      assert.equal("STANDARD_IA", select(2, object(name)).StorageClass)
    end
  end)

  it("copies within S3, with what is said of the object", function()
    must(dir:write("a", "x"), "s3://vault/a", "--metadata", "m=1", "--tag", "t=1")
    must("s3://vault/a", "s3://vault/folder/")
    local came, answer = object("folder/a")
    assert.same({ "x", "1" }, { came, answer.Metadata.m })
    local tags = s3.get_object_tagging({ Bucket = "vault", Key = "folder/a" }).TagSet
    assert.same({ { Key = "t", Value = "1" } }, tags)
  end)

  it("copies within S3 with what is asked for in place of what the source has", function()
    s3.put_object({
      Bucket = "vault",
      Key = "a",
      Body = "x",
      ContentType = "text/x",
      Metadata = { m = "1" },
      Tagging = "t=1",
    })
    local function copied(...)
      must("s3://vault/a", "s3://vault/b", "--force", ...)
      local head = s3.head_object({ Bucket = "vault", Key = "b" })
      local tags = s3.get_object_tagging({ Bucket = "vault", Key = "b" }).TagSet
      return { head.ContentType, head.Metadata.m, head.CacheControl, tags[1].Value }
    end
    assert.same({ "text/x", "1", nil, "1" }, copied())
    assert.same({ "text/x", "1", nil, "2" }, copied("--tag", "t=2"))
    local both = copied("--metadata", "m=2", "--content-type", "text/y")
    assert.same({ "text/y", "2", nil, "1" }, both)
    -- At last: VersityGW leaves such a header to what replaces the object.
    assert.same({ "text/x", "1", "no-store", "1" }, copied("--cache-control", "no-store"))
    op:must({ "s3", "sync", "s3://vault", "s3://copies", "--metadata", "m=3" })
    local head = s3.head_object({ Bucket = "copies", Key = "a" })
    assert.same({ "text/x", "3" }, { head.ContentType, head.Metadata.m })
  end)

  it("copies within S3 what a customer's key encrypts", function()
    local key, requests = ("k"):rep(32), {}
    local fake = setmetatable({}, {
      __index = function(_, name)
        return function(input)
          requests[name] = input
          return name == "head_object" and { ContentLength = 20, ETag = '"e"' }
            or { UploadId = "u", CopyPartResult = { ETag = "p" } }
        end
      end,
    })
    local own = { SSECustomerAlgorithm = "AES256", SSECustomerKey = key }
    local from = { s3 = fake, bucket = "vault", key = "a", members = own }
    local to = { s3 = fake, bucket = "vault", key = "b" }
    for _, one_max in ipairs({ 20, 19 }) do
      s3_copy.put(from, to, { force = true, input = own, one_max = one_max })
    end
    for _, name in ipairs({ "copy_object", "upload_part_copy" }) do
      local sent = requests[name]
      assert.same({ key, key }, { sent.SSECustomerKey, sent.CopySourceSSECustomerKey }, name)
    end
    assert.equal(key, requests.head_object.SSECustomerKey)
    assert.equal(key, requests.create_multipart_upload.SSECustomerKey)
  end)

  it("copies what is too large for one request in parts", function()
    must(dir:write("a", BIG), "s3://vault/a", "--metadata", "m=1", "--tag", "t=a b+c=")
    local done = s3_copy.put({ s3 = s3, bucket = "vault", key = "a" }, {
      s3 = s3,
      bucket = "vault",
      key = "b",
    }, { one_max = PART, part_size = PART })
    assert.same({ #BIG, 4 }, { done.bytes, done.parts })
    local came, answer = object("b")
    assert.is_true(came == BIG)
    assert.equal("1", answer.Metadata.m)
    local tags = s3.get_object_tagging({ Bucket = "vault", Key = "b" }).TagSet
    assert.same({ { Key = "t", Value = "a b+c=" } }, tags)
    assert.equal(4, proxy:count("PUT /vault/b", "partNumber="))
  end)

  it("replaces nothing without --force", function()
    local path = dir:write("a", "new")
    s3.put_object({ Bucket = "vault", Key = "a", Body = "old" })
    s3.put_object({ Bucket = "vault", Key = "b", Body = "b" })
    fails(1, "give --force to replace it", path, "s3://vault/a")
    fails(1, "give --force to replace it", dir:write("big", BIG), "s3://vault/a")
    fails(1, "give --force to replace it", "s3://vault/a", path)
    fails(1, "give --force to replace it", "s3://vault/b", "s3://vault/a")
    assert.equal("old", (object("a")))
    assert.equal("new", dir:read("a"))
    assert.equal(0, #(s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {}))
    must("--force", "s3://vault/b", "s3://vault/a")
    assert.equal("b", (object("a")))
    must("--force", "s3://vault/b", path)
    assert.equal("b", dir:read("a"))
  end)

  it("asks for a name where a key ends with none that a file can have", function()
    s3_server.skip_versitygw(pending, "refuses keys with .. in them")
    s3.put_object({ Bucket = "vault", Key = "folder/..", Body = "x" })
    fails(2, "name the target", "s3://vault/folder/..", dir:path("b/"))
  end)

  it("says what is wrong before anything is copied", function()
    local path = dir:write("a", "x")
    s3.put_object({ Bucket = "vault", Key = "a", Body = "x" })
    fails(2, "are both not in S3", path, dir:path("b"))
    fails(1, "cannot open", dir:path("none"), "s3://vault/")
    fails(1, "s3://vault/none does not exist", "s3://vault/none", dir:path("b"))
    fails(1, "there is no bucket none", path, "s3://none/")
    fails(1, "there is no bucket none", "s3://none/a", dir:path("b"))
    fails(2, "needs a name", "-", "s3://vault/folder/")
    fails(2, "--tag is NAME=VALUE", path, "s3://vault/b", "--tag", "t")
    fails(2, "wants --sse aws:kms", path, "s3://vault/b", "--sse-kms-key-id", "k")
    fails(2, "a key has 32", path, "s3://vault/b", "--sse-c-key", path)
    fails(2, "and --lock-until go together", path, "s3://vault/b", "--lock-mode", "GOVERNANCE")
    local small = op:run({ "s3", "cp", path, "s3://vault/b", "--part-size", "1M" })
    assert.equal(2, small.status)
    assert.matches("5 MiB to 5 GiB", small.stderr, 1, true)
    fails(2, "--version-id is of an object in S3", path, "s3://vault/b", "--version-id", "1")
    fails(2, "--recursive copies what is in it", dir:path("."), "s3://vault/b")
    fails(2, "--recursive copies what is in it", dir:path("."), "s3://vault/")
    fails(2, "--recursive copies what is in it", "s3://vault/", dir:path("b"))
    fails(1, "; with --recursive a URL names a folder", "s3://vault/folder", dir:path("b"))
    local dry = must("--dry-run", path, "s3://vault/folder/")
    assert.equal("s3://vault/folder/a", dry.to)
    assert.same({ 1, 1, 0, true }, { dry.to_copy, dry.bytes, dry.ok, dry.dry_run })
    fails(1, "cannot open", "--dry-run", dir:path("none"), "s3://vault/")
    local none = op:run({ "s3", "cp", "--dry-run", "s3://vault/none", "-" })
    assert.equal(1, none.status)
    assert.matches("s3://vault/none does not exist", none.stderr, 1, true)
    local pipe = must("--dry-run", "-", "s3://vault/b")
    assert.same({ "-", "s3://vault/b" }, { pipe.from, pipe.to })
    assert.equal(0, proxy:count("PUT /vault/folder/a"))
    assert.is_nil(file.stat(dir:path("b")))
  end)

  it("ends a dry run as the run would end where something is in the way", function()
    local path, there = dir:write("a", "x"), dir:write("there", "y")
    s3.put_object({ Bucket = "vault", Key = "a", Body = "x" })
    s3.put_object({ Bucket = "vault", Key = "b", Body = "y" })
    local ways = {
      { path, "s3://vault/b" },
      { "-", "s3://vault/b" },
      { "s3://vault/a", "s3://vault/b" },
      { "s3://vault/a", there },
    }
    for _, way in ipairs(ways) do
      local run, dry = cp(table.unpack(way)), cp("--dry-run", table.unpack(way))
      assert.equal(1, dry.status)
      assert.same({ run.status, run.stderr, "" }, { dry.status, dry.stderr, dry.stdout })
      assert.equal(1, must("--dry-run", "--force", table.unpack(way)).to_copy)
    end
    for _, other in ipairs({ dir:path("none/a"), there .. "/a", "/dev/null" }) do
      local run = cp("--force", "s3://vault/a", other)
      local dry = cp("--force", "--dry-run", "s3://vault/a", other)
      assert.same({ 1, "", run.stderr }, { dry.status, dry.stdout, dry.stderr })
    end
    local run = cp("s3://vault/a", there .. "/")
    assert.same({ 1, run }, { run.status, cp("--dry-run", "s3://vault/a", there .. "/") })
    assert.equal(1, must("--dry-run", "s3://vault/a", dir:path("made/")).to_copy)
    assert.is_nil(file.stat(dir:path("made")))
    fails(1, "there is no bucket none", "--dry-run", path, "s3://none/a")
    proxy:rule({ method = "HEAD", answer = { status = 403, body = "" }, times = -1 })
    assert.equal(1, must("--dry-run", path, "s3://vault/b").to_copy)
    assert.same({ "y", "y" }, { object("b"), dir:read("there") })
  end)

  it("says where to look for an upload whose beginning was not answered", function()
    local path = dir:write("a", BIG)
    for _, from in ipairs({ path, "-" }) do
      -- libcurl repeats what was lost on a kept connection.
      proxy:rule({ method = "POST", holds = { "?uploads" }, lost = true, times = -1 })
      local words = { "s3", "cp", from, "s3://vault/unheard", "--part-size", "5M", "--force" }
      local options = { env = { AWS_MAX_ATTEMPTS = "1" }, stdin = from == "-" and BIG or nil }
      local result = op:run(words, options)
      assert.equal(1, result.status)
      assert.matches("awsbak s3 uploads s3://vault/unheard lists it", result.stderr, 1, true)
    end
    local left = s3.list_multipart_uploads({ Bucket = "vault" }).Uploads
    assert.is_true(#left >= 2)
    for _, upload in ipairs(left) do
      local input = { Bucket = "vault", Key = "unheard", UploadId = upload.UploadId }
      s3.abort_multipart_upload(input)
    end
  end)

  it("tells a program how far it is", function()
    local result = cp("--progress", "json", dir:write("a", BIG), "s3://vault/a")
    local last = result.stderr:match("([^\n]*)\n$")
    local told = op.rows({ stdout = last .. "\n" })[1]
    assert.same({ #BIG, #BIG }, { told.bytes, told.total })
  end)

  it("tells a program each second, of what was sent and of what was sent again", function()
    local busy = { status = 503, body = "" }
    proxy:rule({ method = "PUT", holds = { "/vault/a" }, answer = busy })
    local words = { "s3", "cp", "-", "s3://vault/a", "--progress", "json", "--limit-rate", "200K" }
    local result = op:must(words, { stdin = BIG:sub(1, 600 * 1024) })
    local rows = op.rows({ stdout = result.stderr })
    assert.is_true(#rows >= 3)
    for i = 1, #rows - 2 do
      assert.equal(0, rows[i].bytes) -- the one part is on its way
    end
    assert.same({ 600 * 1024, 1 }, { rows[#rows].bytes, rows[#rows].retries })
  end)

  it("sends no part again that an ended run has brought", function()
    local path = dir:write("a", BIG)
    local answer = { status = 403, body = "" }
    proxy:rule({ method = "PUT", holds = { "partNumber=4" }, answer = answer })
    assert.equal(1, cp("--concurrency", "1", path, "s3://vault/a").status)
    proxy:clear()
    must(path, "s3://vault/a")
    assert.equal(1, proxy:count("PUT", "partNumber="))
    proxy:rule({ method = "GET", holds = { "/vault/a" }, skip = 3, answer = answer })
    assert.equal(1, cp("--concurrency", "1", "s3://vault/a", dir:path("back")).status)
    proxy:clear()
    must("s3://vault/a", dir:path("back"))
    assert.equal(1, proxy:count("GET /vault/a"))
  end)

  it("leaves nothing of a copy that shall not be resumed", function()
    local path = dir:write("a", BIG)
    local answer = { status = 403, body = "" }
    proxy:rule({ method = "PUT", holds = { "partNumber=4" }, answer = answer })
    assert.equal(1, cp("--no-resume", path, "s3://vault/a").status)
    assert.same({}, s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {})
    s3.put_object({ Bucket = "vault", Key = "a", Body = BIG })
    proxy:rule({ method = "GET", holds = { "/vault/a" }, skip = 3, answer = answer })
    assert.equal(1, cp("--no-resume", "s3://vault/a", dir:path("back")).status)
    assert.same({ "a" }, file.list(dir:path()))
  end)
end)
