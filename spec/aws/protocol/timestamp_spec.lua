local errors = require("awsbak.errors")
local timestamp = require("aws.protocol.timestamp")

describe("timestamp.parse", function()
  it("reads every format that AWS uses", function()
    for text, time in pairs({
      ["2023-11-14T22:13:20Z"] = 1700000000,
      ["2023-11-14t22:13:20z"] = 1700000000,
      ["2023-11-14T22:13:20.5Z"] = 1700000000.5,
      ["2023-11-14T22:13:20.000Z"] = 1700000000,
      ["2023-11-14T23:13:20+01:00"] = 1700000000,
      ["2023-11-14T18:43:20-0330"] = 1700000000,
      ["2023-11-14 22:13:20"] = 1700000000,
      ["2023-11-14"] = 1699920000,
      ["Tue, 14 Nov 2023 22:13:20 GMT"] = 1700000000,
      ["Tue, 14 Nov 2023 22:13:20.25 GMT"] = 1700000000.25,
      ["Tue, 14 Nov 2023 23:13:20 +0100"] = 1700000000,
      ["1700000000"] = 1700000000,
      ["1.7e9"] = 1700000000,
      ["-1.5"] = -1.5,
      ["1969-12-31T23:59:59Z"] = -1,
      ["2000-02-29T00:00:00Z"] = 951782400,
      ["2016-12-31T23:59:60Z"] = 1483228800,
    }) do
      assert.equal(time, timestamp.parse(text), text)
    end
    assert.equal("integer", math.type(timestamp.parse(1.7e9)))
    assert.equal(1.5, timestamp.parse(1.5))
  end)

  it("knows what is no time", function()
    for _, value in ipairs({
      "",
      "now",
      "2023-13-01T00:00:00Z",
      "2023-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2023-11-14T24:00:00Z",
      "2023-11-14T22:60:00Z",
      "2023-11-14T22:13:61Z",
      "2023-11-14T22:13:20.Z",
      "2023-11-14T22:13:20+1",
      "1e999",
      "Tue, 32 Nov 2023 22:13:20 GMT",
      "Tue, 14 Foo 2023 22:13:20 GMT",
      "2023-00-10",
      "nan",
      "0x10",
      "1700000000 x",
      math.huge,
      0 / 0,
      1e18,
      true,
      {},
    }) do
      assert.is_nil(timestamp.parse(value), tostring(value))
    end
  end)
end)

describe("times as text", function()
  it("have microseconds only when there is a fraction", function()
    assert.equal("2023-11-14T22:13:20Z", timestamp.iso8601(1700000000))
    assert.equal("2023-11-14T22:13:20.500000Z", timestamp.iso8601(1700000000.5))
    assert.equal("2023-11-14T22:13:21Z", timestamp.iso8601(1700000000.9999998))
    assert.equal("1970-01-01T00:00:01Z", timestamp.iso8601(0.9999999))
    assert.equal("Tue, 14 Nov 2023 22:13:20 GMT", timestamp.rfc822(1700000000.9))
    assert.equal("integer", math.type(timestamp.unixtimestamp(1.7e9)))
    assert.equal(1700000000.125, timestamp.unixtimestamp(1700000000.125))
  end)

  it("take what a script gives, or say what is wrong", function()
    assert.equal("2023-11-14T22:13:20Z", timestamp.format("2023-11-14T23:13:20+01:00", "iso8601"))
    assert.equal(1700000000, timestamp.format("2023-11-14T22:13:20Z", "unixTimestamp"))
    local _, err = errors.try(timestamp.format, "yesterday", "rfc822")
    assert.equal("usage", err.kind)
    assert.equal('"yesterday" is not a time', err.message)
  end)

  it("read back as the same time", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for _ = 1, 5000 do
      local time = math.random(-62167219200, 253402300799)
      assert.equal(time, timestamp.parse(timestamp.iso8601(time)), "seed " .. seed)
      assert.equal(time, timestamp.parse(timestamp.rfc822(time)), "seed " .. seed)
      local fraction = time + math.random(0, 7) / 8
      assert.equal(fraction, timestamp.parse(timestamp.iso8601(fraction)), "seed " .. seed)
    end
  end)
end)
