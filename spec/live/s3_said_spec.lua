-- What awsbak s3 cp says of the objects that it writes, in each way that it writes them, and copies
-- between regions.

local aws = require("aws")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local members = require("backup.s3.members")
local network = require("spec.support.network")
local s3_copy = require("backup.transfer.s3_copy")
local s3_sink = require("backup.transfer.s3_sink")
local s3_upload = require("backup.transfer.s3_upload")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")
local stream = require("awsbak.stream")

local PART <const> = 5 * 1024 * 1024
local KEY <const> = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
local UNTIL <const> = 4070908800 -- 2099-01-01
local ASKED <const> = {
  "--storage-class=STANDARD_IA",
  "--sse=aws:kms",
  "--sse-kms-key-id=" .. KEY,
  "--tag=t=1",
  "--metadata=m=2",
  "--content-type=text/x",
  "--cache-control=no-store",
  "--part-size=5M",
}
local LOCKED <const> = { "--lock-mode=GOVERNANCE", "--lock-until=2099-01-01", "--legal-hold" }
table.move(ASKED, 1, #ASKED, #LOCKED + 1, LOCKED)
local VALUES <const> = {
  storage_class = "STANDARD_IA",
  sse = "aws:kms",
  sse_kms_key_id = KEY,
  tag = { "t=1" },
  metadata = { "m=2" },
  content_type = "text/x",
  cache_control = "no-store",
  lock_mode = "GOVERNANCE",
  lock_until = "2099-01-01",
  legal_hold = true,
}

local function lock_of(from)
  return { from.ObjectLockMode, from.ObjectLockRetainUntilDate, from.ObjectLockLegalHoldStatus }
end

local function read_of(s3, key)
  local object = { Bucket = "locked", Key = key }
  local head, tags = s3.head_object(object), s3.get_object_tagging(object).TagSet
  return {
    head.StorageClass,
    head.ServerSideEncryption,
    head.SSEKMSKeyId,
    head.Metadata.m,
    head.ContentType,
    head.CacheControl,
    #tags == 1 and tags[1].Key .. "=" .. tags[1].Value,
  },
    lock_of(head)
end

describe("what is said of an object", function()
  it("is said by a request, by one in parts, of a pipe and of a copy", function()
    s3_server.skip_versitygw(pending, "keeps no storage class, and no keys of KMS")
    local place, dir <close> = faulty_s3.open(), scratch.new()
    local s3 = place.s3
    s3.create_bucket({ Bucket = "locked", ObjectLockEnabledForBucket = true })
    local bytes, begun = ("0123456789abcdef"):rep(PART // 16 + 1), {}
    local noting = setmetatable({
      create_multipart_upload = function(input)
        begun[input.Key] = input -- moto forgets locks of uploads in parts
        return s3.create_multipart_upload(input)
      end,
    }, { __index = s3 })
    local function cp(from, key, stdin, asked)
      local words = { "s3", "cp", from, "s3://locked/" .. key }
      place.op:must(table.move(asked, 1, #asked, #words + 1, words), { stdin = stdin })
    end
    local function to(key)
      return { s3 = noting, bucket = "locked", key = key }
    end
    cp(dir:write("small", "x"), "small", nil, LOCKED)
    cp("-", "piped", "x", LOCKED)
    s3.put_object({ Bucket = "locked", Key = "plain", Body = bytes })
    -- moto wants the header of an upload, which a copy has not, of a copy that locks.
    cp("s3://locked/plain", "copied", nil, ASKED)
    local handle <close> = assert(file.open(dir:write("large", bytes)))
    local options = { one_max = PART, part_size = PART, input = members.input(VALUES) }
    s3_upload.put(handle, to("large"), options)
    s3_copy.put(to("plain"), to("copied-large"), options)
    options.s3 = noting
    stream.pipe(stream.bytes(bytes), s3_sink.open("s3://locked/piped-large", options))
    for _, key in ipairs({ "small", "large", "piped", "piped-large", "copied", "copied-large" }) do
      local said, lock = read_of(s3, key)
      assert.same({ "STANDARD_IA", "aws:kms", KEY, "2", "text/x", "no-store", "t=1" }, said, key)
      local input = begun[key]
      assert.equal(input ~= nil, key:find("large") ~= nil, key)
      lock = input and lock_of(input) or lock
      assert.same(key == "copied" and {} or { "GOVERNANCE", UNTIL, "ON" }, lock, key)
    end
    place:close()
  end)
end)

describe("a copy between regions", function()
  it("asks each side where its bucket is", function()
    local function elsewhere(region)
      return { status = 301, headers = { { "x-amz-bucket-region", region } }, body = "" }
    end
    local head = { headers = { { "etag", '"e"' }, { "content-length", "7" } }, body = "" }
    local made = { body = '<CopyObjectResult><ETag>"f"</ETag></CopyObjectResult>' }
    local replies = { elsewhere("eu-west-1"), head, elsewhere("ap-south-1"), made }
    local sent = network.with(replies, function()
      local s3 = aws.client("s3", { region = "us-east-1", credentials = network.KEYS })
      local from = { s3 = s3, bucket = "there", key = "a" }
      local to = { s3 = s3, bucket = "elsewhere", key = "b" }
      assert.equal(7, s3_copy.put(from, to, { force = true }).bytes)
    end)
    local hosts = {}
    for i, request in ipairs(sent) do
      hosts[i] = request.url:match("//([^/]*)")
      local region = hosts[i]:match("%.s3%.([^.]*)") or "us-east-1"
      assert.matches("/" .. region .. "/s3/", network.headers(request).authorization, 1, true)
    end
    assert.same({
      "there.s3.us-east-1.amazonaws.com",
      "there.s3.eu-west-1.amazonaws.com",
      "elsewhere.s3.us-east-1.amazonaws.com",
      "elsewhere.s3.ap-south-1.amazonaws.com",
    }, hosts)
  end)
end)
