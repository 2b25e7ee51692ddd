-- Objects that other programs uploaded in parts, with a checksum of the parts' checksums; what the
-- server does not tell of parts is told in its place.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local log = require("awsbak.log")
local s3_download = require("backup.transfer.s3_download")
local scratch = require("spec.support.scratch")
local task = require("awsbak.task")

local PART <const> = 5 * 1024 * 1024
local DIGESTS <const> = { "SHA256", "SHA1", "CRC32", "CRC32C", "CRC64NVME" }

local function sum_of(algorithm, bytes)
  return digest.digest(algorithm:lower(), bytes)
end

--- What S3 knows of an object that was uploaded in these parts.
local function known(algorithm, parts)
  local raw, rows = {}, {}
  for i, bytes in ipairs(parts) do
    raw[i] = sum_of(algorithm, bytes)
    rows[i] = { PartNumber = i, Size = #bytes, ["Checksum" .. algorithm] = codec.base64(raw[i]) }
  end
  local whole = codec.base64(sum_of(algorithm, table.concat(raw)))
  return ("%s-%d"):format(whole, #parts), rows
end

describe("composite checksums", function()
  local place, proxy, s3, op, dir

  setup(function()
    place = faulty_s3.open("vault")
    proxy, s3, op = place.proxy, place.s3, place.op
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    proxy:clear()
    log.lines = {}
  end)

  after_each(function()
    log.lines = nil
    dir:close()
  end)

  --- A client that says of each object that it came in these parts, some in a page.
  local function telling(algorithm, parts, change)
    local whole, rows = known(algorithm, parts)
    local told = { whole = whole, rows = rows, page = 2 }
    if change then
      change(told)
    end
    return setmetatable({
      head_object = function(input)
        local head = s3.head_object(input)
        head.ChecksumCRC64NVME, head.ChecksumCRC32 = nil, nil
        head.ChecksumType, head["Checksum" .. algorithm] = "COMPOSITE", told.whole
        return head
      end,
      get_object_attributes = function(input)
        local etag = s3.head_object({ Bucket = input.Bucket, Key = input.Key }).ETag:gsub('"', "")
        local from = (input.PartNumberMarker or 0) + 1
        local upto = math.min(from + told.page - 1, #told.rows)
        return {
          ETag = told.etag or etag,
          ObjectParts = {
            Parts = table.move(told.rows, from, upto, 1, {}),
            IsTruncated = upto < #told.rows,
            NextPartNumberMarker = upto,
          },
        }
      end,
    }, { __index = s3 })
  end

  local function download(client, key)
    local spool <close> = assert(file.spool(dir:path()))
    local source = { s3 = client, bucket = "vault", key = key }
    local done = s3_download.get(source, spool, { part_size = PART })
    return task.await(spool:read(PART, 0)), done
  end

  it("are compared part by part, whatever their sizes", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED") or os.time())
    math.randomseed(seed)
    for case = 1, 12 do
      local algorithm, parts = DIGESTS[case % #DIGESTS + 1], {}
      for i = 1, math.random(1, 7) do
        parts[i] = string.char(64 + i):rep(math.random(1, 60000))
      end
      local bytes = table.concat(parts)
      s3.put_object({ Bucket = "vault", Key = "k", Body = bytes })
      local _, done = download(telling(algorithm, parts), "k")
      local says = ("seed %d, case %d"):format(seed, case)
      local said = #parts == 1 and "%s of %d part" or "%s of %d parts"
      assert.equal(said:format(algorithm:lower(), #parts), done.checksum, says)

      local at = math.random(#bytes)
      s3.put_object({
        Bucket = "vault",
        Key = "k",
        Body = bytes:sub(1, at - 1) .. "!" .. bytes:sub(at + 1),
      })
      local got, err = errors.try(download, telling(algorithm, parts), "k")
      assert.is_nil(got, says)
      assert.same({ "integrity", "checksum" }, { err.kind, err.code }, says)
      assert.matches("s3://vault/k: part %d has another " .. algorithm:lower(), err.message)
    end
    assert.same({}, log.lines)
  end)

  it("that their parts do not make are an error", function()
    s3.put_object({ Bucket = "vault", Key = "k", Body = "onetwo" })
    local client = telling("SHA256", { "one", "two" }, function(told)
      told.rows[2].ChecksumSHA256 = told.rows[1].ChecksumSHA256
    end)
    local _, err = errors.try(download, client, "k")
    assert.same({ "integrity", "checksum" }, { err.kind, err.code })
    assert.matches("do not make", err.message)
  end)

  it("leave lengths to be compared, with a warning, where the parts are not told", function()
    s3.put_object({ Bucket = "vault", Key = "k", Body = "onetwo" })
    local changes = {
      ["a part without size"] = function(told)
        told.rows[1].Size = nil
      end,
      ["other parts than make up"] = function(told)
        told.rows[2].Size = 4
      end,
      ["does not tell them"] = function(told)
        told.rows = {}
      end,
      ["another object"] = function(told)
        told.etag = "x"
      end,
    }
    for words, change in pairs(changes) do
      log.lines = {}
      local bytes, done = download(telling("SHA256", { "one", "two" }, change), "k")
      assert.same({ "onetwo", nil }, { bytes, done.checksum })
      assert.matches(words, table.concat(log.lines), 1, true)
    end
  end)

  --- An object in parts of 5 MiB and less, as another program makes it.
  local function multipart(key, parts)
    local made = s3.create_multipart_upload({
      Bucket = "vault",
      Key = key,
      ChecksumAlgorithm = "SHA256",
      ChecksumType = "COMPOSITE",
    })
    local done = {}
    for i, bytes in ipairs(parts) do
      local part = s3.upload_part({
        Bucket = "vault",
        Key = key,
        UploadId = made.UploadId,
        PartNumber = i,
        Body = bytes,
        ChecksumAlgorithm = "SHA256",
      })
      done[i] = { PartNumber = i, ETag = part.ETag, ChecksumSHA256 = part.ChecksumSHA256 }
    end
    local input = { Bucket = "vault", Key = key, UploadId = made.UploadId }
    input.MultipartUpload = { Parts = done }
    return s3.complete_multipart_upload(input).ETag:gsub('"', "")
  end

  local function tells(key, etag, parts)
    local _, rows = known("SHA256", parts)
    local text = {}
    for i, row in ipairs(rows) do
      local part = "<Part><PartNumber>%d</PartNumber><Size>%d</Size>"
        .. "<ChecksumSHA256>%s</ChecksumSHA256></Part>"
      text[i] = part:format(i, row.Size, row.ChecksumSHA256)
    end
    local body = "<GetObjectAttributesResponse><ETag>%s</ETag><ObjectParts>%s"
      .. "<PartsCount>%d</PartsCount></ObjectParts></GetObjectAttributesResponse>"
    proxy:rule({
      method = "GET",
      holds = { key .. "?attributes" },
      times = -1,
      answer = { status = 200, body = body:format(etag, table.concat(text), #rows) },
    })
  end

  it("of parts that are not all of the object are of no use", function()
    local bytes = ("x"):rep(100)
    s3.put_object({ Bucket = "vault", Key = "k", Body = bytes })
    for _, parts in ipairs({ { bytes:sub(1, 99) }, { bytes, "y" } }) do
      local _, done = download(telling("SHA256", parts), "k")
      assert.is_nil(done.checksum)
    end
  end)

  it("tell a sync by checksum what is the same and what is not", function()
    local parts = { ("a"):rep(PART), "bc" }
    local small = { "tiny" }
    tells("/f/big", multipart("f/big", parts), parts)
    tells("/f/small", multipart("f/small", small), small)
    local folder = dir:path("to")
    assert(file.mkdirs(folder))
    dir:write("to/big", parts[1] .. "bd")
    dir:write("to/small", "tiny")
    local sync = { "s3", "sync", "s3://vault/f", folder, "--checksum" }
    local run = op:run(sync)
    assert.equal(0, run.status, run.stderr)
    assert.matches('"key":"big","reason":"content","result":"copied"', run.stdout, 1, true)
    assert.matches('"same":1', run.stdout, 1, true)
    assert.matches('"same":2', op:run(sync).stdout, 1, true)
    multipart("g/big", parts)
    multipart("g/small", small)
    local within = op:run({ "s3", "sync", "s3://vault/f", "s3://vault/g", "--checksum" })
    assert.matches('"same":2', within.stdout, 1, true)
  end)

  it("of an object that a folder's copy knows from its listing are asked for, too", function()
    local small = { "tiny" }
    tells("/h/small", multipart("h/small", small), { "tinx" })
    local run = op:run({ "s3", "cp", "--recursive", "s3://vault/h", dir:path("h") })
    assert.equal(3, run.status)
    assert.matches("do not make", run.stdout, 1, true)
  end)

  it("that may not be asked for are no failure", function()
    multipart("i/big", { ("a"):rep(PART), "bc" })
    local denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    local answer = { status = 403, body = denied }
    proxy:rule({ method = "GET", holds = { "attributes" }, answer = answer })
    local run = op:run({ "s3", "cp", "s3://vault/i/big", dir:path("big") })
    assert.equal(0, run.status, run.stderr)
    assert.matches("s3:GetObjectAttributes is denied", run.stderr, 1, true)
    assert.is_nil(run.stdout:find('"checksum"', 1, true))
  end)
end)
