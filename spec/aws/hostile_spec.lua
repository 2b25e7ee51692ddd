-- What clients make of servers that answer anything at all, protocol by protocol: an error that
-- names the call, its status and request id; never an empty success, never a crash, and memory
-- that stays bounded.

local aws = require("aws")
local errors = require("awsbak.errors")
local json = require("awsbak.core.json")
local network = require("spec.support.network")
local outside = require("awsbak.outside")
local program = require("spec.support.program")
local server = require("spec.support.server")

local EC2_REPLY = [[<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
<requestId>r-1</requestId>
<reservationSet><item><reservationId>r-0a</reservationId><instancesSet><item>
<instanceId>i-0a</instanceId>
<launchTime>2026-11-01T00:00:00.000Z</launchTime><tagSet><item><key>k</key>
<value>v &amp; w</value></item></tagSet>
</item></instancesSet></item></reservationSet><nextToken>t</nextToken>
</DescribeInstancesResponse>]]

local IAM_REPLY = [[<ListUsersResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<ListUsersResult>
<IsTruncated>true</IsTruncated><Marker>m</Marker><Users><member><UserName>a</UserName>
<Path>/</Path>
<UserId>AIDA</UserId><Arn>arn:aws:iam::1:user/a</Arn>
<CreateDate>2026-11-01T00:00:00Z</CreateDate></member></Users>
</ListUsersResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>
</ListUsersResponse>]]

local S3_REPLY = [[<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>
</Prefix><KeyCount>1</KeyCount>
<MaxKeys>1000</MaxKeys><IsTruncated>true</IsTruncated>
<NextContinuationToken>t</NextContinuationToken><Contents>
<Key>a&#x20;b</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>
<ETag>&quot;e&quot;</ETag><Size>3</Size>
<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>]]

local LAMBDA_REPLY =
  [[{"NextMarker": "m", "Functions": [{"FunctionName": "f", "Timeout": 3, "CodeSize": 12345678901,
"Environment": {"Variables": {"K": "v\u00fc"}}, "Layers": [], "TracingConfig": {"Mode":
"Active"}}]}]]

local SCAN_REPLY =
  [[{"Count":1,"ScannedCount":1,"Items":[{"id":{"S":"a"},"n":{"N":"12"},
"m":{"M":{"b":{"B":"AAE="},"l":{"L":[{"NULL":true}]}}}}],
"LastEvaluatedKey":{"id":{"S":"a"}}}]]

--- A listing of each protocol, and a whole reply to it.
local LISTINGS = {
  { "ec2", "DescribeInstances", {}, "text/xml", EC2_REPLY },
  { "iam", "ListUsers", {}, "text/xml", IAM_REPLY },
  { "s3", "ListObjectsV2", { Bucket = "b" }, "application/xml", S3_REPLY },
  { "lambda", "ListFunctions", {}, "application/json", LAMBDA_REPLY },
  { "dynamodb", "Scan", { TableName = "t" }, "application/x-amz-json-1.0", SCAN_REPLY },
}

local ID = "7c3f-the-id"

