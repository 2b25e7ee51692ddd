-- awsbak s3 cp that is ended in the middle, by kill -9 or by Ctrl-C: nothing is there before all of
-- it is, and the same command goes on.
--
-- AWSBAK_KILLS=200 ./dev spec spec/live/s3_ended_spec.lua kills more often than CI has time for and
-- tells what came of it.

local distinct = require("spec.support.distinct")
local errors = require("awsbak.errors")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local scratch = require("spec.support.scratch")
local sys = require("awsbak.core.sys")

local PART <const> = 5 * 1024 * 1024
local KILLS <const> = math.tointeger(tonumber(os.getenv("AWSBAK_KILLS"))) or 8
local SEED <const> = math.tointeger(tonumber(os.getenv("AWSBAK_SEED"))) or os.time()
local SIGINT <const>, SIGKILL <const> = 2, 9
local KILLED <const>, INTERRUPTED <const> = 128 + SIGKILL, 130

local BIG <const> = distinct(2 * PART + 7)

-- Writes the id that the program will have.
local TELL_ID = { "sh", "-c", 'echo $$ >"$0"; exec "$@"' }

describe("awsbak s3 cp that is ended", function()
  local place, proxy, op, s3, dir

  setup(function()
    place = faulty_s3.open("vault")
    proxy, op, s3 = place.proxy, place.op, place.direct
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    proxy:clear()
    dir:write("file", BIG)
  end)

  after_each(function()
    dir:close()
  end)

  local function cp(way, prefix)
    local from, to = way == "pipe" and "-" or dir:path("file"), "s3://vault/file"
    if way == "down" then
      from, to = to, dir:path("back")
    end
    local words = { "s3", "cp", "--part-size", "5M", "--concurrency", "1", from, to }
    return op:run(words, { prefix = prefix, stdin = way == "pipe" and BIG or nil })
  end

  --- The same, once the run that was killed before is gone: timeout does not wait for it.
  local function cp_next(way, prefix)
    local result
    repeat
      result = cp(way, prefix)
    until not result.stderr:find("another process", 1, true)
    return result
  end

  local function remove(way)
    if way == "up" then
      s3.delete_object({ Bucket = "vault", Key = "file" })
    else
      os.remove(dir:path("back"))
    end
  end

  --- Whether all is there; an error where some is.
  local function is_there(way, where)
    local bytes
    if way ~= "down" then
      local head, err = errors.try(s3.head_object, { Bucket = "vault", Key = "file" })
      assert(head or err.status == 404, err)
      if not head then
        return false
      end
      local body <close> = s3.get_object({ Bucket = "vault", Key = "file" }).Body
      bytes = body:all(2 * #BIG)
    else
      bytes = dir:read("back")
    end
    assert(not bytes or bytes == BIG, where .. ": what is there is not whole")
    return bytes ~= nil
  end

  local function uploads()
    return s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {}
  end

  --- Journals, and parts of files.
  local function left()
    local names = {}
    for _, name in ipairs(dir:list()) do
      names[#names + 1] = name:find("awsbak", 1, true) and name or nil
    end
    for _, name in ipairs(file.list(op:path(".local/state/awsbak/transfers")) or {}) do
      names[#names + 1] = name
    end
    return names
  end

  --- Get what a download is of.
  local function prepare(way)
    remove("up")
    remove("down")
    if way == "down" then
      s3.put_object({ Bucket = "vault", Key = "file", Body = BIG })
    end
  end

  --- End all uploads, as an operator would.
  local function abort()
    local result = op:must({ "s3", "uploads", "s3://vault", "--abort", "--yes" })
    local counts = select(2, op.rows(result))
    assert.same({ 0, 0 }, { counts.failed, #uploads() })
    return counts.ok
  end

  --- A run that is signalled at a request.
  local function signalled(way, signal, rule)
    proxy:clear()
    rule.signal = { number = signal, file = dir:path("id") }
    proxy:rule(rule)
    local prefix = { TELL_ID[1], TELL_ID[2], TELL_ID[3], dir:path("id") }
    local result = cp(way, prefix)
    proxy:clear()
    return result
  end

  -- What the requests of a copy are, in order, as far as there is one.
  local MOMENTS = {
    up = {
      { method = "HEAD" },
      { method = "POST", holds = { "uploads" }, unheard = true },
      { method = "POST", holds = { "uploads" } },
      { method = "PUT", holds = { "partNumber=1" }, reset = PART // 2 },
      { method = "PUT", holds = { "partNumber=2" } },
      { method = "PUT", holds = { "partNumber=3" }, unheard = true },
      { method = "POST", holds = { "uploadId=" }, unheard = true },
      { method = "POST", holds = { "uploadId=" } },
    },
    down = {
      { method = "HEAD" },
      { method = "GET", unheard = true },
      { method = "GET", cut_reply = PART // 2 },
      { method = "GET", skip = 1, cut_reply = 1000 },
      { method = "GET", skip = 2, unheard = true },
    },
  }

  local BEGUN_UNHEARD <const> = 3

  --- Whether a run says that an upload may be left of whose beginning it had not heard.
  local function tells_of_unheard(result)
    return result.stderr:find("s3 uploads s3://vault/file lists it, and --abort", 1, true) ~= nil
  end

  local function each_moment(signal, check_result)
    for way, rules in pairs(MOMENTS) do
      for i, rule in ipairs(rules) do
        prepare(way)
        local where = ("%s, moment %d"):format(way, i)
        check_result(signalled(way, signal, rule), way, where)
        is_there(way, where)
        local again = cp(way)
        assert.equal(0, again.status, where .. ": " .. again.stderr)
        assert.is_true(is_there(way, where), where)
        assert.same({}, left(), where)
        -- Of an upload that began unheard nobody knows: the operator finds it.
        assert.equal(way == "up" and i == BEGUN_UNHEARD and 1 or 0, abort(), where)
      end
    end
  end

  it("goes on when it was killed at any of its requests", function()
    each_moment(SIGKILL, function(result, _, where)
      assert.equal(KILLED, result.status, where .. ": " .. result.stderr)
    end)
  end)

  it("goes on when it was interrupted at any of its requests, which it says with 130", function()
    each_moment(SIGINT, function(result, _, where)
      assert.equal(INTERRUPTED, result.status, where .. ": " .. result.stderr)
      -- At the second moment S3 has not heard of it, and at the third its answer does not come.
      local may_be_left = where == "up, moment 2" or where == "up, moment 3"
      assert.equal(may_be_left, tells_of_unheard(result), where)
    end)
  end)

  it("sends and fetches nothing again that was there when it was interrupted", function()
    prepare("up")
    local rule = { method = "PUT", holds = { "partNumber=3" }, unheard = true }
    local ended = signalled("up", SIGINT, rule)
    assert.equal(INTERRUPTED, ended.status)
    local goes_on = "interrupted; the same command goes on from there"
    assert.matches(goes_on .. "; awsbak s3 uploads s3://vault/", ended.stderr, 1, true)
    assert.equal(1, #left())
    assert.equal(0, cp("up").status)
    assert.equal(1, proxy:count("PUT", "partNumber="))
    rule = { method = "GET", skip = 2, unheard = true }
    ended = signalled("down", SIGINT, rule)
    assert.equal(INTERRUPTED, ended.status)
    assert.matches(goes_on .. "\n", ended.stderr, 1, true)
    assert.equal(2, #left())
    assert.equal(0, cp("down").status)
    assert.equal(1, proxy:count("GET"))
  end)

  it("leaves nothing of a download whose bytes are not those of its checksum", function()
    prepare("down")
    proxy:rule({ method = "GET", skip = 1, flip_reply = 100 })
    local altered = cp("down")
    assert.equal(1, altered.status)
    assert.matches("it was altered", altered.stderr)
    assert.same({}, left())
    assert.equal(0, cp("down").status)
    assert.is_true(is_there("down", "again"))
  end)

  it("can have its unfinished upload aborted, and begins anew", function()
    prepare("up")
    local rule = { method = "PUT", holds = { "partNumber=3" }, unheard = true }
    signalled("up", SIGKILL, rule)
    local rows = op.rows(op:must({ "s3", "uploads", "s3://vault/fi" }))
    assert.same({ 1, "file" }, { #rows, rows[1].key })
    assert.is_true(rows[1].parts >= 1 and rows[1].bytes > 0)
    assert.equal(1, abort())
    assert.equal(0, cp("up").status)
    assert.equal(3, proxy:count("PUT", "partNumber="))
    assert.is_true(is_there("up", "anew"))
  end)

  it("leaves an upload of a pipe to be found when killed, and none when interrupted", function()
    for i = 1, #MOMENTS.up, 2 do
      local rule = MOMENTS.up[i]
      for signal, status in pairs({ [SIGKILL] = KILLED, [SIGINT] = INTERRUPTED }) do
        prepare("pipe")
        local where = ("moment %d, signal %d"):format(i, signal)
        local ended = signalled("pipe", signal, rule)
        assert.equal(status, ended.status, where .. ": " .. ended.stderr)
        local is_told = i == BEGUN_UNHEARD and signal == SIGINT
        assert.equal(is_told, tells_of_unheard(ended), where)
        local is_whole = is_there("pipe", where)
        -- One that began unheard is found in either case.
        local is_left = i >= BEGUN_UNHEARD and not is_whole and signal == SIGKILL
        assert.equal((is_left or i == BEGUN_UNHEARD) and 1 or 0, abort(), where)
        if not is_whole then
          local again = cp("pipe")
          assert.equal(0, again.status, where .. ": " .. again.stderr)
          assert.is_true(is_there("pipe", where), where)
        end
        assert.same({}, left(), where)
      end
    end
  end)

  local function tell(way, counts, stale)
    local line = "%s: %d killed with nothing there, %d with the whole there, %d finished before; "
      .. "%d stale uploads aborted\n"
    if os.getenv("AWSBAK_KILLS") then
      io.stderr:write(line:format(way, counts.killed, counts.late, counts.finished, stale))
    end
  end

  it("loses nothing and shows no half, however often it is killed", function()
    math.randomseed(SEED)
    for _, way in ipairs({ "up", "down" }) do
      prepare(way)
      local began = sys.monotonic()
      cp(way)
      local took = sys.monotonic() - began
      remove(way)
      local counts = { killed = 0, finished = 0, late = 0 }
      for _ = 1, KILLS do
        local after = math.random() * took
        local where = ("seed %d, %s killed after %.3f s"):format(SEED, way, after)
        local result = cp_next(way, { "timeout", "-s", "KILL", ("%.3f"):format(after) })
        local there = is_there(way, where)
        assert(there or result.status == KILLED, where .. ": " .. result.stderr)
        local kind = result.status ~= KILLED and "finished" or there and "late" or "killed"
        counts[kind] = counts[kind] + 1
        if there then
          remove(way)
        end
      end
      local last = cp_next(way)
      assert(last.status == 0, last.stderr)
      assert(is_there(way, "at last"))
      tell(way, counts, abort())
      for _, name in ipairs(left()) do
        assert(not name:find("awsbak-part", 1, true), name)
      end
    end
  end)
end)
