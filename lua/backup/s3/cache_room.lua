--- The room that a cache of objects has: who may put something into its folder, and what goes for
--- it. Entries are files named by 64 hex digits; their times of change say when each was last used.
---
--- One process at a time adds or evicts, under a lock on the file `lock`. That file also has the
--- sums, "bytes entries time-of-the-last-sweep" in 20 digits each, so that the folder is listed
--- only when it is full, or an hour has gone by. They are never too low: an entry is added to them
--- before it appears.

local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local outside = require("awsbak.outside")
local task = require("awsbak.task")

local cache_room = {}

local LOCK <const> = "lock"
local PATIENCE_S <const> = 30 -- for a process that adds an entry: it syncs a file
local PAUSE_S <const> = 0.02
local SUMS <const> = "%020d %020d %020d\n"
local SUMS_BYTES <const> = 63
local ENTRIES_MAX <const> = 100000 -- that a sweep has in memory
local NAMES_MAX <const> = 4 * ENTRIES_MAX
local SWEEP_S <const> = 3600
local STALE_S <const> = 86400 -- of a temporary file whose writer was killed

---@class backup.CacheRoom
---@field folder userdata awsbak.core.file, borrowed
---@field bytes integer at most, of all entries
---@field entries integer at most
---@field age number seconds after its last use that an entry is kept
---@field turn awsbak.Gate for the tasks of this process
---@field failure awsbak.Error? why nothing more is added
local Room = {}
Room.__index = Room

--- The room of a folder.
---@param folder userdata of awsbak.core.file; nobody else may write in it
---@param bytes integer
---@param age number seconds
---@param entries integer? (default and most: 100,000)
---@return backup.CacheRoom
function cache_room.new(folder, bytes, age, entries)
  entries = math.min(entries or ENTRIES_MAX, ENTRIES_MAX)
  return setmetatable({
    folder = folder,
    bytes = bytes,
    age = age,
    entries = entries,
    turn = task.gate(1),
  }, Room)
end

--- Wait for the lock; raises kind io, code locked, when `patience` seconds were not enough.
local function lock(self, patience)
  local give_up = outside.monotonic() + patience
  while true do
    local handle, err = file.journal(("%s/%s"):format(self.folder:path(), LOCK))
    if handle then
      return handle
    elseif err.code ~= "locked" or outside.monotonic() >= give_up then
      error(errors.from(err), 0)
    end
    outside.sleep(PAUSE_S)
  end
end

--- The sums in the lock's file; nil when there are none.
local function read_sums(handle)
  local text = task.await(handle:read(SUMS_BYTES + 1, 0))
  local bytes, entries, swept = text:match("^(%d+) (%d+) (%d+)\n$")
  local sums = {
    bytes = math.tointeger(tonumber(bytes)),
    entries = math.tointeger(tonumber(entries)),
    swept = math.tointeger(tonumber(swept)),
  }
  return #text == SUMS_BYTES and sums.bytes and sums.entries and sums.swept and sums or nil
end

local function write_sums(handle, sums)
  task.await(handle:resize(SUMS_BYTES))
  task.await(handle:pwrite(SUMS:format(sums.bytes, sums.entries, sums.swept), 0))
end

--- Whether something that was last used at `used` has outlived the cache's age. A time that lies as
--- far in the future is of a clock that was wrong.
---@param used number epoch seconds
---@return boolean
function Room:is_old(used)
  return math.abs(outside.now() - used) > self.age
end

--- Take away what is left of a writer that was killed where files have names from the start.
local function remove_stale(self, name)
  local facts = name:find("^%.awsbak%-%x+%.tmp$") and self.folder:stat(name)
  if facts and math.abs(outside.now() - facts.mtime) > STALE_S then
    self.folder:remove(name)
  end
end

--- The entries that may stay. What has an entry's name and is no file goes.
local function list(self)
  local rows = {}
  for _, name in ipairs(errors.check(self.folder:list("", NAMES_MAX))) do
    local facts = #name == 64 and name:find("^%x+$") and self.folder:stat(name)
    if not facts then
      remove_stale(self, name)
    elseif facts.type ~= "file" or self:is_old(facts.mtime) then
      self.folder:remove(name)
    else
      rows[#rows + 1] = { name = name, size = facts.size, used = facts.mtime }
    end
  end
  return rows
end

--- Evict what is too old, then what was used least recently until no more than these are left.
local function sweep(self, bytes, entries)
  local rows = list(self)
  table.sort(rows, function(a, b)
    return a.used < b.used
  end)
  local sums = { bytes = 0, entries = #rows, swept = math.floor(outside.now()) }
  for _, row in ipairs(rows) do
    sums.bytes = sums.bytes + row.size
  end
  for _, row in ipairs(rows) do
    if sums.bytes <= bytes and sums.entries <= entries then
      break
    end
    if self.folder:remove(row.name) then
      sums.bytes, sums.entries = sums.bytes - row.size, sums.entries - 1
    end
  end
  return sums
end

--- Evict what is too old or too much, when it is time for that and nobody else does it.
function Room:tidy()
  local handle, err = errors.try(lock, self, 0)
  if not handle then
    if err.code == "locked" then
      return
    end
    error(err, 0)
  end
  local _ <close> = handle
  local sums = read_sums(handle)
  local is_due = not sums
    or sums.bytes > self.bytes
    or math.abs(outside.now() - sums.swept) >= math.min(SWEEP_S, self.age)
  if is_due then
    write_sums(handle, sweep(self, self.bytes, self.entries))
  end
end

--- Make room for an entry and have it appear. An eighth of the room is made free when it is full,
--- so that this is not done for each entry.
---@param bytes integer of its file
---@param appear fun() makes it appear
--- Raises kind io, code locked, when others were adding all the time; code full, when nothing can
--- be evicted; what `appear` raises; the failure after which nothing more is added.
function Room:add(bytes, appear)
  local _ <close> = self.turn:enter() -- no task of ours waits for another by asking again
  if self.failure then
    error(self.failure, 0) -- of one whose turn was before: it waited long enough for all
  end
  local handle <close> = lock(self, PATIENCE_S)
  local sums = read_sums(handle)
  if not sums or sums.bytes + bytes > self.bytes or sums.entries >= self.entries then
    local goal = math.max(0, self.bytes - self.bytes // 8 - bytes)
    sums = sweep(self, goal, self.entries - self.entries // 8 - 1)
  end
  if sums.bytes + bytes > self.bytes then
    errors.raise({
      kind = "io",
      code = "full",
      message = ("the cache in %s is full, and nothing in it can be deleted"):format(
        self.folder:path()
      ),
    })
  end
  sums.bytes, sums.entries = sums.bytes + bytes, sums.entries + 1
  write_sums(handle, sums)
  appear()
end

return cache_room
