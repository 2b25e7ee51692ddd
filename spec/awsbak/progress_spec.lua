local log = require("awsbak.log")
local outside = require("awsbak.outside")
local progress = require("awsbak.progress")
local settings = require("awsbak.settings")
local task = require("awsbak.task")

describe("progress", function()
  local now, written
  local saved = {
    is_terminal = progress.is_terminal,
    write = progress.write,
    columns = progress.columns,
    level = log.level,
  }

  local function run(terminal, count, seconds_each, f)
    progress.is_terminal = function()
      return terminal
    end
    local i = 0
    return outside.with({
      monotonic = function()
        return now
      end,
    }, function()
      for item in
        progress(function()
          i = i + 1
          now = now + seconds_each
          return i <= count and i or nil
        end, "things")
      do
        if f and f(item) then
          break
        end
      end
    end)
  end

  before_each(function()
    now, written, log.lines, log.level = 0, {}, {}, "warning"
    progress.write = function(text)
      written[#written + 1] = text
    end
    progress.columns = function()
      return 40
    end
  end)

  after_each(function()
    progress.is_terminal, progress.write = saved.is_terminal, saved.write
    progress.columns = saved.columns
    log.level, log.lines = saved.level, nil
  end)

  it("redraws one line on a terminal, and takes it away at the end", function()
    run(true, 3, 1)
    assert.same({
      "\r\27[K1 things, 1/s, 1.0 s",
      "\r\27[K2 things, 1/s, 2.0 s",
      "\r\27[K3 things, 1/s, 3.0 s",
      "\r\27[K",
    }, written)
  end)

  it("redraws at most ten times a second", function()
    run(true, 1000, 0.001)
    assert.is_true(#written <= 12)
  end)

  it("takes the line away when the loop is left early", function()
    run(true, 3, 1, function()
      return true
    end)
    assert.equal("\r\27[K", written[#written])
    assert.is_nil(log.before)
  end)

  it("tells that the service wants a slower pace, until more is done", function()
    run(true, 2, 1, function(item)
      if item == 1 then
        now = now + 1
        progress.slowed("ssm GetParameters")
      end
    end)
    assert.same({
      "\r\27[K1 things, 1/s, 1.0 s",
      "\r\27[K1 things, throttled, waiting, 2.0 s",
      "\r\27[K2 things, 1/s, 3.0 s",
      "\r\27[K",
    }, written)
    assert.same({}, log.lines)
  end)

  it("counts requests that are made again", function()
    run(true, 3, 1, function(item)
      if item < 3 then
        progress.retried()
      end
    end)
    assert.same({
      "\r\27[K1 things, 1/s, 1.0 s",
      "\r\27[K2 things, 1/s, 1 retry, 2.0 s",
      "\r\27[K3 things, 1/s, 2 retries, 3.0 s",
      "\r\27[K",
    }, written)
  end)

  it("tells of itself while nothing is done, until it is closed", function()
    progress.is_terminal = function()
      return true
    end
    task.run(function()
      local shown <close> = progress.start("things")
      shown:keep_telling()
      task.sleep(0.25)
    end)
    assert.is_true(#written >= 2)
    assert.matches("0 things, 1%d%d ms$", written[1])
    assert.equal("\r\27[K", written[#written])
  end)

  for _, form in ipairs({ "a terminal", "lines of JSON", "lines of the log" }) do
    it("tells nothing more once it is closed, as " .. form, function()
      progress.is_terminal = function()
        return form == "a terminal"
      end
      log.level = form == "lines of the log" and "info" or "warning"
      local function clock()
        now = now + 60
        return now
      end
      local function told()
        return #written + #log.lines
      end
      local function run_both()
        log.lines = {}
        local shown <close> = progress.start("things")
        shown:keep_telling()
        shown:add()
        local late = task.spawn(function()
          shown:add()
          progress.retried()
        end)
        shown:close()
        local before = told()
        assert.is_true(before > 0)
        task.await(late)
        log.error("a message") -- before which a line that is there would be taken away
        assert.equal(before + 1, told())
      end
      local as_json = { progress = form == "lines of JSON" and "json" or nil }
      settings.with(as_json, outside.with, { monotonic = clock }, task.run, run_both)
    end)
  end

  it("names what is slowed every ten seconds under -v", function()
    log.level = "info"
    outside.with({
      monotonic = function()
        return now
      end,
    }, function()
      for _ = 1, 12 do
        progress.slowed("kms Decrypt")
        now = now + 1
      end
    end)
    local line = "awsbak: info: kms Decrypt: throttled, waiting"
    assert.same({ line, line }, log.lines)
  end)

  it("cuts the line to the terminal's width, so that it can be taken away", function()
    progress.columns = function()
      return 12
    end
    run(true, 1, 1)
    assert.equal("\r\27[K1 things, …", written[1])
  end)

  it("takes the line away before a message", function()
    run(true, 1, 1, function()
      log.before()
      assert.equal("\r\27[K", written[#written])
    end)
  end)

  it("is silent elsewhere, but for a line every ten seconds under -v", function()
    run(false, 25, 1)
    assert.same({ {}, {} }, { written, log.lines })
    log.level = "info"
    now = 0
    run(false, 25, 1)
    assert.same({
      "awsbak: info: 10 things, 1/s, 10.0 s",
      "awsbak: info: 20 things, 1/s, 20.0 s",
    }, log.lines)
  end)
end)
