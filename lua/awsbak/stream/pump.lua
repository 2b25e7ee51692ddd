--- A pipe at work: the core moves the bytes, and a script's ends are fed and emptied meanwhile.
---
--- One task has the pipe. It starts a task to read and one to write where an end is a script's, at
--- most one of each, and lets the core work beside them, with as many threads as are of use. The
--- run that it awaits ends when an end can be served; when nothing goes on in the core, it waits
--- for the one that the core needs.

local core = require("awsbak.core.stream")
local errors = require("awsbak.errors")
local task = require("awsbak.task")

local M = {}

local PIECE = 256 * 1024 -- shorter pieces are joined: each costs a turn of the loop
local READS = 65536 -- for one piece: a source that gives nothing but "" has its turns, too
local TURN = 4 -- pieces read without one of other tasks

---@class awsbak.stream.Pump
---@field from awsbak.stream.Source
---@field stages awsbak.stream.Stage[]
---@field to awsbak.stream.Sink
---@field pipe userdata of the core
---@field size integer? of the file that is read, when the pipe began
---@field width integer runs at once
---@field read (fun(): string?)? of a script's source, until its end
---@field reading awsbak.Task? reads the next piece
---@field piece string? read, and from `at` on not fed yet
---@field at integer
---@field ended boolean? the core knows that nothing more is fed, or reads itself
---@field writer awsbak.stream.Writer?
---@field turn awsbak.Gate who writes is inside
---@field writing boolean? somebody writes
---@field helpers integer threads beside the one that serves
---@field told awsbak.stream.Stage[] of stream.progress
---@field known integer bytes out of the source that they know of

--- How messages call a part of the core's pipe.
local function part_name(self, number)
  if number == 0 then
    return "source"
  end
  local stage = self.stages[number]
  return stage and ("stage %d (%s)"):format(number, stage.name) or "sink"
end

--- What can be done about a code, of the options of the part that is called `part`.
local function hint_of(self, part, code)
  for number = 1, #self.stages + 1 do
    local hints = (self.stages[number] or self.to).hints
    if hints and part_name(self, number) == part then
      return hints[code]
    end
  end
end

--- Say in an error which part of which pipe it comes from. A cancellation comes from outside.
local function blame(self, e, part)
  local err = errors.from(e)
  if err.kind ~= "cancelled" then
    err.hint = err.hint or hint_of(self, part, err.code)
    err.message = ("from %s to %s, %s: %s"):format(self.from.name, self.to.name, part, err.message)
  end
  error(err, 0)
end

--- Call a part's function; its error is told as the part's.
local function by(self, part, f, ...)
  local results = table.pack(pcall(f, ...))
  if not results[1] then
    blame(self, results[2], part)
  end
  return table.unpack(results, 2, results.n)
end

local function check_bytes(bytes)
  if bytes ~= nil and type(bytes) ~= "string" then
    errors.raise({
      kind = "usage",
      code = "bad_argument",
      message = ("it gave a %s, not bytes or nil"):format(type(bytes)),
    })
  end
  return bytes
end

