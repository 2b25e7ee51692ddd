local units = require("awsbak.units")

describe("units.size", function()
  for text, bytes in pairs({
    ["0"] = 0,
    ["512"] = 512,
    ["1K"] = 1024,
    ["1kB"] = 1000,
    ["8MiB"] = 8 * 1024 ^ 2,
    ["1.5 GB"] = 1500000000,
    ["2t"] = 2 * 1024 ^ 4,
  }) do
    it("reads " .. text, function()
      assert.equal(math.tointeger(bytes), units.size(text))
    end)
  end

  it("is nil for what is no size", function()
    for _, text in ipairs({ "", "x", "1X", "-1", "1e3", "K", "9999999999T" }) do
      assert.is_nil(units.size(text))
    end
  end)
end)

describe("units.duration", function()
  for text, seconds in pairs({
    ["90"] = 90,
    ["1.5"] = 1.5,
    ["500ms"] = 0.5,
    ["5m"] = 300,
    ["1h30m"] = 5400,
    ["2d"] = 172800,
    ["1w"] = 604800,
  }) do
    it("reads " .. text, function()
      assert.equal(seconds, units.duration(text))
    end)
  end

  it("is nil for what is no duration", function()
    for _, text in ipairs({ "", "x", "5x", "-5s", "1h30", "m" }) do
      assert.is_nil(units.duration(text))
    end
  end)
end)

describe("units", function()
  it("shows sizes for people", function()
    assert.same({ "0 B", "1023 B", "1.0 KiB", "1.5 MiB", "2048.0 TiB" }, {
      units.show_size(0),
      units.show_size(1023),
      units.show_size(1024),
      units.show_size(1.5 * 1024 ^ 2),
      units.show_size(2 ^ 51),
    })
  end)

  it("shows counts for people", function()
    assert.equal("0 files", units.show_count(0, "file"))
    assert.equal("1 file", units.show_count(1, "file"))
    assert.equal("1203 files", units.show_count(1203, "file"))
  end)

  it("shows durations for people", function()
    assert.same({ "850 ms", "4.2 s", "3 m 05 s", "2 h 10 m", "1 d 00 h", "412 d 23 h" }, {
      units.show_duration(0.85),
      units.show_duration(4.2),
      units.show_duration(185),
      units.show_duration(7800),
      units.show_duration(86399.5),
      units.show_duration(413 * 86400 - 1),
    })
  end)
end)
