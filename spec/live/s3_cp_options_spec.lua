-- Options of awsbak s3 cp that say how bytes are moved, whichever way they go.

local faulty_s3 = require("spec.support.faulty_s3")
local outside = require("awsbak.outside")
local scratch = require("spec.support.scratch")

local KIB <const> = 1024
local AHEAD <const> = 128 * KIB -- bytes that go before anything has to wait

describe("awsbak s3 cp", function()
  local place, s3, op, dir

  setup(function()
    place = faulty_s3.open("vault")
    s3, op = place.s3, place.op
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    place:clear("vault")
  end)

  after_each(function()
    dir:close()
  end)

  local function must(...)
    return select(2, op.rows(op:must({ "s3", "cp", ... })))
  end

  it("moves the bytes of a single request no faster than --limit-rate", function()
    local bytes = ("0123456789abcdef"):rep(64 * KIB) -- 1 MiB
    local path = dir:write("file", bytes)
    for from, to in pairs({ [path] = "s3://vault/up", ["s3://vault/down"] = dir:path("down") }) do
      s3.put_object({ Bucket = "vault", Key = "down", Body = bytes })
      local began = outside.monotonic()
      must(from, to, "--limit-rate", "2M")
      assert.is_true((outside.monotonic() - began) * 2048 * KIB >= #bytes - AHEAD, to)
    end
    assert.is_true(dir:read("down") == bytes)
  end)
end)
