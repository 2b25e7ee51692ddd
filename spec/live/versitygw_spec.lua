--- S3 against VersityGW, which checks signatures, checksums, trailers, parts and conditions where
--- moto takes what comes.

local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local headers = require("awsbak.headers")
local http = require("awsbak.http")
local outside = require("awsbak.outside")
local servers = require("spec.support.servers")
local sigv4 = require("awsbak.core.sigv4")

local MIB <const> = 1024 * 1024
local BODY <const> = "é\0\255 body\n"
local BIG <const> = ("a"):rep(5 * MIB) -- the least that a part may have but the last
local ALGORITHMS <const> = { "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256" }

local function base64_of(algorithm, bytes)
  return codec.base64(digest.digest(algorithm:lower(), bytes))
end

describe("s3 against versitygw", function()
  local server, reason, s3
  local real = outside.getenv

  setup(function()
    outside.getenv = function() end
    server, reason = servers.start("versitygw")
    if server then
      s3 = aws.client("s3", server.options)
      s3.create_bucket({ Bucket = "vault" })
      s3.create_bucket({ Bucket = "versions" })
      s3.put_bucket_versioning({
        Bucket = "versions",
        VersioningConfiguration = { Status = "Enabled" },
      })
    end
  end)

  teardown(function()
    outside.getenv = real
    if server then
      server:close()
    end
  end)

  --- A spec that needs the server.
  local function live(what, f)
    it(what, function()
      if not server then
        pending(reason)
      end
      f()
    end)
  end

  --- An input for a key in the bucket "vault".
  local function of(key, more)
    local input = { Bucket = "vault", Key = key }
    for name, value in pairs(more or {}) do
      input[name] = value
    end
    return input
  end

  local function put(key, body)
    return s3.put_object(of(key, { Body = body }))
  end

  local function get(key, more)
    local reply = s3.get_object(of(key, more))
    local body <close> = reply.Body
    return body:all(32 * MIB), reply
  end

  local function refused(operation, input, client)
    local found, err = errors.try((client or s3).call, operation, input)
    assert.is_nil(found)
    assert.equal("service", err.kind)
    return err.code, err
  end

  live("keeps a body with each of its checksums, and refuses a wrong one", function()
    for _, algorithm in ipairs(ALGORITHMS) do
      local member = "Checksum" .. algorithm
      local told = s3.put_object(of(algorithm, { Body = BODY, ChecksumAlgorithm = algorithm }))
      assert.equal(base64_of(algorithm, BODY), told[member])
      local body, reply = get(algorithm)
      assert.equal(BODY, body)
      assert.equal(base64_of(algorithm, BODY), reply[member])
      local wrong = of("wrong", { Body = BODY, [member] = base64_of(algorithm, "other") })
      assert.equal("BadDigest", (refused("PutObject", wrong)))
    end
    assert.equal("404", (refused("HeadObject", of("wrong"))))
  end)

  live("refuses a body that is not that of its MD5 or its signature", function()
    local wrong = of("md5", { Body = BODY, ContentMD5 = base64_of("md5", "other") })
    assert.equal("BadDigest", (refused("PutObject", wrong)))
    s3.put_object(of("md5", { Body = BODY, ContentMD5 = base64_of("md5", BODY) }))
    local send = outside.send
    local code
    outside.with({
      send = function(request)
        request.body = request.body:gsub("body", "Body")
        return send(request)
      end,
    }, function()
      code = refused("PutObject", of("changed", { Body = BODY }))
    end)
    assert.match("SHA256Mismatch", code)
  end)

  live("knows whose keys are wrong", function()
    local function with(keys)
      return aws.client("s3", {
        region = "us-east-1",
        endpoint_url = server.url,
        credentials = keys,
      })
    end
    local id = server.options.credentials.access_key_id
    local wrong = with({ access_key_id = id, secret_access_key = "other" })
    assert.equal("SignatureDoesNotMatch", (refused("ListBuckets", {}, wrong)))
    local unknown = with({ access_key_id = "AKIDOTHER", secret_access_key = "secret" })
    local _, err = refused("ListBuckets", {}, unknown)
    assert.equal(404, err.status) -- its code is VersityGW's own
  end)

  live("takes keys with characters of every kind, and lists them as they were", function()
    local keys = {
      "odd/ lead and trail ",
      "odd/a+b=c&d;e,f:g@h$i",
      "odd/p%2Fq%25",
      "odd/quote\"'<>{}|\\^`",
      "odd/x\ty",
      "odd/é/日本/😀",
      "odd/~-_.!*()#?",
    }
    for _, key in ipairs(keys) do
      put(key, key)
      assert.equal(key, (get(key)))
    end
    table.sort(keys)
    local listed = {}
    for object in s3.each.list_objects_v2({ Bucket = "vault", Prefix = "odd/", MaxKeys = 2 }) do
      listed[#listed + 1] = object.Key
    end
    assert.same(keys, listed)
    assert.equal("KeyTooLongError", (refused("PutObject", of(("k"):rep(1025)))))
    local page = s3.list_objects_v2({ Bucket = "vault", Prefix = "odd/é", Delimiter = "/" })
    assert.equal("odd/é/", page.CommonPrefixes[1].Prefix)
    s3.copy_object(of("odd copy+", { CopySource = "vault/" .. keys[3] }))
    assert.equal(keys[3], (get("odd copy+")))
    local objects = {}
    for i, key in ipairs(keys) do
      objects[i] = { Key = key }
    end
    local gone = s3.delete_objects({ Bucket = "vault", Delete = { Objects = objects } })
    assert.equal(#keys, #gone.Deleted)
    assert.is_nil(s3.list_objects_v2({ Bucket = "vault", Prefix = "odd/" }).Contents)
  end)

  live("keeps metadata, type and tags", function()
    s3.put_object(of("about", {
      Body = BODY,
      ContentType = "text/plain; charset=utf-8",
      CacheControl = "max-age=5",
      Metadata = { ["owner-name"] = "a b,c" },
      Tagging = "k%20y=v%3Dw",
    }))
    local head = s3.head_object(of("about"))
    assert.equal(#BODY, head.ContentLength)
    assert.equal("text/plain; charset=utf-8", head.ContentType)
    assert.same({ ["owner-name"] = "a b,c" }, head.Metadata)
    assert.same({ { Key = "k y", Value = "v=w" } }, s3.get_object_tagging(of("about")).TagSet)
  end)

  live("tells attributes of an object, whose date is in asctime's form", function()
    put("attributes", BODY)
    local told = s3.get_object_attributes(of("attributes", { ObjectAttributes = { "ETag" } }))
    local head = s3.head_object(of("attributes"))
    assert.equal(head.ETag, ('"%s"'):format(told.ETag))
    assert.equal(head.LastModified, told.LastModified)
  end)

  live("gives ranges, and refuses those beyond the end", function()
    put("ranges", "0123456789")
    local body, reply = get("ranges", { Range = "bytes=2-4" })
    assert.equal("234", body)
    assert.equal("bytes 2-4/10", reply.ContentRange)
    assert.equal("89", (get("ranges", { Range = "bytes=-2" })))
    assert.equal("InvalidRange", (refused("GetObject", of("ranges", { Range = "bytes=10-" }))))
  end)

  live("reads and writes on conditions", function()
    local tag = put("once", "one").ETag
    local function write(more)
      more.Body = "two"
      return of("once", more)
    end
    assert.equal("PreconditionFailed", (refused("PutObject", write({ IfNoneMatch = "*" }))))
    assert.equal("PreconditionFailed", (refused("PutObject", write({ IfMatch = '"other"' }))))
    assert.equal("304", (refused("GetObject", of("once", { IfNoneMatch = tag }))))
    assert.equal("PreconditionFailed", (refused("GetObject", of("once", { IfMatch = '"x"' }))))
    s3.put_object(write({ IfMatch = tag }))
    assert.equal("two", (get("once")))
  end)

  live("presigns reading and writing", function()
    local function send(url, request, body)
      return http.send({
        method = request.method,
        url = url,
        headers = request.headers,
        body = body,
      })
    end
    local url, request = s3.presign("PutObject", of("by url é", { ContentType = "text/x" }))
    assert.equal(200, send(url, request, "sent").status)
    url, request = s3.presign("GetObject", of("by url é"), { expires = 60 })
    local reply = send(url, request)
    assert.equal("sent", reply.body)
    assert.equal("text/x", headers.find(reply.headers, "content-type"))
    assert.equal(403, send(url:gsub("by%%20url", "other"), request).status)
    assert.match("SignatureDoesNotMatch", send(url .. "&more=1", request).body)
  end)

  --- An upload of parts with these bodies; what completes it.
  local function upload(key, bodies, algorithm)
    local begun = s3.create_multipart_upload(of(key, { ChecksumAlgorithm = algorithm }))
    local id, parts = begun.UploadId, {}
    for i, body in ipairs(bodies) do
      local part = { Body = body, UploadId = id, PartNumber = i, ChecksumAlgorithm = algorithm }
      local told = s3.upload_part(of(key, part))
      local member = "Checksum" .. (algorithm or "CRC32")
      parts[i] = { PartNumber = i, ETag = told.ETag, [member] = told[member] }
    end
    return of(key, { UploadId = id, MultipartUpload = { Parts = parts } })
  end

  live("puts parts together, with the checksums of each", function()
    for _, algorithm in ipairs({ "CRC32C", "SHA256", "CRC64NVME" }) do
      local complete = upload("parts", { BIG, "end" }, algorithm)
      local listed = s3.list_parts(of("parts", { UploadId = complete.UploadId }))
      assert.equal(2, #listed.Parts)
      local told = s3.complete_multipart_upload(complete)
      assert.is_string(told["Checksum" .. algorithm])
      local body = get("parts")
      assert.equal(5 * MIB + 3, #body)
      assert.equal("aend", body:sub(-4))
    end
  end)

  live("refuses parts that are too small, out of order, or not there", function()
    local complete = upload("broken", { BIG, BIG, "small", "end" }, "CRC32")
    local one, two, small, last = table.unpack(complete.MultipartUpload.Parts)
    local function refused_with(...)
      complete.MultipartUpload = { Parts = { ... } }
      return (refused("CompleteMultipartUpload", complete))
    end
    assert.equal("InvalidPartOrder", refused_with(two, one))
    assert.equal("EntityTooSmall", refused_with(one, small, last))
    assert.equal("InvalidPart", refused_with(one, { PartNumber = 2, ETag = last.ETag }))
    local id = { UploadId = complete.UploadId }
    s3.abort_multipart_upload(of("broken", id))
    assert.equal("NoSuchUpload", (refused("ListParts", of("broken", id))))
    assert.is_nil(s3.list_multipart_uploads({ Bucket = "vault" }).Uploads)
  end)

  live("keeps versions, and marks what was deleted", function()
    local object = { Bucket = "versions", Key = "k/é" }
    local function write(body)
      return s3.put_object({ Bucket = "versions", Key = "k/é", Body = body }).VersionId
    end
    local first, second = write("one"), write("two")
    local marker = s3.delete_object(object)
    assert.is_true(marker.DeleteMarker)
    assert.equal("NoSuchKey", (refused("GetObject", object)))
    local reply = s3.get_object({ Bucket = "versions", Key = "k/é", VersionId = first })
    local body <close> = reply.Body
    assert.equal("one", body:all(10))
    local found = {}
    for page in s3.pages.list_object_versions({ Bucket = "versions", MaxKeys = 2 }) do
      for _, version in ipairs(page.Versions or {}) do
        found[#found + 1] = version.VersionId
      end
      for _, each in ipairs(page.DeleteMarkers or {}) do
        found[#found + 1] = each.VersionId
      end
    end
    table.sort(found)
    local written = { first, second, marker.VersionId }
    table.sort(written)
    assert.same(written, found)
    s3.delete_object({ Bucket = "versions", Key = "k/é", VersionId = marker.VersionId })
    assert.equal(second, s3.head_object(object).VersionId)
  end)

  live("names what is not there, and what is there already", function()
    assert.equal("NoSuchKey", (refused("GetObject", of("nobody"))))
    local _, err = refused("GetObject", { Bucket = "nobody-s", Key = "k" })
    assert.equal("NoSuchBucket", err.code)
    assert.equal(404, err.status)
    assert.equal("404", (refused("HeadBucket", { Bucket = "nobody-s" })))
    assert.match("^BucketAlready", (refused("CreateBucket", { Bucket = "vault" })))
    assert.equal("BucketNotEmpty", (refused("DeleteBucket", { Bucket = "vault" })))
  end)

  --- The body of an upload in signed pieces, with its checksum behind it (Amazon S3 API reference,
  --- "Signature calculations: including trailing headers").
  local function in_pieces(request, seed, pieces, trailer)
    local parts, previous = {}, seed
    for _, data in ipairs(pieces) do
      previous = assert(sigv4.sign_piece(request, "chunk", previous, data))
      parts[#parts + 1] = ("%x;chunk-signature=%s\r\n%s"):format(#data, previous, data)
      parts[#parts + 1] = #data > 0 and "\r\n" or ""
    end
    previous = assert(sigv4.sign_piece(request, "trailer", previous, trailer .. "\n"))
    parts[#parts + 1] = ("%s\r\nx-amz-trailer-signature:%s\r\n\r\n"):format(trailer, previous)
    return table.concat(parts)
  end

  --- Send a body in signed pieces.
  local function put_in_pieces(key, trailer)
    local pieces = { ("p"):rep(64 * 1024), "rest", "" }
    local request = {
      method = "PUT",
      url = server.url .. "/vault/" .. key,
      headers = {
        { "content-encoding", "aws-chunked" },
        { "x-amz-decoded-content-length", tostring(64 * 1024 + 4) },
        { "x-amz-trailer", "x-amz-checksum-crc32c" },
      },
      payload_hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      access_key = server.options.credentials.access_key_id,
      secret_key = server.options.credentials.secret_access_key,
      region = "us-east-1",
      service = "s3",
      time = math.floor(outside.now()),
      s3 = true,
    }
    local signed = assert(sigv4.sign(request))
    local seed = headers.find(signed, "authorization"):match("Signature=(%x+)$")
    local body = in_pieces(request, seed, pieces, trailer)
    for _, pair in ipairs(request.headers) do
      table.insert(signed, pair)
    end
    return http.send({ method = "PUT", url = request.url, headers = signed, body = body })
  end

  live("takes a body in signed pieces with a trailing checksum", function()
    local whole = ("p"):rep(64 * 1024) .. "rest"
    local trailer = "x-amz-checksum-crc32c:"
    local reply = put_in_pieces("pieces", trailer .. base64_of("CRC32C", whole))
    assert.equal(200, reply.status, reply.body)
    assert.is_true(get("pieces") == whole)
    reply = put_in_pieces("pieces", trailer .. base64_of("CRC32C", "other"))
    assert.match("BadDigest", reply.body)
  end)
end)
