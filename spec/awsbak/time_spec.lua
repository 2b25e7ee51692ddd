local time = require("awsbak.time")

describe("time", function()
  it("writes RFC 3339 in UTC", function()
    assert.equal("1970-01-01T00:00:00Z", time.rfc3339(0))
    assert.equal("2026-11-21T03:51:07Z", time.rfc3339(1795233067.9))
    assert.equal("2026-11-21T03:51:07.250Z", time.rfc3339(1795233067.25, 3))
  end)

  it("reads what it writes, and offsets", function()
    assert.equal(1795233067, time.parse("2026-11-21T03:51:07Z"))
    assert.equal(1795233067, time.parse("2026-11-21T05:51:07+02:00"))
    assert.equal(1795233067.25, time.parse("2026-11-21 03:51:07.25Z"))
    assert.equal("integer", math.type(time.parse("2026-11-21T03:51:07Z")))
  end)

  it("reads any day of four centuries as the system's calendar has it (property)", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    for _ = 1, 200 do
      local epoch = math.random(-11676096000, 13569465600)
      local text = time.rfc3339(epoch)
      assert.equal(epoch, time.parse(text), "seed " .. seed .. ": " .. text)
    end
  end)

  it("is nil for what is no time", function()
    for _, text in ipairs({
      "",
      "2026-11-21",
      "2026-11-21T03:51:07",
      "2026-13-01T00:00:00Z",
      "2026-02-29T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:00:00.Z",
      "2026-01-01T00:00:00+24:00",
    }) do
      assert.is_nil(time.parse(text), text)
    end
  end)

  it("reads and writes HTTP dates of every day of a leap cycle", function()
    for day = 0, 4 * 366 do
      local epoch = 951782400 + day * 86400 -- from 2000-02-29
      local text = os.date("!%a, %d %b %Y %H:%M:%S GMT", epoch)
      assert.equal(epoch, time.parse_http(text))
      assert.equal(text, time.http(epoch))
      local classic = os.date("!%a %b %e %H:%M:%S %Y", epoch) -- of asctime
      assert.equal(epoch, time.parse_http(classic))
    end
  end)

  it("is nil for what is no HTTP date", function()
    for _, text in ipairs({
      "",
      "Sun, 06 Nov 1994 99:99:99 GMT",
      "Sun, 32 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 CET",
      "Sun, 06 Nox 1994 08:49:37 GMT",
      "Sun Nov  6 08:49:37",
      "Sun Nov 32 08:49:37 1994",
      "Sun Nox  6 08:49:37 1994",
    }) do
      assert.is_nil(time.parse_http(text), text)
    end
  end)

  it("reads a date, a time, or how long ago", function()
    local now = 1800000000
    for text, epoch in pairs({
      ["2026-11-21T03:51:00Z"] = 1795233060,
      ["2026-11-21"] = 1795219200,
      ["90m"] = now - 5400,
      ["1d12h"] = now - 129600,
    }) do
      assert.equal(epoch, time.point(text, now), text)
    end
    for _, text in ipairs({ "", "90", "1.5", "soon", "2026-13-01", "2026-11-21T03", "99999w" }) do
      assert.is_nil(time.point(text, now), text)
    end
  end)
end)
