local aws = require("aws")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local s3_outcome = require("backup.transfer.s3_outcome")

local function refuse(code, status)
  errors.raise({ kind = "service", code = code, status = status, message = code })
end

local function target(s3, on_the_way)
  local place = { s3 = s3, bucket = "vault", key = "k", location = "s3://vault/k", mark = "m" }
  place.on_the_way = on_the_way
  return place
end

describe("an S3 upload that is ended", function()
  --- End an upload of which ListParts answers as `left` does; how often that was tried, the pauses
  --- between, and what was said.
  local function abort(left, on_the_way)
    local tries, pauses = 0, {}
    local s3 = { list_parts = left }
    function s3.abort_multipart_upload(input)
      assert.same({ Bucket = "vault", Key = "k", UploadId = "u1" }, input)
      tries = tries + 1
    end
    log.lines = {}
    outside.with({
      sleep = function(seconds)
        pauses[#pauses + 1] = seconds
      end,
    }, s3_outcome.abort, target(s3, on_the_way), "u1")
    return tries, pauses, log.lines
  end

  after_each(function()
    log.lines = nil
  end)

  it("is aborted again while parts that were on their way survive, three times", function()
    for survive, wanted in pairs({ [0] = {}, [1] = { 0.25 }, [9] = { 0.25, 0.5 } }) do
      local looked = 0
      local tries, pauses, said = abort(function(input)
        assert.same({ Bucket = "vault", Key = "k", UploadId = "u1", MaxParts = 1 }, input)
        looked = looked + 1
        return looked <= survive and { Parts = { { PartNumber = 1 } } }
          or refuse("NoSuchUpload", 404)
      end)
      assert.equal(#wanted + 1, tries)
      assert.same(wanted, pauses)
      assert.equal(survive == 9, #said == 1 and said[1]:find("still has parts", 1, true) ~= nil)
    end
  end)

  it("is ended and listed by requests that S3 knows, with a customer's key too", function()
    local sent = {}
    local client = aws.client("s3", {
      region = "eu-west-1",
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
    local function build(operation, answer)
      return function(input)
        client.build(operation, input) -- raises for a member that it has not
        sent[#sent + 1] = { operation, input.ExpectedBucketOwner }
        return answer
      end
    end
    local s3 = {
      abort_multipart_upload = build("AbortMultipartUpload"),
      create_multipart_upload = function(_, options)
        options.on_retry(errors.new({ kind = "network", code = "cut", message = "m" }))
        return { UploadId = "u1" }
      end,
      each = { list_multipart_uploads = build("ListMultipartUploads", function() end) },
      list_parts = build("ListParts", {}),
    }
    local place = target(s3)
    place.shared = {
      ExpectedBucketOwner = "111122223333",
      SSECustomerAlgorithm = "AES256",
      SSECustomerKey = ("k"):rep(32),
    }
    log.lines = {}
    s3_outcome.abort(place, s3_outcome.begin(place, {}))
    assert.same({}, log.lines)
    local owner = "111122223333"
    assert.same({
      { "ListMultipartUploads", owner },
      { "AbortMultipartUpload", owner },
      { "ListParts", owner },
    }, sent)
  end)

  it("is looked at once more when a part may still come, and aborted again", function()
    for _, comes in ipairs({ false, true }) do
      local looked = 0
      local tries, pauses, said = abort(function()
        looked = looked + 1
        return looked == 2 and comes and { Parts = { { PartNumber = 1 } } }
          or refuse("NoSuchUpload", 404)
      end, 1)
      assert.equal(comes and 2 or 1, tries)
      assert.same(comes and { 0.25, 0.5 } or { 0.25 }, pauses)
      assert.same({}, said)
    end
  end)

  it("knows which parts S3 has not answered", function()
    local place = target()
    s3_outcome.part(place, function()
      assert.equal(1, place.on_the_way)
      return {}
    end)
    errors.try(s3_outcome.part, place, refuse, "AccessDenied", 403)
    assert.equal(0, place.on_the_way)
    local unsent = { kind = "network", code = "connect", message = "m", unsent = true }
    errors.try(s3_outcome.part, place, errors.raise, unsent)
    assert.equal(0, place.on_the_way)
    local cut = { kind = "network", code = "cut", message = "m" }
    errors.try(s3_outcome.part, place, errors.raise, cut)
    assert.equal(1, place.on_the_way)
  end)

  it("is warned of when nobody can tell whether it still has parts", function()
    local refusals = { NoSuchUpload = 404, NoSuchKey = 404, AccessDenied = 403, SlowDown = 503 }
    for code, status in pairs(refusals) do
      local _, _, said = abort(function()
        refuse(code, status)
      end)
      local is_gone = code == "NoSuchUpload"
      assert.equal(is_gone and 0 or 1, #said)
      local words = "was aborted, but whether it still has parts cannot be told: " .. code
      assert.matches(is_gone and "" or words, said[1] or "", 1, true)
    end
  end)
end)

describe("an S3 upload whose beginning failed", function()
  local function hint(err)
    local function create_multipart_upload()
      errors.raise(err)
    end
    local s3 = { create_multipart_upload = create_multipart_upload }
    return select(2, errors.try(s3_outcome.begin, target(s3), {})).hint
  end

  it("may have begun when S3 did not answer, and not when nothing was sent", function()
    local open = { cut = "network", timeout_first_byte = "timeout", protocol = "reply" }
    for code, kind in pairs(open) do
      assert.matches("it may have begun", hint({ kind = kind, code = code, message = "m" }))
    end
    for code, kind in pairs({ connect = "network", timeout_connect = "timeout" }) do
      assert.is_nil(hint({ kind = kind, code = code, message = "m", unsent = true }))
    end
    assert.matches("it may have begun", hint({ kind = "memory", message = "m" }))
    assert.matches("it may have begun", hint({ kind = "io", code = "EBADF", message = "m" }))
    assert.is_nil(hint({ kind = "service", code = "AccessDenied", message = "m" }))
  end)

  --- Begin an upload by attempts that fail so before the last one; what is said, and what is hinted
  --- at when that fails, too.
  local function begin(failures, listed, last)
    local s3 = { each = {} }
    function s3.create_multipart_upload(_, options)
      for _, err in ipairs(failures) do
        options.on_retry(errors.new(err))
      end
      return last and errors.raise(last) or { UploadId = "ours" }
    end
    function s3.each.list_multipart_uploads(input)
      assert.same({ Bucket = "vault", Prefix = "k" }, input)
      if not listed then
        refuse("AccessDenied", 403)
      end
      local i = 0
      return function()
        i = i + 1
        return listed[i]
      end
    end
    log.lines = {}
    local _, err = errors.try(s3_outcome.begin, target(s3), {})
    local said = log.lines
    log.lines = nil
    return said, err and err.hint
  end

  local CUT <const> = { kind = "network", code = "cut", message = "m" }

  local function upload(id, began, key)
    return { UploadId = id, Key = key or "k", Initiated = began }
  end

  it("and was tried again may be there twice: those of that time are named", function()
    local listed = { upload("old", 100), upload("lost", 199), upload("ours", 200) }
    listed[4] = upload("longer", 200, "k2")
    local said = begin({ CUT }, listed)
    assert.equal(1, #said)
    local command = "awsbak api s3 AbortMultipartUpload Bucket=vault Key=k UploadId=lost"
    assert.matches("end it with: " .. command, said[1], 1, true)
    assert.same({}, (begin({ CUT }, { upload("ours", 200) })))
    said = begin({ CUT }, nil)
    assert.equal(1, #said)
    assert.matches("awsbak s3 uploads s3://vault/k lists it", said[1], 1, true)
  end)

  it("and was tried again is there once where S3 refused, or nothing was sent", function()
    local unsent = { kind = "network", code = "connect", message = "m", unsent = true }
    local busy = { kind = "service", code = "SlowDown", message = "m" }
    assert.same({}, (begin({ unsent, busy }, { upload("other", 200), upload("ours", 200) })))
    assert.is_nil(select(2, begin({ busy }, {}, busy)))
  end)

  it("may have begun when it is cancelled, which is said of each upload", function()
    local ended = { kind = "cancelled", code = "SIGINT", message = "interrupted" }
    for _, failures in ipairs({ {}, { CUT } }) do
      local said, hinted = begin(failures, {}, ended)
      assert.same({ 1, nil }, { #said, hinted })
      local words = "to s3://vault/k has begun, which may be left: awsbak s3 uploads s3://vault/k"
      assert.matches(words, said[1], 1, true)
    end
  end)

  it("may have begun when an earlier attempt was not answered", function()
    local refused = { kind = "service", code = "AccessDenied", message = "m" }
    local _, hinted = begin({ CUT }, {}, refused)
    assert.matches("it may have begun", hinted)
  end)

  it("is told by a mark of its own, also where the source of a copy has one", function()
    local mark = s3_outcome.mark({ ["awsbak-upload"] = "of the source", colour = "red" })

    assert.not_equal("of the source", mark.text)
    assert.same({ ["awsbak-upload"] = mark.text, colour = "red" }, mark.metadata)
  end)
end)
