--- Every example runs, and is short enough to be read at a glance.

local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local moto = require("spec.support.moto")
local operator = require("spec.support.operator")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local server = require("spec.support.server")
local stream = require("awsbak.stream")

local LINES_MAX = 36

-- How each example is run, and what it then says.
local runs = {}

runs["tour.lua"] = function()
  local home <close> = scratch.new()
  for _ = 1, 2 do -- the second time there are keys
    local result = program.run({ "--sandbox", "examples/tour.lua" }, { home = home:path() })
    assert.equal(0, result.status, result.stderr)
    assert.matches("All 3 parameters are as they were, with tags and labels", result.stdout)
  end
end

runs["dict.lua"] = function()
  local op <close> = operator.new(moto.fresh())
  local said = op:must({ "examples/dict.lua" }).stdout
  assert.matches("^3 parameters\n", said)
  assert.matches("/app/limit\t20\n", said)
  assert.matches("1 cleared, 1 left\n$", said)
end

runs["stale.lua"] = function()
  local fake <close> = server.start({ ssm = 60 })
  local op <close> = operator.new(fake.url)
  assert.equal(60, #op.rows(op:must({ "examples/stale.lua", "--older-than", "7d" })))
end

runs["copy.lua"] = function()
  local op <close> = operator.new(moto.fresh())
  op:must({ "examples/dict.lua" })
  local words = { "examples/copy.lua", "--path", "/app", "--to-region", "eu-west-1" }
  local _, summary = op.rows(op:must(words))
  assert.equal(1, summary.ok)
  _, summary = op.rows(op:must(words))
  assert.equal(1, summary.skipped)
  local there = op.rows(op:must({ "ssm", "ls", "--region", "eu-west-1", "--values" }))
  assert.equal("20", there[1].value)
end

runs["recompress.lua"] = function()
  local endpoint = moto.fresh()
  local op <close> = operator.new(endpoint)
  local s3 = aws.client("s3", {
    region = "us-east-1",
    endpoint_url = endpoint,
    credentials = { access_key_id = "AKID", secret_access_key = "secret" },
  })
  local text = ("a line of a log\n"):rep(50000)
  s3.create_bucket({ Bucket = "logs" })
  s3.put_object({ Bucket = "logs", Key = "x.gz", Body = codec.gzip(text) })
  local to = op:path("x.zst")
  local said = op:must({ "examples/recompress.lua", "--from", "s3://logs/x.gz", "--to", to }).stdout
  assert.matches("^" .. codec.hex(digest.digest("sha256", text)) .. "\n", said)
  assert.equal(text, stream.pipe(stream.file(to), stream.unzstd(), stream.text()).text)
end

describe("the examples", function()
  local names = {}
  for name in io.popen("ls examples"):lines() do
    names[#names + 1] = name
  end

  for _, name in ipairs(names) do
    it(name .. " runs", function()
      assert(runs[name], "no spec runs examples/" .. name)()
    end)

    it(name .. " is short", function()
      local count = 0
      for _ in io.lines("examples/" .. name) do
        count = count + 1
      end
      assert.is_true(count <= LINES_MAX, name .. " has " .. count .. " lines")
    end)
  end
end)
