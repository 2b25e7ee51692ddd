local log = require("awsbak.log")
local outside = require("awsbak.outside")

describe("log", function()
  local level

  before_each(function()
    level, log.lines = log.level, {}
  end)

  after_each(function()
    log.level, log.lines = level, nil
  end)

  it("writes the level before the message", function()
    log.level = "debug"
    log.error("no %s", "luck")
    log.warn("careful")
    log.info("%d of %d", 1, 2)
    log.debug("details")
    assert.same({
      "awsbak: error: no luck",
      "awsbak: warning: careful",
      "awsbak: info: 1 of 2",
      "awsbak: debug: details",
    }, log.lines)
  end)

  it("is silent below its level", function()
    log.level = "error"
    log.warn("careful")
    assert.same({}, log.lines)
    assert.is_false(log.enabled("warning"))
  end)

  it("takes its level from AWSBAK_LOG, and warnings when that is no level", function()
    for value, info in pairs({ info = true, nonsense = false }) do
      log.level = nil
      outside.with({
        getenv = function(name)
          return name == "AWSBAK_LOG" and value or nil
        end,
      }, function()
        assert.equal(info, log.enabled("info"))
        assert.is_true(log.enabled("warning"))
      end)
    end
  end)

  it("escapes control characters", function()
    log.level = "warning"
    log.warn("name %s", "\27[2Jx\nawsbak: error: forged")
    assert.same({ "awsbak: warning: name \\x1b[2Jx\\nawsbak: error: forged" }, log.lines)
  end)

  it("does not treat a lone message as a format", function()
    log.level = "warning"
    log.warn("100%s")
    assert.same({ "awsbak: warning: 100%s" }, log.lines)
  end)

  it("warns once of the same thing", function()
    log.level = "warning"
    for _, name in ipairs({ "a", "b", "a" }) do
      log.warn_once("once: %s", name)
    end
    assert.same({ "awsbak: warning: once: a", "awsbak: warning: once: b" }, log.lines)
  end)

  it("never shows a secret", function()
    log.level = "warning"
    log.warn("key %s", require("awsbak.core.secret").new("hunter2"))
    assert.same({ "awsbak: warning: key <secret>" }, log.lines)
  end)
end)
