-- awsbak s3 ....

local aws = require("aws")
local operator = require("spec.support.operator")
local program = require("spec.support.program")
local s3_server = require("spec.support.s3_server")
local shell = require("spec.support.shell")

describe("awsbak s3", function()
  local server, op, s3

  setup(function()
    server = s3_server.start()
    op = operator.new(server.url)
    s3 = aws.client("s3", server.options)
  end)

  teardown(function()
    op:close()
    server:close()
  end)

  --- A bucket with these objects, key by key; the versions they got.
  local function bucket(name, objects, keeps_versions)
    s3.create_bucket({ Bucket = name })
    if keeps_versions then
      s3.put_bucket_versioning({
        Bucket = name,
        VersioningConfiguration = { Status = "Enabled" },
      })
    end
    local versions = {}
    for i, object in ipairs(objects) do
      local done = s3.put_object({
        Bucket = name,
        Key = object[1],
        Body = object[2] or object[1],
        StorageClass = object.class,
      })
      versions[i] = done.VersionId
    end
    return versions
  end

  local function run(...)
    return op:run({ "s3", ... })
  end

  local function rows(...)
    return op.rows(op:must({ "s3", ... }))
  end

  local function values(list, name)
    local found = {}
    for i, row in ipairs(list) do
      found[i] = row[name]
    end
    return found
  end

  it("mb makes buckets where it is told, and ls lists them", function()
    s3_server.skip_versitygw(pending, "has one region")
    rows("mb", "s3://made-here")
    rows("mb", "s3://made-there", "--region", "eu-west-1", "--versioning")
    assert.same({ "made-here", "made-there" }, values(rows("ls"), "name"))
    local where = s3.get_bucket_location({ Bucket = "made-there" })
    assert.equal("eu-west-1", where.LocationConstraint)
    assert.equal("Enabled", s3.get_bucket_versioning({ Bucket = "made-there" }).Status)
    local again = run("mb", "s3://made-there", "--region", "eu-west-1")
    assert.equal(1, again.status)
    assert.matches("bucket made-there exists already", again.stderr, 1, true)
    assert.equal(2, run("mb", "s3://made-there/x").status)
  end)

  it("take --query for their rows, or for what they return", function()
    local function picked(expression, command, ...)
      return op:must({ "s3", command, "--query", expression, ... }).stdout
    end
    assert.equal('"asked"\n', picked("bucket", "mb", "s3://asked"))
    local up = { op.home:write("picked", "1"), "s3://asked/k" }
    assert.equal("s3://asked/k\n", picked("location", "cp", "--output", "table", table.unpack(up)))
    assert.equal('"s3://asked/k"\n', picked("to", "cp", "--dry-run", "--force", table.unpack(up)))
    assert.equal('["k"]\n', picked("[].key", "ls", "s3://asked"))
    assert.equal('"GET"\n', picked("method", "presign", "s3://asked/k"))
    assert.equal('["k"]\n', picked("[].key", "rm", "s3://asked/k", "--yes"))
    assert.equal("1\n", picked("ok", "rb", "s3://asked", "--yes"))
    for _, words in ipairs({ { "cat", "s3://asked/k" }, { "cp", "s3://lists/x", "-" } }) do
      words[#words + 1] = "--query=ok"
      assert.equal(2, run(table.unpack(words)).status)
    end
  end)

  it("ls lists folders, or all objects", function()
    bucket("lists", { { "a b+c%.txt" }, { "p/1" }, { "p/q/2" }, { "p-x" } })
    local found, summary = rows("ls", "s3://lists")
    assert.same({ "a b+c%.txt", "p-x", "p/" }, values(found, "key"))
    assert.same({ "object", "object", "folder" }, values(found, "kind"))
    assert.equal(3, summary.ok)
    assert.same({ "p/1", "p/q/" }, values(rows("ls", "s3://lists/p/"), "key"))
    found = rows("ls", "s3://lists/p", "--recursive")
    assert.same({ "p-x", "p/1", "p/q/2" }, values(found, "key"))
    assert.equal(3, found[1].size)
    local none = run("ls", "s3://lists-not")
    assert.equal(1, none.status)
    assert.matches("there is no bucket lists-not", none.stderr, 1, true)
  end)

  it("du adds up objects by class, and versions", function()
    bucket(
      "sums",
      { { "a", "12" }, { "a", "123" }, { "b", "1", class = "STANDARD_IA" }, { "p/c" } },
      true
    )
    s3.delete_object({ Bucket = "sums", Key = "p/c" })
    local found = rows("du", "s3://sums", "s3://sums/none/")
    assert.same({ 2, 0 }, values(found, "objects"))
    assert.same({ 4, 0 }, values(found, "bytes"))
    local all = rows("du", "s3://sums", "--versions")[1]
    assert.same({ 2, 4, 2, 5, 1 }, {
      all.objects,
      all.bytes,
      all.noncurrent,
      all.noncurrent_bytes,
      all.markers,
    })
    s3_server.skip_versitygw(pending, "keeps no storage class")
    found = rows("du", "s3://sums", "--by-class")
    assert.same({ "STANDARD", "STANDARD_IA" }, values(found, "storage_class"))
    assert.same({ 3, 1 }, values(found, "bytes"))
  end)

  it("cat writes objects one after the other, a version, or a range", function()
    local ids = bucket(
      "reads",
      { { "a", "first" }, { "a", "second" }, { "b", "\0\1\2" }, { "empty", "" } },
      true
    )
    assert.equal("second\0\1\2", op:must({ "s3", "cat", "s3://reads/a", "s3://reads/b" }).stdout)
    assert.equal("first", op:must({ "s3", "cat", "s3://reads/a", "--version-id", ids[1] }).stdout)
    assert.equal("con", op:must({ "s3", "cat", "s3://reads/a", "--range", "2-4" }).stdout)
    assert.equal("nd", op:must({ "s3", "cat", "s3://reads/a", "--range", "-2" }).stdout)
    assert.equal("", op:must({ "s3", "cat", "s3://reads/empty" }).stdout)
    local none = run("cat", "s3://reads/none")
    assert.equal(1, none.status)
    assert.matches("s3://reads/none does not exist", none.stderr, 1, true)
    assert.equal(2, run("cat", "s3://reads/a", "--range", "a-b").status)
    assert.equal(2, run("cat", "s3://reads/a", "s3://reads/b", "--version-id", "x").status)
    s3_server.skip_versitygw(pending, "has other version ids than moto")
    local id = "11111111-2222-4333-8444-555555555555"
    local version = run("cat", "s3://reads/a", "--version-id", id)
    assert.equal(1, version.status)
    local what = ("there is no version %s of s3://reads/a"):format(id)
    assert.matches(what, version.stderr, 1, true)
  end)

  it("cat writes nothing binary to a terminal", function()
    bucket("shows", { { "binary", "\27[2Jtext" }, { "text", "plain text\n" } })
    local words = { "/usr/bin/env" }
    for name, value in pairs(op.env) do
      words[#words + 1] = name .. "=" .. value
    end
    local function shown(key)
      local command = { program.path(), "s3", "cat", "s3://shows/" .. key }
      local all = table.move(command, 1, #command, #words + 1, { table.unpack(words) })
      local line = "python3 spec/support/terminal.py %s </dev/null 2>&1"
      local pipe <close> = assert(io.popen(line:format(shell.join(all))))
      return pipe:read("a")
    end
    assert.matches("plain text\n", shown("text"), 1, true)
    local said = shown("binary")
    assert.matches("s3://shows/binary is binary, and standard output is a terminal", said, 1, true)
    assert.is_nil(said:find("2Jtext", 1, true))
  end)

  it("rm asks, and deletes just what it was told", function()
    bucket("drops", { { "a" }, { "b" }, { "p/1" }, { "p/2" }, { "p-x" } })
    local asked = run("rm", "s3://drops/p", "--recursive")
    assert.equal(20, asked.status)
    assert.matches("Delete 2 objects (6 B) below s3://drops/p/", asked.stderr, 1, true)
    asked = run("rm", "s3://drops/a", "s3://drops/nope")
    assert.equal(1, asked.status)
    assert.matches("s3://drops/nope does not exist", asked.stderr, 1, true)
    local dry = rows("rm", "s3://drops/p", "--recursive", "--dry-run")
    assert.same({ "p/1", "p/2" }, values(dry, "key"))
    assert.equal(5, #rows("ls", "s3://drops", "--recursive"))
    local _, summary = rows("rm", "s3://drops/p", "--recursive", "--yes")
    assert.equal(2, summary.ok)
    rows("rm", "s3://drops/a", "s3://drops/b", "--yes")
    assert.same({ "p-x" }, values(rows("ls", "s3://drops", "--recursive"), "key"))
  end)

  it("rm hides objects of a bucket with versions, or deletes versions for good", function()
    local ids = bucket("keeps", { { "a", "1" }, { "a", "2" }, { "ab" } }, true)
    local marked = rows("rm", "s3://keeps/a", "--yes")[1]
    assert.equal("marked", marked.result)
    rows("rm", "s3://keeps/a", "--version-id", marked.marker, "--yes")
    assert.equal("2", op:must({ "s3", "cat", "s3://keeps/a" }).stdout)
    rows("rm", "s3://keeps/a", "--version-id", ids[2], "--yes")
    assert.equal("1", op:must({ "s3", "cat", "s3://keeps/a" }).stdout)
    rows("rm", "s3://keeps/a", "--all-versions", "--yes")
    assert.same({ "ab" }, values(rows("versions", "s3://keeps"), "key"))
    assert.equal(2, run("rm", "s3://keeps/a", "--version-id", "x", "--all-versions").status)
  end)

  it("versions lists versions and markers newest first, or what there was at a time", function()
    local ids = bucket("tells", { { "a", "1" }, { "a", "2" }, { "b" } }, true)
    local marker = s3.delete_object({ Bucket = "tells", Key = "a" }).VersionId
    local found = rows("versions", "s3://tells/")
    assert.same({ marker, ids[2], ids[1], ids[3] }, values(found, "version_id"))
    assert.same({ "marker", "version", "version", "version" }, values(found, "kind"))
    assert.same({ true, false, false, true }, values(found, "latest"))
    assert.equal(0, #rows("versions", "s3://tells/", "--at", "1h"))
    assert.same({ "b" }, values(rows("versions", "s3://tells/", "--at", "2999-01-01"), "key"))
    assert.equal(2, run("versions", "s3://tells/", "--at", "yesterday").status)
    bucket("chosen", { { "p/a" }, { "p/x/a" }, { "p/x/b" } }, true)
    local words = { "versions", "s3://chosen/p/x", "--exclude", "x/*", "--include", "*b" }
    assert.same({ "p/x/b" }, values(rows(table.unpack(words)), "key"))
    words[7], words[8] = "--at", "2999-01-01"
    assert.same({ "p/x/b" }, values(rows(table.unpack(words)), "key"))
    assert.equal(2, run("versions", "s3://chosen", "--exclude", "[").status)
  end)

  it("uploads lists and aborts unfinished uploads", function()
    s3.create_bucket({ Bucket = "halves" })
    local id = s3.create_multipart_upload({ Bucket = "halves", Key = "p/a" }).UploadId
    for number, body in ipairs({ "12345", "123" }) do
      s3.upload_part({
        Bucket = "halves",
        Key = "p/a",
        UploadId = id,
        PartNumber = number,
        Body = body,
      })
    end
    s3.create_multipart_upload({ Bucket = "halves", Key = "q" })
    local found = rows("uploads", "s3://halves/p/")
    assert.equal(1, #found)
    assert.same({ "p/a", 2, 8, id }, {
      found[1].key,
      found[1].parts,
      found[1].bytes,
      found[1].upload_id,
    })
    assert.equal(0, #rows("uploads", "s3://halves", "--older-than", "9999d"))
    local asked = run("uploads", "s3://halves", "--abort")
    assert.equal(20, asked.status)
    assert.matches("Abort 2 uploads (8 B)", asked.stderr, 1, true)
    assert.equal(2, #rows("uploads", "s3://halves", "--abort", "--dry-run"))
    local aborted = rows("uploads", "s3://halves", "--abort", "--yes")
    assert.same({ "aborted", "aborted" }, values(aborted, "result"))
    assert.equal(0, #rows("uploads", "s3://halves"))
  end)

  it("rb deletes an empty bucket, and a full one when forced", function()
    bucket("goes", { { "a", "1" }, { "a", "2" }, { "b" } }, true)
    s3.delete_object({ Bucket = "goes", Key = "b" })
    s3.create_multipart_upload({ Bucket = "goes", Key = "u" })
    local full = run("rb", "s3://goes", "--yes")
    assert.equal(1, full.status)
    assert.matches("bucket goes is not empty", full.stderr, 1, true)
    local dry = run("rb", "s3://goes", "--dry-run")
    assert.equal(1, dry.status)
    assert.matches("bucket goes is not empty.*; %-%-force deletes", dry.stderr)
    local none = run("rb", "s3://none", "--dry-run")
    assert.equal(1, none.status)
    assert.matches("there is no bucket none", none.stderr, 1, true)
    local asked = run("rb", "s3://goes", "--force")
    assert.equal(20, asked.status)
    assert.matches("with 4 versions (3 B) and 1 unfinished upload", asked.stderr, 1, true)
    local forced = op:must({ "s3", "rb", "s3://goes", "--force", "--dry-run" })
    local told, summary = op.rows(forced)
    assert.equal(4, #told)
    assert.same({ 4, 1 }, { summary.to_delete, summary.uploads_to_abort })
    assert.equal(4, #rows("rb", "s3://goes", "--force", "--yes"))
    assert.equal("NoSuchBucket", select(2, aws.try(s3.list_objects_v2, { Bucket = "goes" })).code)
    assert.equal(1, run("rb", "s3://goes", "--yes").status)
  end)

  it("presign names the file in ASCII, and beside it as it is", function()
    bucket("names", { { "a", "x" } })
    local headers, http = require("awsbak.headers"), require("awsbak.http")
    local names = {
      ['b"c.txt'] = 'attachment; filename="b_c.txt"',
      ["Übung 1€*.txt"] = 'attachment; filename="_bung 1_*.txt"; '
        .. "filename*=UTF-8''%C3%9Cbung%201%E2%82%AC%2A.txt",
    }
    for name, disposition in pairs(names) do
      local get = rows("presign", "s3://names/a", "--filename", name)[1]
      local reply = http.send({ method = "GET", url = get.url })
      assert.equal("x", reply.body)
      assert.equal(disposition, headers.find(reply.headers, "content-disposition"))
    end
  end)

  it("presign makes URLs that work without keys, for what they are for", function()
    bucket("lends", { { "a", "lent" } })
    local get = rows("presign", "s3://lends/a", "--expires", "10m")[1]
    assert.equal("GET", get.method)
    assert.matches("X-Amz-Expires=600", get.url, 1, true)
    local http = require("awsbak.http")
    assert.equal("lent", http.send({ method = "GET", url = get.url }).body)
    local put =
      rows("presign", "s3://lends/b", "--method", "PUT", "--content-type", "text/plain")[1]
    assert.same({ ["Content-Type"] = "text/plain" }, put.headers)
    local alone = op:must({ "s3", "presign", "s3://lends/a", "--output", "table" }).stdout
    assert.matches("^http://%S+\n$", alone)
    for _, wrong in ipairs({
      { "--expires", "8d" },
      { "--method", "get" },
      { "--content-type", "text/plain" },
      { "--method", "PUT", "--filename", "x" },
      { "--filename", "a\xff" },
      { "--no-sign-request" },
    }) do
      assert.equal(2, run("presign", "s3://lends/a", table.unpack(wrong)).status)
    end
  end)
end)
