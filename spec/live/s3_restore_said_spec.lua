-- awsbak s3 restore where it was: what is said of an object beside its bytes.

local faulty_s3 = require("spec.support.faulty_s3")
local s3_server = require("spec.support.s3_server")
local time = require("awsbak.time")

-- Of each key how it was put then, and how later; its bytes are the same.
local HISTORY <const> = {
  ["x/headers"] = { { ContentType = "text/html", CacheControl = "max-age=60" }, {} },
  ["x/language"] = { { ContentLanguage = "de" }, { ContentLanguage = "fr" } },
  ["x/mark"] = {
    { Metadata = { ["awsbak-upload"] = "1", a = "1" } },
    { Metadata = { a = "1", ["awsbak-upload"] = "2" } },
  },
  ["x/metadata"] = { { Metadata = { a = "1" } }, { Metadata = { a = "1", b = "2" } } },
  ["x/redirect"] = { { WebsiteRedirectLocation = "/a", Body = "" }, { Body = "" } },
  ["x/same"] = {
    { ContentType = "text/plain", Metadata = { a = "1" }, Tagging = "t=1&u=2" },
    { ContentType = "text/plain", Metadata = { a = "1" }, Tagging = "u=2&t=1" },
  },
  ["x/tag"] = { { Tagging = "t=1" }, { Tagging = "t=2" } },
  ["x/tags"] = { { Tagging = "t=1" }, {} },
}

local OTHER <const> =
  { "headers", "language", "metadata", "redirect", "sealed", "tag", "tags", "was" }

