--- Transfers survive whatever fails below them: of the calls for files, sockets and threads that
--- `awsbak s3` makes one fails, or all from it on, or is interrupted, or moves less than it was
--- asked to, or the disk is full; or a memory request is refused, or all from it on. Each run ends
--- by itself, with the whole there, or with nothing there and a sentence that says why, or some and
--- a row for each other; the next one completes it.
---
--- A run takes some of the points, by AWSBAK_SEED, which a failure tells. With AWSBAK_POINTS=all it
--- takes each call, and each 41st memory request. Needs a build with AB_FAULTS (the asan preset).

local s3_store = require("spec.support.s3_store")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local transfer_runs = require("spec.support.transfer_runs")
local transfer_ways = require("spec.support.transfer_ways")

local PROGRAM = assert(os.getenv("AWSBAK_PROGRAM"), "AWSBAK_PROGRAM names the build with AB_FAULTS")
local IS_ALL = os.getenv("AWSBAK_POINTS") == "all"
local SEED = tonumber(os.getenv("AWSBAK_SEED")) or os.time()

-- Ways to fail: of which calls one each is taken, and how many more points.
local CALLS = {
  { kind = "fail", calls = ".", more = 0 },
  { kind = "forever", calls = "^poll$", more = 3 }, -- a loop that cannot wait would turn for ever
  { kind = "short", more = 2 },
  { kind = "eintr", more = 2 },
  { kind = "full", more = 2 },
}

local MEMORY = {
  { kind = "once", variables = "AWSBAK_FAIL_ALLOC=%d" },
  { kind = "for good", variables = "AWSBAK_FAIL_ALLOC=%d AWSBAK_FAIL_FOREVER=1" },
}
local REQUESTS <const> = 33000 -- of memory, by a run: some hundreds more than any makes
local STEP <const> = 41
local SOME <const> = 4

-- What is no reason for a transfer to fail.
local HARMLESS = { short = true, eintr = true }

-- Calls after whose failure nobody knows what a server has done, or can tell it anything; those for
-- memory have no name.
local TALK = {
  [""] = true,
  connect = true,
  epoll_create1 = true,
  epoll_ctl = true,
  poll = true,
  recv = true,
  send = true,
  socket = true,
}

-- Of kinds io and network; of settings that cannot be read; of memory; of time.
local CODES = { [1] = true, [2] = true, [71] = true, [124] = true }

-- Parts fail beside one another: there may be several errors.
local function is_clear(lines)
  for _, line in ipairs(lines) do
    if not line:find("^awsbak: error: .+") and not line:find("^awsbak: warning: .+") then
      return false
    end
  end
  return #lines > 0
end

--- Whether a run says that an upload may be there of which it knows nothing more.
local function tells_of_upload(row)
  local said = table.concat(row.stderr, "\n")
  return said:find("it may have begun: awsbak s3 uploads", 1, true) ~= nil
end

--- What is wrong with a run; nil when nothing is.
local function fault_of(row, kind, way)
  local again, call = row.again, row.call or ""
  if row.brought == "broken" or again.brought ~= "whole" then
    return "what is there is not whole"
  elseif table.concat(again.stderr, "\n"):find("damaged", 1, true) then
    return "what is in the cache is not whole"
  elseif row.status == 0 then
    return row.brought ~= "whole" and "told as done, and is not there" or nil
  elseif HARMLESS[kind] then
    return "is no reason to fail"
  elseif not CODES[row.status] and not (way.many and row.status == 3) then
    return "exit code"
  elseif row.status == 3 and #row.untold > 0 then
    return "no row that says why: " .. row.untold[1]
  elseif row.status ~= 3 and not is_clear(row.stderr) then
    return "no sentence that says why"
  elseif (row.brought ~= "whole" or way.repeats) and again.status ~= 0 then
    return "the next run fails"
  elseif #again.left > 0 and not call:find("unlink", 1, true) then
    return "left beside the target: " .. again.left[1]
  end
  local is_untold = not TALK[call] and not tells_of_upload(row)
  return row.is_unfinished and kind ~= "forever" and is_untold and "an upload is left" or nil
end

local function describe_row(row)
  return ("%s %s: exit %d, %s there, then exit %d\n%s\n%s"):format(
    row.name,
    row.call or "-",
    row.status,
    row.brought,
    row.again.status,
    table.concat(row.stderr, "\n"),
    table.concat(row.again.stderr, "\n")
  )
end

