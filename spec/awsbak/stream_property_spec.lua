--- Whatever goes in comes out, and other programs agree in both directions: zstd, gzip, Python's
--- zlib. Sizes lie around the borders of chunks and blocks, bytes come in pieces of any size.

local noise = require("spec.support.noise")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")

local CASES = 14
local BORDERS = { 0, 1, 65536, 131072, 262144, 524288, 1048576, 1310720 }

local random = math.random

local function pick(list)
  return list[random(#list)]
end

local function random_size()
  return math.max(0, pick(BORDERS) + random(-2, 2))
end

--- Bytes that compress not at all, well, or extremely.
local function random_bytes(size)
  local kind = random(3)
  if kind == 1 then
    return noise(size)
  elseif kind == 2 then
    return ("\0"):rep(size)
  end
  local words = {}
  for i = 1, 4000 do
    words[i] = ("%x "):format(random(0xfff))
  end
  local text = table.concat(words)
  return text:rep(size // #text + 1):sub(1, size)
end

--- A source of these bytes, as a file, as one text, or in pieces.
local function random_source(dir, bytes)
  local kind = random(3)
  if kind == 1 then
    return stream.file(dir:write("source", bytes))
  elseif kind == 2 then
    return stream.bytes(bytes)
  end
  local at = 1
  local longest = pick({ 5000, 65536, 300000 })
  return stream.bytes(function()
    if at <= #bytes then
      local piece = bytes:sub(at, at + random(0, longest) - 1)
      at = at + #piece
      return piece
    end
  end)
end

local function random_zstd()
  return stream.zstd({
    level = pick({ 1, 2, 3, 3, 3, 5, 9, 12 }),
    window_log = pick({ false, 10, 17, 20 }) or nil,
    long = random(8) == 1 and true or nil,
    workers = random(4) == 1 and 2 or nil,
  })
end

--- What comes out of some bytes by a stage, by way of a file or of a text.
local function through(dir, bytes, ...)
  local from = random_source(dir, bytes)
  local stages = { ... }
  if random(2) == 1 then
    stages[#stages + 1] = stream.text()
    return stream.pipe(from, table.unpack(stages)).text
  end
  stages[#stages + 1] = stream.save(dir:path("sink"), { force = true })
  stream.pipe(from, table.unpack(stages))
  return dir:read("sink")
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null") == true
end

--- What another program makes of a file of these bytes.
local function by_program(dir, command, bytes)
  local path = dir:write("other", bytes)
  assert(os.execute(("%s <%s >%s"):format(command, path, dir:path("made"))), command)
  return dir:read("made")
end

describe("pipes and other programs", function()
  local dir
  local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()

  before_each(function()
    dir = scratch.new()
    math.randomseed(seed)
  end)
  after_each(function()
    dir:close()
  end)

  local function each_case(check)
    for case = 1, CASES do
      local bytes = random_bytes(random_size())
      local ok, err = pcall(check, bytes, case)
      assert(ok, ("AWSBAK_SEED=%d, case %d of %d bytes: %s"):format(seed, case, #bytes, err))
    end
  end

  it("agree about zstd", function()
    if not has("zstd") then
      return pending("no zstd here")
    end
    each_case(function(bytes)
      assert(bytes == by_program(dir, "zstd -dcq", through(dir, bytes, random_zstd())), "ours")
      local level = pick({ "-1", "-3", "-9", "--long=24" })
      local theirs = by_program(dir, "zstd -cq " .. level, bytes)
      if random(3) == 1 then -- frames may follow each other
        theirs = theirs .. theirs
        bytes = bytes .. bytes
      end
      assert(bytes == through(dir, theirs, stream.unzstd()), "theirs")
    end)
  end)

  it("agree about gzip", function()
    each_case(function(bytes)
      local ours = through(dir, bytes, stream.gzip({ level = random(9) }))
      assert(bytes == by_program(dir, "gzip -dcq", ours), "ours")
      local theirs = by_program(dir, "gzip -cqn -" .. random(9), bytes)
      assert(bytes == through(dir, theirs, stream.gunzip()), "theirs")
    end)
  end)

  it("agree with Python's zlib", function()
    local all = {}
    each_case(function(bytes, case)
      all[case] = bytes
      dir:write(case .. ".in", bytes)
      dir:write(case .. ".gz", through(dir, bytes, stream.gzip({ level = random(9) })))
    end)
    assert(os.execute("python3 spec/support/gzip_peer.py " .. shell.quote(dir:path())))
    for case, bytes in ipairs(all) do
      assert.is_true(bytes == dir:read(case .. ".out"), "seed " .. seed)
      local back = through(dir, dir:read(case .. ".packed"), stream.gunzip())
      assert.is_true(bytes == back, "seed " .. seed)
    end
  end)

  it("agree with each other through any stages", function()
    each_case(function(bytes)
      local stages, undo = {}, {}
      for _ = 1, random(3) do
        local is_zstd = random(2) == 1
        stages[#stages + 1] = is_zstd and random_zstd() or stream.gzip()
        table.insert(undo, 1, is_zstd and stream.unzstd() or stream.gunzip())
      end
      table.move(undo, 1, #undo, #stages + 1, stages)
      assert(bytes == through(dir, bytes, table.unpack(stages)), "not the same")
    end)
  end)
end)