describe("awsbak s3 restore of what is said of objects", function()
  local place, op, s3, proxy, at

  local function put(bucket, key, said)
    local input = { Bucket = bucket, Key = key, Body = "bytes" }
    for name, value in pairs(said) do
      input[name] = value
    end
    s3.put_object(input)
  end

  local function tick()
    put("clock", "tick", {})
    return s3.head_object({ Bucket = "clock", Key = "tick" }).LastModified
  end

  setup(function()
    place = faulty_s3.open("clock", "vault", "kept", "denied")
    proxy, s3, op = place.proxy, place.s3, place.op
    local buckets = { "vault", "kept", "denied" }
    for _, bucket in ipairs(buckets) do
      s3.put_bucket_versioning({
        Bucket = bucket,
        VersioningConfiguration = { Status = "Enabled" },
      })
      for key, said in pairs(HISTORY) do
        put(bucket, key, said[1])
      end
      put(bucket, "x/was", { Body = "", WebsiteRedirectLocation = "/b" })
    end
    local sealed = { ServerSideEncryption = "aws:kms", Metadata = { a = "1" } }
    put("vault", "x/sealed", sealed)
    local began = tick()
    local now
    repeat
      now = tick()
    until now > began
    at = time.rfc3339(began)
    for _, bucket in ipairs(buckets) do
      for key, said in pairs(HISTORY) do
        put(bucket, key, said[2])
      end
      s3.delete_object({ Bucket = bucket, Key = "x/was" })
    end
    put("vault", "x/sealed", { ServerSideEncryption = "aws:kms" })
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    place:clear()
  end)

  --- A spec that needs to know when each version came.
  local function timed(what, f)
    it(what, function()
      s3_server.skip_versitygw(pending, "dates a version by when the next one came")
      f()
    end)
  end

  local function run_to(status, ...)
    local result = op:run({ "s3", "restore", ... })
    assert.equal(status, result.status, result.stderr .. result.stdout)
    local rows, summary = op.rows(result)
    local keys, reasons = {}, {}
    for i, row in ipairs(rows) do
      keys[i], reasons[row.key] = row.key, row.reason
    end
    return summary, keys, reasons, result
  end

  local function head(key)
    return s3.head_object({ Bucket = "vault", Key = key })
  end

  timed("brings back headers, metadata, tags and redirects, and nothing a second time", function()
    local words = { "s3://vault/x", "--at", at }
    local _, _, _, asked = run_to(20, table.unpack(words))
    assert.matches("Bring back 8 objects (30 B) and delete 0 in", asked.stderr, 1, true)
    local plan, planned, why = run_to(0, "--dry-run", table.unpack(words))
    assert.same({ 8, 2, OTHER }, { plan.to_copy, plan.same, planned })
    assert.same({ "metadata", "metadata", "deleted" }, { why.tag, why.headers, why.was })
    local done, keys = run_to(0, "--yes", table.unpack(words))
    assert.same({ 8, 2, OTHER }, { done.copied, done.same, keys })
    local headers = head("x/headers")
    assert.same({ "text/html", "max-age=60" }, { headers.ContentType, headers.CacheControl })
    assert.equal("de", head("x/language").ContentLanguage)
    assert.same({ a = "1" }, head("x/metadata").Metadata)
    assert.same({ a = "1" }, head("x/sealed").Metadata)
    assert.equal("/a", head("x/redirect").WebsiteRedirectLocation)
    assert.equal("/b", head("x/was").WebsiteRedirectLocation)
    for _, key in ipairs({ "x/tag", "x/tags" }) do
      local tags = s3.get_object_tagging({ Bucket = "vault", Key = key }).TagSet
      assert.same({ { Key = "t", Value = "1" } }, tags, key)
    end
    local again = run_to(0, table.unpack(words)) -- there is nothing to ask
    assert.same({ 0, 10 }, { again.ok, again.same })
  end)

  timed("asks for two heads of what has another version with the same bytes alone", function()
    put("kept", "x/new", {})
    local asked = proxy:count("HEAD ")
    local plan = run_to(0, "s3://kept", "--at", at, "--dry-run", "--include", "x/[mn]*")
    assert.same({ 1, 1, 1 }, { plan.to_copy, plan.to_delete, plan.same })
    assert.equal(4, proxy:count("HEAD ") - asked)
    asked = proxy:count("HEAD ")
    run_to(0, "s3://kept", "--at", "0s", "--dry-run")
    assert.equal(0, proxy:count("HEAD ") - asked)
  end)

  timed("does not compare what options say of the copies", function()
    local words = { "s3://kept/x", "--at", at, "--yes", "--include", "[hlt]*", "--tag", "v=3" }
    table.move({ "--content-type", "a/b", "--metadata", "m=n" }, 1, 4, #words + 1, words)
    assert.same({ "headers", "language" }, select(2, run_to(0, table.unpack(words))))
    local found = s3.head_object({ Bucket = "kept", Key = "x/headers" })
    assert.same({ "a/b", "max-age=60" }, { found.ContentType, found.CacheControl })
    assert.same({}, select(2, run_to(0, table.unpack(words))))
  end)

  timed("says a redirect anew, which S3 does not copy by itself", function()
    local header = "x-amz-website-redirect-location"
    local refused = { status = 403, body = "<Error><Code>AccessDenied</Code></Error>" }
    proxy:rule({ method = "PUT", header = header, answer = refused, times = 100 })
    local words = { "s3://denied/x", "--at", at, "--include", "[rlw]*", "--yes" }
    local summary, keys = run_to(3, table.unpack(words))
    assert.same({ 1, 2 }, { summary.copied, summary.failed })
    assert.same({ "language", "redirect", "was" }, keys)
    proxy:clear()
    put("clock", "redirect", { WebsiteRedirectLocation = "/c" })
    proxy:rule({ method = "PUT", header = header, answer = refused })
    local copy = op:run({ "s3", "cp", "s3://clock/redirect", "s3://clock/copy" })
    assert.matches("AccessDenied", copy.stderr, 1, true)
  end)

  timed("tells once what it may not compare, and leaves it", function()
    proxy:rule({ method = "HEAD", answer = { status = 403, body = "" }, times = 100 })
    local words = { "s3://denied/x", "--at", at, "--exclude", "was" }
    local summary, _, _, result = run_to(0, table.unpack(words))
    assert.same({ 0, 8 }, { summary.ok, summary.same })
    local _, told = result.stderr:gsub("metadata cannot be compared for lack of a right", "")
    assert.equal(1, told)
    place:clear()
    local refused = { status = 403, body = "<Error><Code>AccessDenied</Code></Error>" }
    proxy:rule({ method = "GET", holds = { "tagging" }, answer = refused, times = 100 })
    words = { "s3://denied/x", "--at", at, "--include", "m*", "--yes" }
    summary, _, _, result = run_to(0, table.unpack(words))
    assert.same({ 1, 1 }, { summary.copied, summary.same })
    assert.matches("tags cannot be compared for lack of a right", result.stderr, 1, true)
    assert.equal(1, proxy:count("tagging"))
  end)

  timed("is a row where one cannot be looked into for another reason", function()
    for key, status in pairs({ ["x/tag?"] = 404, ["x/was"] = 403 }) do
      local answer = { status = status, body = "" }
      proxy:rule({ method = "HEAD", holds = { key }, answer = answer, times = 100 })
    end
    local words = { "s3://denied/x", "--at", at, "--exclude", "[ml]*", "--yes" }
    local summary, keys, reasons = run_to(3, table.unpack(words))
    assert.same({ 3, 2, 1 }, { summary.copied, summary.failed, summary.same })
    assert.same({ "problem", "problem" }, { reasons.tag, reasons.was })
    assert.equal(5, #keys)
  end)
end)