--- Some of the calls by their numbers, or all: one each of those whose names match, and others.
local function pick(names, pattern, more)
  local lists, points = {}, {}
  for n, name in ipairs(names) do
    if not lists[name] then
      lists[name] = {}
      lists[#lists + 1] = lists[name] -- in an order that the seed repeats
    end
    table.insert(lists[name], n)
    points[n] = IS_ALL or nil
  end
  for _, list in ipairs(lists) do
    local n = list[math.random(#list)]
    points[n] = points[n] or pattern and names[n]:find(pattern) ~= nil or nil
  end
  for _ = 1, more do
    points[math.random(#names)] = true
  end
  return points
end

--- Say what became of the runs, as docs/HACKING.md wants it of a whole sweep.
local function tell(what, rows)
  local counts = { whole = 0, nothing = 0, some = 0, late = 0 }
  for _, row in ipairs(rows) do
    local is_late = row.status ~= 0 and row.brought == "whole"
    local kind = is_late and "late" or row.brought
    counts[kind] = (counts[kind] or 0) + 1
  end
  local line = "%s: %d runs, %d succeeded, %d failed with nothing there, %d with some,"
    .. " %d failed after the end\n"
  io.stderr:write(line:format(what, #rows, counts.whole, counts.nothing, counts.some, counts.late))
end

describe("what fails is survived by a transfer", function()
  local store, folder, preload

  setup(function()
    math.randomseed(SEED)
    store = s3_store.start()
    folder = scratch.new()
    local library = folder:path("io_faults.so")
    local build = "cc -O1 -shared -fPIC -o %s spec/support/io_faults.c && ldd %s"
    local pipe = assert(io.popen(build:format(shell.quote(library), shell.quote(PROGRAM))))
    local sanitizer = pipe:read("a"):match("libasan%S* => (%S+)")
    assert(pipe:close(), "io_faults.c was not built")
    -- The sanitizer wants to be the first.
    preload = "LD_PRELOAD=" .. (sanitizer and sanitizer .. ":" or "") .. library
  end)

  teardown(function()
    folder:close()
    store:close()
  end)

  --- Runs in which a call fails.
  local function add_calls(list, runs, how)
    local variables = ("%s IO_FAULT_KIND=%s"):format(preload, how.kind)
    local more = runs.way.few and how.more // 2 or how.more
    for n in pairs(pick(runs:calls(variables), how.calls, more)) do
      list[#list + 1] = {
        name = how.kind .. n,
        kind = how.kind,
        variables = ("%s IO_FAULT_AT=%d"):format(variables, n),
      }
    end
  end

  --- Runs in which memory is refused.
  local function add_memory(list, how, few)
    for i = 1, IS_ALL and REQUESTS // STEP or few and SOME // 2 or SOME do
      local at = IS_ALL and i * STEP or math.random(REQUESTS)
      list[#list + 1] = {
        name = how.kind:sub(1, 3) .. at,
        kind = how.kind,
        variables = how.variables:format(at),
      }
    end
  end

  local function check(what, runs, list)
    local faults = {}
    local rows = runs:rows(list)
    local by_kind = {}
    for i, row in ipairs(rows) do
      local kind = list[i].kind
      by_kind[kind] = by_kind[kind] or {}
      table.insert(by_kind[kind], row)
      local fault = fault_of(row, kind, runs.way)
      faults[#faults + 1] = fault and ("%s: %s"):format(fault, describe_row(row))
    end
    local last = by_kind["for good"][#by_kind["for good"]]
    assert(not IS_ALL or last.status == 0, "REQUESTS are fewer than a run makes")
    for kind, some in pairs(IS_ALL and by_kind or {}) do
      tell(("%s, %s"):format(what, kind), some)
    end
    local all = table.concat(faults, "\n")
    assert(#faults == 0, ("seed %d: %d of %d\n%s"):format(SEED, #faults, #rows, all))
  end

  for _, way in ipairs(transfer_ways) do
    it(way.name, function()
      local runs <close> = transfer_runs.new(store, PROGRAM, way)
      local list = {}
      for _, how in ipairs(CALLS) do
        add_calls(list, runs, how)
      end
      for _, how in ipairs(MEMORY) do
        add_memory(list, how, way.few)
      end
      check(way.name, runs, list)
    end)
  end

  it("anywhere in one process, which goes on", function()
    local home <close> = scratch.new()
    local command = ("env HOME=%s %s %s spec/torture/transfers.lua %s %s %d 2>&1; echo $?"):format(
      home:path(),
      transfer_runs.SANITIZERS,
      shell.quote(PROGRAM),
      home:path(),
      store.url,
      IS_ALL and 1 or math.random(61, 89)
    )
    local pipe = assert(io.popen(command))
    local said = pipe:read("a")
    pipe:close()
    assert.matches("\n0\n$", said, nil, nil, ("seed %d\n%s"):format(SEED, said))
    if IS_ALL then
      io.stderr:write(said)
    end
  end)
end)
