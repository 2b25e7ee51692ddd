--- What a bad network, a strange server and missing settings do to the main job: one sentence, the
--- right exit code, and no file that could be taken for a backup.

local operator = require("spec.support.operator")
local server = require("spec.support.server")

describe("awsbak ssm backup on a bad day", function()
  local op, fake

  setup(function()
    op, fake = operator.beside_ssm(120)
  end)

  teardown(function()
    op:close()
  end)

  before_each(function()
    fake:clear()
  end)

  after_each(function()
    os.remove(op:path("x.age"))
  end)

  local function backup(options)
    return op:run({ "ssm", "backup", "--to", op:path("x.age") }, options)
  end

  -- One sentence of awsbak's on standard error, and no file.
  local function refused(result, status, sentence)
    assert.equal(status, result.status, result.stderr)
    assert.matches(sentence, result.stderr)
    assert.matches("^awsbak: [^\n]+\n$", result.stderr)
    assert.not_matches("traceback", result.stderr)
    assert.not_matches("spec%-secret", result.stderr)
    assert.is_nil(op.home:read("x.age"))
  end

  local function complete(result)
    assert.equal(0, result.status, result.stderr)
    assert.equal(120, select(2, op.rows(op:must({ "verify", op:path("x.age") }))).ok)
  end

  -- How often each is asked for 120 parameters when nothing goes wrong.
  local asked = { DescribeParameters = 3, GetParameters = 12, ListTagsForResource = 120 }

  for operation, times in pairs(asked) do
    it("reads again what was cut short: " .. operation, function()
      -- First attempts only: no call fails as often as it is tried.
      fake:script(operation, {
        { cut = 40, attempt = 1 },
        { cut_head = 20, attempt = 1 },
        { reset = true, attempt = 1 },
      })
      complete(backup())
      assert.equal(times + 3, fake:counts()[operation])
    end)

    it("never takes a cut reply for an empty one: " .. operation, function()
      fake:script(operation, { { pass = true }, { cut = 40, times = -1 } })
      refused(backup(), 1, "closed the connection after 40 of")
    end)
  end

  it("refuses a list whose page token comes twice", function()
    fake:script("DescribeParameters", { { merge = { NextToken = "page-50" }, times = -1 } })
    refused(backup(), 1, "token")
  end)

  for operation, sentence in pairs({
    DescribeParameters = "has no Parameters",
    GetParameters = "says nothing of /load/",
    ListTagsForResource = "has no TagList",
    GetParameterHistory = "has no Parameters",
  }) do
    it("never takes `{}` for an empty answer: " .. operation, function()
      local json = { ["Content-Type"] = "application/x-amz-json-1.1" }
      local empty = { status = 200, body = "{}", headers = json, times = -1 }
      fake:script(operation, { { pass = true }, empty })
      refused(backup(), 1, sentence)
    end)
  end

  it("refuses a portal's page that comes with status 200", function()
    local html = "<!DOCTYPE html><html><body>Please log in</body></html>"
    fake:script("*", {
      { status = 200, body = html, headers = { ["Content-Type"] = "text/html" }, times = -1 },
    })
    refused(backup(), 1, "html")
  end)

  it("goes on through a storm of 429s and 503s", function()
    -- No call fails more often than it is tried, whatever order the requests come in.
    local storm = {}
    for i = 1, 12 do
      storm[#storm + 1] = { pass = true, attempt = 1, times = 3 }
      storm[#storm + 1] = { status = i % 2 == 0 and 429 or 503, body = "", attempt = 1 }
    end
    fake:script("ListTagsForResource", storm)
    complete(backup())
    assert.equal(asked.ListTagsForResource + 12, fake:counts().ListTagsForResource)
  end)

  it("ends when the storm does not", function()
    fake:script("*", { { status = 503, body = "", times = -1 } })
    refused(backup(), 1, "503")
  end)

  it("says that a token has expired", function()
    fake:script("*", {
      {
        status = 400,
        body = '{"__type":"ExpiredTokenException","message":"The token is expired"}',
        times = -1,
      },
    })
    refused(backup(), 1, "expired")
  end)

  it("asks for credentials when there are none", function()
    local env = {
      AWS_ACCESS_KEY_ID = false,
      AWS_SECRET_ACCESS_KEY = false,
      AWS_EC2_METADATA_DISABLED = "true",
    }
    refused(backup({ env = env }), 1, "credentials")
  end)

  it("asks for a region when there is none", function()
    refused(backup({ env = { AWS_REGION = false } }), 2, "region")
  end)

  it("names an endpoint that nobody listens at", function()
    refused(backup({ env = { AWS_ENDPOINT_URL = "http://127.0.0.1:1" } }), 1, "127.0.0.1:1")
  end)

  it("trusts no certificate it cannot prove", function()
    local tls <close> = server.start({ tls = true })
    refused(backup({ env = { AWS_ENDPOINT_URL = tls.tls_url } }), 1, "certificate")
  end)

  it("names a wrong option and the one that was meant", function()
    local result = op:run({ "ssm", "backup", "--pathh", "/x" })
    refused(result, 2, "%-%-path")
  end)
end)
