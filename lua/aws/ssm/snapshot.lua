--- Every parameter of a scope, whole, one after another, in bounded memory.
---
---   local parameters <close> = snapshot.new(client, { paths = { "/app" } })
---   for record in parameters do ... end
---   print(parameters.vanished, #parameters.unreadable)
---
--- Three things overlap: while the caller works on one record, `concurrency` later ones are being
--- completed with tags and labels, and the page after theirs is listed and its values are fetched.

local path = require("aws.ssm.path")
local reader = require("aws.ssm.reader")
local task = require("awsbak.task")

local M = {}

---@class aws.ssm.Snapshot an iterator of records; closing it cancels what is under way
---@field scope aws.ssm.Scope
---@field listed integer names listed so far
---@field account string|nil whose parameters they are, once there was one
---@field region string|nil
---@field vanished integer of these, names that were gone when they were read
---@field unreadable table[] what was denied: `{ name, what, code, message }`, see aws.ssm.reader
---@field refusals integer how many there were of these; the list ends after the first 1,000
---@field incomplete integer parameters they concern
local Snapshot = {}

-- The page's metadata beside its values.
local function rows_of(r, metas)
  local names = {}
  for i, meta in ipairs(metas) do
    names[i] = meta.Name
  end
  local values = r:values(names)
  local rows = {}
  for i, meta in ipairs(metas) do
    rows[i] = { meta = meta, value = values[meta.Name] }
  end
  return rows
end

--- Reads all parameters of a scope.
---@param client table an SSM client
---@param options table|nil `paths` (default: all names), `labels` (true), `concurrency` (10)
---@return aws.ssm.Snapshot
function M.new(client, options)
  options = options or {}
  local r = reader.new(client, options)
  local scope = path.scope(options.paths)
  local pages = r:pages(scope)
  return setmetatable({
    reader = r,
    scope = scope,
    unreadable = r.unreadable,
    listed = 0,
    read_page = function()
      local metas = pages()
      return metas and rows_of(r, metas)
    end,
    rows = {},
    row = 0,
    window = {},
    first = 1,
    last = 0,
  }, Snapshot)
end

-- A parameter's ARN, arn:aws:ssm:REGION:ACCOUNT:parameter/NAME, tells whose it is.
local function note_origin(self, rows)
  for _, row in ipairs(rows) do
    local arn = not self.account and row.value and row.value.ARN
    if arn then
      self.region, self.account = arn:match("^arn:[^:]*:ssm:([^:]*):(%d+):")
    end
  end
end

-- The next listed row, with the page after it already on its way.
local function next_row(self)
  while self.row == #self.rows do
    if self.ended then
      return nil
    end
    local ahead = self.ahead or task.spawn(self.read_page)
    self.ahead = nil
    local rows = task.await(ahead)
    if not rows then
      self.ended = true
      return nil
    end
    self.rows, self.row, self.listed = rows, 0, self.listed + #rows
    note_origin(self, rows)
    self.ahead = task.spawn(self.read_page)
  end
  self.row = self.row + 1
  return self.rows[self.row]
end

local function complete(r, row)
  if row.value == nil then
    return nil -- denied, and remembered as such by the reader
  end
  local record = r:record(row.meta.Name, row.meta, row.value)
  return record and record.value and record
end

local function refill(self)
  while self.last - self.first + 1 < self.reader.concurrency do
    local row = next_row(self)
    if not row then
      return
    end
    self.last = self.last + 1
    self.window[self.last] = task.spawn(complete, self.reader, row)
  end
end

--- The next record, or nil at the end.
---@return aws.ssm.Record|nil
function Snapshot:__call()
  local record
  repeat
    refill(self)
    local oldest = self.window[self.first]
    if not oldest then
      return nil
    end
    self.window[self.first] = nil
    self.first = self.first + 1
    record = task.await(oldest)
  until record
  return record
end

local COUNTS = { incomplete = true, refusals = true, vanished = true }

function Snapshot:__index(key)
  return COUNTS[key] and self.reader[key] or nil
end

--- Cancels the calls that are still under way.
function Snapshot:__close()
  self.ended = true
  if self.ahead then
    task.cancel(self.ahead)
  end
  for at = self.first, self.last do
    task.cancel(self.window[at])
  end
end

return M