--- The next bytes of a script's source, enough to be worth a turn; nil at its end.
local function read_piece(self)
  local parts, size = {}, 0
  for _ = 1, READS do
    local bytes = check_bytes(self.read())
    if not bytes then
      self.read = nil -- not to be asked again
      break
    end
    parts[#parts + 1] = bytes
    size = size + #bytes
    if size >= PIECE then
      break
    end
  end
  return #parts > 0 and table.concat(parts) or nil
end

--- Hand the core what is left of the piece; whether that is all.
local function feed(self)
  self.at = self.at + self.pipe:feed(self.piece, self.at)
  if self.at <= #self.piece then
    return false
  end
  self.piece = nil
  return true
end

--- Read and feed until there is no room, or no more to read. Other tasks have their turn now and
--- then: a core that keeps up with the script has room for ever.
local function read_on(self)
  local fed, goes_on = 0, true
  while goes_on do
    self.piece, self.at = by(self, "source", read_piece, self), 1
    goes_on = self.piece and feed(self) and self.read
    fed = fed + 1
    if goes_on and fed % TURN == 0 then
      task.sleep(0)
    end
  end
  self.reading = nil
end

--- Take what the core has for the script's sink: bytes, or how many it put where the sink wants
--- them; nil when there is nothing.
local function take(self)
  if not self.writer.room then
    return self.pipe:take()
  end
  local count, is_full = self.pipe:filled()
  self.is_full = is_full
  return count > 0 and count or nil
end

--- Hand on what was taken. Waits as long as the sink does.
local function hand_on(self, taken)
  local writer = self.writer
  if not writer.room then
    return writer:write(taken)
  end
  local is_full = self.is_full
  writer:took(taken)
  if is_full then
    self.pipe:room(writer:room())
  end
end

--- Write what was taken, and what comes meanwhile.
local function write_on(self, taken)
  repeat
    local _ <close> = self.turn:enter()
    by(self, "sink", hand_on, self, taken)
    taken = by(self, "sink", take, self)
  until not taken
  self.writing = false -- though this task goes on while parts that it sends are on their way
end

--- Move what can be moved between the script's ends and the core, and start what can be started.
local function serve(self)
  if self.piece and not self.reading then
    feed(self)
  end
  if self.read and not self.piece and not self.reading then
    self.reading = task.spawn(read_on, self)
  end
  if not self.read and not self.piece and not self.reading and not self.ended then
    self.ended = true
    self.pipe:feed_end()
  end
  local taken = self.writer and not self.writing and by(self, "sink", take, self)
  if taken then
    self.writing = true
    task.spawn(write_on, self, taken)
  end
end

--- Tell how far it is those who want to know.
local function tell(self)
  local read = self.told[1] and self.pipe:count()
  if read and read > self.known then
    local more = read - self.known
    self.known = read
    for _, stage in ipairs(self.told) do
      stage.tell(more)
    end
  end
end

--- Let one more thread of the core work until nothing goes on.
local function help(self)
  pcall(function() -- the one that serves fails with the same, or does without this one
    repeat
      local state = task.await(self.pipe:run())
    until state ~= "busy"
  end)
  self.helpers = self.helpers - 1
end

--- Let as many threads work as are of use, until the script is to do something; what that is. A
--- failure is told as the part's that failed.
local function work(self)
  while self.helpers + 1 < self.width do
    self.helpers = self.helpers + 1
    task.spawn(help, self)
  end
  local ok, state = pcall(task.await, self.pipe:run(not self.writing))
  if ok then
    return state
  end
  local number = self.pipe:failed()
  if not number then
    error(state, 0)
  end
  return blame(self, state, part_name(self, number))
end

--- Have others unwrap the file key that a stage could not.
local function unlock(self)
  local number, header, why = self.pipe:locked()
  by(self, part_name(self, number), function()
    errors.check(self.pipe:unlock(self.stages[number].unwrap(header, errors.from(why))))
  end)
end

--- All of it. In a task, which the reading, writing and helping ones belong to, unless there are
--- none.
local function exchange(self)
  local state
  repeat
    serve(self)
    state = work(self)
    tell(self)
    if state == "locked" then
      unlock(self)
    elseif state == "hungry" and self.reading then
      task.await(self.reading)
    elseif state ~= "busy" and self.writing then
      local _ <close> = self.turn:enter() -- once it is left
    end
  until state == "done" and not self.writing
end

--- Closes what an end has, once. Why a pipe failed counts more than that an end cannot be closed.
local Closing = {}

function Closing.__close(closing, err)
  local close = closing.what.close
  if close and err == nil then
    by(closing.pump, closing.part, close, closing.what)
  elseif close then
    pcall(close, closing.what)
  end
end

local function closing(self, part, what)
  return setmetatable({ pump = self, part = part, what = what }, Closing)
end

local function build(self, source)
  if source.handle then
    self.size = by(self, "source", function()
      return errors.check(source.handle:size())
    end)
    errors.check(self.pipe:file(source.handle))
  end
  for i, stage in ipairs(self.stages) do
    by(self, part_name(self, i), function()
      errors.check(stage.add(self.pipe))
    end)
  end
end

local function digests(self)
  local found = {}
  for i, stage in ipairs(self.stages) do
    if stage.digest then
      found[stage.digest] = errors.check(self.pipe:digest_of(i))
    end
  end
  return found
end

--- Raise when a file lost some of its end while it was read. What was added is read, too.
local function check_read(self)
  if self.size and self.pipe:count() < self.size then
    errors.raise({
      kind = "io",
      code = "short",
      message = ("it became shorter than its %d bytes while it was read"):format(self.size),
    })
  end
end

--- Commit the sink; what a script's own gave.
local function commit(self)
  if not self.writer then
    by(self, "sink", task.await, self.pipe:commit())
  elseif self.writer.commit then
    return by(self, "sink", self.writer.commit, self.writer)
  end
end

--- Move everything and commit, in one task: what a script's sink began goes on until then.
local function exchange_all(self)
  exchange(self)
  by(self, "source", check_read, self)
  return commit(self)
end

--- Move everything, then commit the sink; what a script's own gave.
local function move(self)
  if self.writer and self.writer.room then
    self.pipe:room(self.writer:room())
  end
  errors.check(self.pipe:start())
  self.width = self.pipe:width()
  if self.read or self.writer or self.width > 1 then
    return task.run(exchange_all, self)
  end
  return exchange_all(self)
end

--- Open the ends, and do it. See awsbak.stream.pipe.
---@param from awsbak.stream.Source
---@param stages awsbak.stream.Stage[]
---@param to awsbak.stream.Sink
---@param told awsbak.stream.Stage[] of stream.progress
---@return table
function M.run(from, stages, to, told)
  local self = { from = from, stages = stages, to = to, told = told, known = 0, helpers = 0 }
  self.turn = task.gate(1)
  local pipe <close> = errors.check(core.pipe())
  self.pipe = pipe
  local source = by(self, "source", from.open)
  local _source <close> = closing(self, "source", source)
  self.read, self.ended = source.read, source.handle ~= nil
  build(self, source)
  local writer = to.open and by(self, "sink", to.open)
  local _writer <close> = closing(self, "sink", writer or {})
  self.writer = writer
  if not writer then
    by(self, "sink", function()
      errors.check(pipe:sink(to.path, to.options))
    end)
  end
  local committed = move(self)
  local read, written = pipe:count()
  return {
    read = read,
    written = written,
    digests = digests(self),
    text = to.collects and writer:text() or nil,
    commit = committed,
  }
end

return M
