-- awsbak s3 ... against a server that answers as S3 does on its worse days.

local operator = require("spec.support.operator")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")

local XML = '<?xml version="1.0"?>'

describe("awsbak s3 where something fails", function()
  local op, fake

  setup(function()
    fake = server.start()
    op = operator.new(fake.url)
  end)

  teardown(function()
    op:close()
    fake:close()
  end)

  before_each(function()
    fake:clear()
  end)

  local function run(...)
    return op:run({ "s3", ... })
  end

  local function answer(root, inner, more)
    local reply = { status = 200, body = ("%s<%s>%s</%s>"):format(XML, root, inner, root) }
    for name, value in pairs(more or {}) do
      reply[name] = value
    end
    return reply
  end

  local OBJECT = "<Contents><Key>%s</Key><Size>3</Size>"
    .. "<LastModified>2026-01-01T00:00:00Z</LastModified></Contents>"
  local MORE = "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>"

  --- A page of a listing of objects.
  local function page(keys, token)
    local rows = {}
    for i, key in ipairs(keys) do
      rows[i] = OBJECT:format(key)
    end
    local more = token and MORE:format(token) or "<IsTruncated>false</IsTruncated>"
    return answer("ListBucketResult", table.concat(rows) .. more)
  end

  local function deleted(key)
    return ("<Deleted><Key>%s</Key></Deleted>"):format(key)
  end

  local function refused(key, code)
    return ("<Error><Key>%s</Key><Code>%s</Code><Message>no</Message></Error>"):format(key, code)
  end

  it("rm tells each key that stays, and ends with 3", function()
    fake:script("GET /vault", { page({ "a", "b", "c" }) })
    fake:script("POST /vault", {
      answer("DeleteResult", deleted("a") .. refused("b", "AccessDenied") .. deleted("c")),
    })
    local result = run("rm", "s3://vault", "--recursive", "--yes")
    assert.equal(3, result.status)
    local rows, summary = op.rows(result)
    assert.same({ "deleted", "failed", "deleted" }, {
      rows[1].result,
      rows[2].result,
      rows[3].result,
    })
    assert.equal("AccessDenied: no", rows[2].detail)
    assert.same({ 2, 1 }, { summary.ok, summary.failed })
  end)

  it("rm tries again what S3 was too busy for", function()
    fake:script("GET /vault", { page({ "a", "b" }) })
    fake:script("POST /vault", {
      answer("DeleteResult", deleted("a") .. refused("b", "SlowDown")),
      answer("DeleteResult", deleted("b")),
    })
    assert.equal(0, run("rm", "s3://vault", "--recursive", "--yes").status)
    local posts = {}
    for _, request in ipairs(fake:requests()) do
      posts[#posts + 1] = request.method == "POST" and request.body or nil
    end
    assert.equal(2, #posts)
    assert.is_nil(posts[2]:find("<Key>a</Key>", 1, true))
    assert.matches("<Key>b</Key>", posts[2], 1, true)
  end)

  it("rm counts nothing as deleted when the reply is cut", function()
    fake:script("GET /vault", { page({ "a" }) })
    fake:script("POST /vault", { answer("DeleteResult", deleted("a"), { cut = 30, times = -1 }) })
    local result = run("rm", "s3://vault", "--recursive", "--yes", "--max-attempts", "1")
    assert.equal(1, result.status)
    assert.equal(0, #op.rows(result))
  end)

  it("ls ends with an error when a page is missing", function()
    fake:script("GET /vault", {
      page({ "a" }, "t1"),
      { status = 403, body = XML .. "<Error><Code>AccessDenied</Code></Error>" },
    })
    local result = run("ls", "s3://vault")
    assert.equal(1, result.status)
    assert.equal(1, #op.rows(result))
    assert.matches("AccessDenied", result.stderr, 1, true)
  end)

  it("ls ends with an error when pages go round", function()
    fake:script("GET /vault", { page({ "a" }, "t1"), page({ "b" }, "t2"), page({ "a" }, "t1") })
    local result = run("ls", "s3://vault")
    assert.equal(1, result.status)
    assert.matches("token", result.stderr, 1, true)
  end)

  it("shows keys so that they cannot act on a terminal", function()
    local reply = page({ "a%1B[2J%0Ab" })
    reply.body = reply.body:gsub("</ListBucketResult>", "<EncodingType>url</EncodingType>%0")
    fake:script("GET /vault", { reply })
    local shown = op:must({ "s3", "ls", "s3://vault", "--output", "table" }).stdout
    assert.matches("a\\x1b[2J\\nb", shown, 1, true)
    assert.is_nil(shown:find("\27", 1, true))
  end)

  it("uploads tells each that could not be aborted, and ends with 3", function()
    local function upload(key)
      local form = "<Upload><Key>%s</Key><UploadId>id-%s</UploadId>"
        .. "<Initiated>2026-01-01T00:00:00Z</Initiated></Upload>"
      return form:format(key, key)
    end
    fake:script("GET /vault", {
      answer("ListMultipartUploadsResult", upload("a") .. upload("b") .. upload("c")),
    })
    fake:script("DELETE /vault/a", { { status = 204, body = "" } })
    fake:script("DELETE /vault/b", {
      { status = 403, body = XML .. "<Error><Code>AccessDenied</Code></Error>" },
    })
    fake:script("DELETE /vault/c", {
      { status = 404, body = XML .. "<Error><Code>NoSuchUpload</Code></Error>" },
    })
    local result = run("uploads", "s3://vault", "--abort", "--yes")
    assert.equal(3, result.status)
    local rows, summary = op.rows(result)
    assert.same({ "aborted", "failed", "gone" }, {
      rows[1].result,
      rows[2].result,
      rows[3].result,
    })
    assert.same({ 2, 1 }, { summary.ok, summary.failed })
  end)

  it("rb --force leaves a bucket in which something stays", function()
    local versions = "<Version><Key>a</Key><VersionId>v</VersionId><Size>1</Size>"
      .. "<LastModified>2026-01-01T00:00:00Z</LastModified><IsLatest>true</IsLatest></Version>"
    fake:script(
      "GET /vault",
      { answer("ListVersionsResult", versions), answer("ListMultipartUploadsResult", "") }
    )
    fake:script("POST /vault", {
      answer(
        "DeleteResult",
        "<Error><Key>a</Key><VersionId>v</VersionId><Code>AccessDenied</Code></Error>"
      ),
    })
    local result = run("rb", "s3://vault", "--force", "--yes")
    assert.equal(3, result.status)
    assert.is_nil(fake:counts()["DELETE /vault"])
  end)

  it("cat is refused to an event, whose answer is no stream", function()
    local result = op:run({ "invoke", "s3/cat", "-" }, { stdin = '{"url": ["s3://vault/k"]}' })
    assert.equal(2, result.status)
    assert.matches("an event has none", result.stdout .. result.stderr, 1, true)
    assert.same({}, fake:counts())
  end)

  it("cat goes on where a connection broke, and says when it cannot", function()
    fake:script("GET /vault/k", {
      { status = 200, body = "0123456789", headers = { ETag = '"e"' }, cut = 4 },
      {
        status = 206,
        body = "456789",
        headers = { ETag = '"e"', ["Content-Range"] = "bytes 4-9/10" },
      },
    })
    assert.equal("0123456789", op:must({ "s3", "cat", "s3://vault/k" }).stdout)
    fake:script("GET /vault/k", {
      { status = 200, body = "0123456789", headers = { ETag = '"e"' }, cut = 4 },
      { status = 412, body = XML .. "<Error><Code>PreconditionFailed</Code></Error>" },
    })
    local result = run("cat", "s3://vault/k")
    assert.equal(1, result.status)
    assert.equal("0123", result.stdout)
    assert.matches("s3://vault/k was replaced while it was read", result.stderr, 1, true)
  end)

  it("cat and cp end by one signal while nobody reads what they write", function()
    local body = ("x"):rep(4 * 1024 * 1024) -- more than a pipe holds
    fake:script("GET /vault/k", { { status = 200, body = body, times = -1 } })
    fake:script("HEAD /vault/k", { { status = 200, body = body, times = -1 } })
    local dir <close> = scratch.new()
    local fifo = dir:path("fifo")
    local script = dir:write(
      "run.sh",
      [[
        fifo=$1; shift
        "$@" >$fifo & pid=$!
        exec 3<$fifo
        head -c 65536 <&3 >/dev/null
        kill -TERM $pid
        wait $pid
      ]]
    )
    for _, words in ipairs({ { "cat", "s3://vault/k" }, { "cp", "s3://vault/k", "-" } }) do
      assert(os.execute("rm -f " .. fifo .. "; mkfifo " .. fifo))
      local prefix = { "timeout", "-s", "KILL", "20", "sh", script, fifo }
      local result = op:run({ "s3", table.unpack(words) }, { prefix = prefix })
      assert.equal(143, result.status, result.stderr)
    end
  end)
end)