describe("a hostile server", function()
  local peer
  local real = { getenv = outside.getenv, sleep = outside.sleep }

  setup(function()
    peer = server.start()
  end)

  teardown(function()
    peer:close()
  end)

  before_each(function()
    peer:clear()
    peer:drop()
    outside.getenv = function() end
    outside.sleep = function() end
  end)

  after_each(function()
    outside.getenv, outside.sleep = real.getenv, real.sleep
  end)

  local function client(service)
    return aws.client(service, {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
      addressing_style = service == "s3" and "path" or nil,
    })
  end

  --- Call once under each fault, and give what each call ended in to `see`.
  local function under(listing, faults, see)
    local service, operation, input, kind = table.unpack(listing, 1, 4)
    for _, fault in ipairs(faults) do
      fault.headers = fault.headers or { ["Content-Type"] = kind, ["x-amzn-RequestId"] = ID }
    end
    peer:script("*", faults)
    local caller = client(service)
    for i, fault in ipairs(faults) do
      local reply, err = aws.try(caller.call, operation, input, { attempts = 1 })
      local shown = ("%s %s, fault %d"):format(service, operation, i)
      see(reply, err, shown, fault)
      if err then
        assert.equal(service, err.service, shown)
        assert.equal(operation, err.operation, shown)
        assert.is_nil(tostring(err):find("secret", 1, true), shown)
      end
    end
  end

  local function is_told(reply, err, shown)
    assert.is_nil(reply, shown)
    assert.is_true(err.kind == "network" or err.kind == "reply", shown .. ": " .. tostring(err))
  end

  --- Also what the head of the reply told.
  local function is_told_with_head(reply, err, shown, fault)
    is_told(reply, err, shown)
    assert.equal(fault.status or 200, err.status, shown)
    assert.equal(ID, err.request_id, shown)
  end

  for _, listing in ipairs(LISTINGS) do
    local body = listing[5]
    local name = listing[1] .. " " .. listing[2]

    it("never passes off a reply cut at any of its bytes: " .. name, function()
      under(listing, { { body = body } }, function(reply, err)
        assert.is_table(reply, tostring(err))
      end)
      local faults = {}
      for size = 0, #body - 1 do
        faults[#faults + 1] = { body = body, cut = size }
      end
      under(listing, faults, is_told_with_head)
    end)

    it("never passes off a reply in chunks cut at any of its bytes: " .. name, function()
      local faults = {}
      for size = 0, #body, 3 do
        faults[#faults + 1] = { body = body, chunked = 40, cut = size }
      end
      under(listing, faults, is_told_with_head)
    end)

    it("never passes off the beginning of a reply as a whole one: " .. name, function()
      local faults = {}
      for size = 0, #body - 1 do
        faults[#faults + 1] = { body = body:sub(1, size) }
      end
      under(listing, faults, is_told_with_head)
    end)

    it("never passes off an error that is cut as a success: " .. name, function()
      local faults = {}
      for size = 0, #body, 20 do
        faults[#faults + 1] = { status = 400, body = body, cut = size }
        faults[#faults + 1] = { status = 503, body = body:sub(1, size) }
      end
      under(listing, faults, function(reply, err, shown, fault)
        assert.is_nil(reply, shown)
        assert.equal(fault.status, err.status, shown)
        assert.equal(ID, err.request_id, shown)
      end)
    end)

    it("is named when it is a proxy, a portal or another service: " .. name, function()
      local html = "<html><head><title>Sign in</title></head><body><p>Hello<br></body></html>"
      local xhtml = '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>Sign in</p></body></html>'
      under(listing, {
        { body = html },
        { body = xhtml },
        { body = "" },
        { body = "OK" },
        { body = "null" },
        { body = "[]" },
        { body = '"text"' },
        { body = "\0\0\0\0" },
        { body = "\239\187\191" },
        { body = "<a><b/></a>" }, -- an empty root may be S3's: no model tells all their names
      }, is_told_with_head)
    end)

    it("gets nowhere with a document type, entities or encodings: " .. name, function()
      local bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
      under(listing, {
        { body = bomb .. body },
        { body = '<!DOCTYPE x SYSTEM "file:///etc/passwd">' .. body },
        { body = '<?xml version="1.0" encoding="no-such"?><a/>' },
        { body = "\255\254" .. body },
      }, is_told_with_head)
    end)

    it("gets nowhere with 100 MB of nesting: " .. name, function()
      local open = listing[4]:find("json") and '{"Items":[' or "<a>"
      local times = 100000000 // #open
      under(listing, {
        { body = open, repeat_body = times },
        { body = open, repeat_body = times, chunked = 1 << 20 },
        { body = open, repeat_body = 30000000 // #open }, -- within the limit of a body
      }, is_told_with_head)
    end)

    it("cannot reach the terminal by its messages: " .. name, function()
      local evil = "\27[2J\27]0;owned\7\0\r\n\194\155"
      local script = ([[require("aws").client(%q, { region = "us-east-1", endpoint_url = %q,
        credentials = { access_key_id = "A", secret_access_key = "s" } })
        .call(%q, require("awsbak.core.json").decode(%q), { attempts = 1 })]]):format(
        listing[1],
        peer.url,
        listing[2],
        json.encode(listing[3])
      )
      for _, reply in ipairs({
        {
          status = 400,
          body = ("<Error><Code>E</Code><Message>%s</Message></Error>"):format(evil),
        },
        { status = 400, body = '{"__type":"E","message":"\\u001b[2J\\u009b\\u0000"}' },
        { status = 500, body = evil },
        { body = evil },
      }) do
        peer:script("*", { reply })
        local said = program.run({ "-e", script }).stderr
        assert.matches(("error: %s %s: "):format(listing[1], listing[2]), said)
        assert.is_nil(said:gsub("\n", ""):find("[%c\127]"), said)
        assert.is_nil(said:find("\194\155", 1, true), said)
      end
    end)
  end

  it("with a header of its own length is refused, and the next call goes on", function()
    local long = { { "X-Long", ("v"):rep(150 * 1024) }, { "x-amzn-RequestId", ID } }
    under(LISTINGS[1], { { body = EC2_REPLY, headers = long } }, function(reply, err, shown)
      assert.is_nil(reply, shown)
      assert.equal("reply", err.kind)
      assert.equal("too_large", err.code)
    end)
    under(LISTINGS[1], { { body = EC2_REPLY } }, function(reply, err)
      assert.equal("i-0a", reply and reply.Reservations[1].Instances[1].InstanceId, tostring(err))
    end)
  end)

  it("that is silent, half open or slow ends a call by its time limit", function()
    local caller = aws.client("iam", {
      region = "us-east-1",
      endpoint_url = peer.url,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
    peer:script("*", { { silent = true }, { cut_head = 20, hang = true } })
    for _ = 1, 2 do
      local _, err = aws.try(caller.call, "ListUsers", {}, { attempts = 1, timeout = 0.2 })
      assert.equal("timeout", err.kind)
      assert.equal("timeout_first_byte", err.code)
      assert.equal("ListUsers", err.operation)
    end
  end)

  it("may be as large as client and call say", function()
    peer:script("*", { { body = "<a/>", repeat_body = 100, times = -1 } })
    local options = { region = "us-east-1", endpoint_url = peer.url, credentials = network.KEYS }
    options.attempts, options.max_body = 1, 399
    local iam = aws.client("iam", options)
    local _, err = errors.try(iam.list_users, {})
    assert.equal("too_large", err.code)
    assert.matches("max_body", err.hint, 1, true)
    _, err = errors.try(iam.list_users, {}, { max_body = 400 })
    assert.equal("foreign_reply", err.code)
  end)

  it("takes no more memory than a body may have, whatever it sends", function()
    if program.is_sanitized() then
      return -- its memory is not ours
    end
    local script = ([[
      local iam = require("aws").client("iam", { region = "us-east-1", endpoint_url = %q,
        credentials = { access_key_id = "A", secret_access_key = "s" } })
      for _ = 1, 3 do
        local _, err = require("aws").try(iam.call, "ListUsers", {}, { attempts = 1 })
        io.write(err.kind, " ")
      end
      io.write(require("awsbak.core.sys").peak_rss())
    ]]):format(peer.url)
    peer:script("*", {
      { status = 500, body = ("x"):rep(1000), repeat_body = 200000 },
      { body = "<a>", repeat_body = 33000000, chunked = 1 << 20 },
      { body = "<a/>", repeat_body = 8000000 },
    })
    local result = program.run({ "-e", script })
    local kinds, peak = result.stdout:match("^([%a ]+) (%d+)$")
    assert.equal("reply reply reply", kinds, result.stderr)
    assert.is_true(tonumber(peak) < 120 * 1024 * 1024, "peak: " .. peak)
  end)
end)

