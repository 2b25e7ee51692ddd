--- What a transfer has done so far, in a file of its own, so that a later run goes on where one was
--- ended: lines of JSON in $XDG_STATE_HOME/awsbak/transfers.
---
--- The first line tells what is transferred (a journal of anything else is void) and what the run
--- needs to go on; each other one a part that is done. A line that was cut ends the journal.
--- Nothing in it is believed: parts are compared with their checksums when they are used again.

local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local folders = require("awsbak.folders")
local json = require("awsbak.core.json")
local log = require("awsbak.log")
local task = require("awsbak.task")

local journal = {}

local BYTES_MAX <const> = 8 * 1024 * 1024 -- 10,000 parts take two

---@class backup.Journal
---@field handle userdata awsbak.core.file, for this process alone
---@field path string
---@field identity table<string, string|number> what is transferred
---@field facts table<string, any> what a run needs to go on
---@field parts table<integer, table> by number
---@field stale table<string, any>? facts of a transfer of what was there before it changed
---@field at integer? where the next line goes
local Journal = {}
Journal.__index = Journal

local function is_same(a, b)
  for _, pair in ipairs({ { a, b }, { b, a } }) do
    for name, value in pairs(pair[1]) do
      if pair[2][name] ~= value then
        return false
      end
    end
  end
  return true
end

local function is_part(row)
  return type(row) == "table" and math.type(row.number) == "integer" and type(row.sum) == "string"
end

--- Take in the lines of an earlier run. What follows the last good one is cut off, so that the
--- lines of this run are not lost behind it.
local function read(self)
  local text = task.await(self.handle:read(BYTES_MAX, 0))
  local lines = text:gmatch("([^\n]*)\n()")
  local line, at = lines()
  local head = json.decode(line or "")
  local is_head = type(head) == "table" and type(head.identity) == "table"
  if not is_head or type(head.facts) ~= "table" then
    return
  elseif not is_same(head.identity, self.identity) then
    self.stale = head.facts
    return
  end
  self.facts = head.facts
  for row_line, after in lines do
    local row = json.decode(row_line)
    if not is_part(row) then
      break
    end
    self.parts[row.number], at = row, after
  end
  self.at = at - 1
  if self.at < #text then
    task.await(self.handle:resize(self.at))
  end
end

--- Open the journal of a transfer.
---@param from string where from, as the user named it, absolute
---@param to string where to
---@param identity table<string, string|number> what else must be the same for a run to go on:
---  sizes,
---  times, tags
---@return backup.Journal? journal nil where there is no place for one
--- Raises kind io, code locked, while another process makes the same transfer.
function journal.open(from, to, identity)
  local base = folders.state()
  local folder = base and base .. "/transfers"
  if not folder then
    return nil
  end
  local made, why = file.mkdirs(folder)
  if not made then
    log.debug("transfers cannot be resumed: %s", why.message)
    return nil
  end
  local sum = errors.check(digest.digest("sha256", from .. "\0" .. to))
  local self = setmetatable({
    path = ("%s/%s.jsonl"):format(folder, codec.hex(sum):sub(1, 32)),
    identity = identity,
    facts = {},
    parts = {},
  }, Journal)
  local handle, err = file.journal(self.path)
  if not handle then
    if err.code == "locked" then
      err.message = ("another process transfers %s to %s at the moment"):format(from, to)
      err.hint = "wait for it"
    end
    error(errors.from(err), 0)
  end
  self.handle = handle
  local ok, failure = errors.try(function()
    read(self)
    return true
  end)
  if not ok then
    handle:close()
    error(failure, 0)
  end
  return self
end

--- Something that an earlier run noted.
---@param name string
---@return any value nil when there is no such run
function Journal:fact(name)
  return self.facts[name]
end

--- A part that an earlier run has done.
---@param number integer
---@return table? row as it was added
function Journal:part(number)
  return self.parts[number]
end

local function await_written(...)
  local _, err = errors.try(task.await, ...)
  if err and err.kind == "io" then
    err.hint = "make room for it, or give --no-resume to do without it"
  end
  if err then
    error(err, 0)
  end
end

--- Begin anew.
---@param facts table<string, any> what a later run needs to go on
--- Raises kind io when it cannot be written; it is as good as empty then.
function Journal:begin(facts)
  self.facts, self.parts, self.stale = {}, {}, nil
  local line = json.encode({ identity = self.identity, facts = facts }) .. "\n"
  await_written(self.handle:resize(0))
  await_written(self.handle:pwrite(line, 0))
  self.facts, self.at = facts, #line
end

--- Note a part that is done.
---@param number integer
---@param row { sum: string } its checksum in hex, and what else is needed of it
--- Raises kind io when it cannot be written. Is not cancelled: what has come is noted, and the
--- journal is not locked any more when the transfer has ended.
function Journal:add(number, row)
  row.number = number
  self.parts[number] = row
  local line = json.encode(row) .. "\n"
  local at = self.at
  self.at = at + #line
  task.shield(function()
    await_written(self.handle:pwrite(line, at))
  end)
end

--- Whether a later run would find something to go on with.
---@return boolean
function Journal:goes_on()
  return not self.is_over and next(self.facts) ~= nil
end

--- Whether it knows of a part that is done.
---@return boolean
function Journal:has_parts()
  return next(self.parts) ~= nil
end

--- The transfer is over: there is nothing to go on with.
function Journal:finish()
  self.is_over = true
  os.remove(self.path)
  self:close()
end

--- Leave it for a later run.
function Journal:close()
  if not next(self.facts) then
    os.remove(self.path) -- nothing was begun
  end
  self.handle:close()
end

Journal.__close = Journal.close

return journal
