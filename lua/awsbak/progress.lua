--- How far a long run has come, on standard error: one line redrawn on a terminal, elsewhere a line
--- every 10 seconds under -v; with `--progress json` lines of JSON once a second, for programs
--- (docs/commands/s3.md, "Progress").
---
---   for parameter in progress(parameters, "parameters") do ... end

local json = require("awsbak.core.json")
local log = require("awsbak.log")
local outside = require("awsbak.outside")
local settings = require("awsbak.settings")
local task = require("awsbak.task")
local text = require("awsbak.text")
local units = require("awsbak.units")

local M = {}

local REDRAW_S, LINE_S, JSON_S = 0.1, 10, 1
local CLEAR = "\r\27[K"

local current -- what is counted now, the latest when there are several

---@class awsbak.Progress
---@field count integer things done, or bytes
---@field total integer? of them
---@field is_bytes boolean? whether bytes are counted
---@field retries integer requests that were made again meanwhile
---@field slowed boolean? whether nothing was done since M.slowed was called
local Progress = {}
Progress.__index = Progress

--- Replaceable by specs: whether a terminal looks on, and how it is written to.
function M.is_terminal()
  return require("awsbak.core.sys").isatty(2)
end

--- See is_terminal.
---@param line string
function M.write(line)
  io.stderr:write(line)
end

--- See is_terminal.
---@return integer columns of the terminal
function M.columns()
  return require("awsbak.core.sys").columns(2) or 80
end

--- A number of what is counted.
local function amount(self, n)
  return self.is_bytes and units.show_size(n) or ("%.0f"):format(n)
end

--- How fast it went so far, and how long the rest takes at that speed.
local function rate(self, seconds)
  if self.slowed then
    return ", throttled, waiting"
  elseif seconds < 1 then
    return ""
  end
  local per_second = self.count / seconds
  local left = ""
  if self.is_bytes and self.total and self.count > 0 then
    local wait = math.max(0, self.total - self.count) / per_second
    left = (", %s left"):format(units.show_duration(wait))
  end
  return (", %s/s%s"):format(amount(self, per_second), left)
end

local function describe(self, now)
  local seconds = now - self.began
  local total = self.total and " of " .. amount(self, self.total) or ""
  local noun = self.noun == "" and "" or " " .. self.noun
  local took = units.show_duration(seconds)
  local noun_again = self.retries == 1 and "retry" or "retries"
  local again = self.retries > 0 and (", %d %s"):format(self.retries, noun_again) or ""
  local done = amount(self, self.count)
  return ("%s%s%s%s%s, %s"):format(done, total, noun, rate(self, seconds), again, took)
end

--- The same for a program: one object.
local function write_json(self, now)
  M.write(json.encode({
    [self.is_bytes and "bytes" or "count"] = self.count,
    noun = self.noun ~= "" and self.noun or nil,
    retries = self.retries > 0 and self.retries or nil,
    seconds = math.floor((now - self.began) * 1000) / 1000,
    throttled = self.slowed or nil,
    total = self.total,
  }) .. "\n")
end

local function clear(self)
  if self.drawn then
    M.write(CLEAR)
    self.drawn = false
  end
end

--- Redraw the line when it is time to.
local function draw(self)
  if not self.every or self.closed then
    return
  end
  local now = outside.monotonic()
  if now < self.due then
    return
  end
  self.due = now + self.every
  if self.json then
    write_json(self, now)
  elseif self.terminal then
    -- A line that wraps could not be taken away again.
    M.write(CLEAR .. text.cut(describe(self, now), M.columns() - 1))
    self.drawn = true
  else
    log.info("%s", describe(self, now))
  end
end

--- Count `n` more things done.
---@param n integer?
function Progress:add(n)
  self.count = self.count + (n or 1)
  self.slowed = false
  draw(self)
end

--- More is to be done than was thought.
---@param n integer
function Progress:expect(n)
  self.total = (self.total or 0) + n
end

--- Tell of it also while nothing is done for long, as when parts are sent slowly. A child of the
--- running task tells until `close`, which must come; outside of tasks nothing does.
function Progress:keep_telling()
  if self.every and task.running() then
    self.teller = task.spawn(function()
      while not self.closed do
        task.sleep(self.every)
        draw(self)
      end
    end)
  end
end

--- The line goes away; a program is told how it ended.
function Progress:close()
  if self.teller then
    task.cancel(self.teller)
    self.teller = nil
  end
  if self.json and not self.closed then
    write_json(self, outside.monotonic())
  end
  self.closed = true
  clear(self)
  if log.before == self.before then
    log.before = nil
  end
  if current == self then
    current = nil
  end
end

Progress.__close = Progress.close

--- Start counting.
---@param noun string "parameters"
---@param total integer? how many there will be
---@param is_bytes boolean? whether bytes are counted
---@return awsbak.Progress progress close it
function M.start(noun, total, is_bytes)
  local self = setmetatable({ noun = noun, total = total, count = 0, retries = 0 }, Progress)
  self.is_bytes = is_bytes
  self.json = settings.get("progress") == "json"
  self.terminal = not self.json and M.is_terminal() and log.enabled("warning")
  self.every = self.json and JSON_S
    or self.terminal and REDRAW_S
    or log.enabled("info") and LINE_S
    or nil
  self.began = outside.monotonic()
  self.due = self.began + (self.every or 0)
  self.before = function()
    clear(self)
  end
  log.before = self.before
  current = self
  return self
end

local told = {} -- by what was slowed: when to say so again

--- Say that a service asks for a slower pace, so that silence is not taken for a hang: in the line
--- on a terminal, until more is done, and under -v in a line of its own every 10 seconds.
---@param what string "ssm GetParameters"
function M.slowed(what)
  if log.enabled("info") then
    local now = outside.monotonic()
    if now >= (told[what] or now) then
      told[what] = now + LINE_S
      log.info("%s: throttled, waiting", what)
    end
  end
  if current then
    current.slowed = true
    draw(current)
  end
end

--- Count a request that is made again.
function M.retried()
  if current then
    current.retries = current.retries + 1
    draw(current)
  end
end

--- An iterator that counts what passes; the line goes away when the loop ends, however it ends.
---@param iterator fun(): any
---@param noun string
---@param total integer?
---@return function, nil, nil, awsbak.Progress for a generic `for`
function M.each(iterator, noun, total)
  local progress = M.start(noun, total)
  local function count(first, ...)
    if first ~= nil then
      progress:add()
    end
    return first, ...
  end
  return function(...)
    return count(iterator(...))
  end, nil, nil, progress
end

return setmetatable(M, {
  __call = function(_, iterator, noun, total)
    return M.each(iterator, noun, total)
  end,
})
