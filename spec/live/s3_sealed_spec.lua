-- What lies in S3 in parts, compressed or encrypted on its way: other programs agree in both
-- directions where its bytes end at, before or behind the border of a part.

local age = require("awsbak.core.age")
local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local noise = require("spec.support.noise")
local s3_sink = require("backup.transfer.s3_sink")
local s3_stream = require("backup.s3.stream")
local s3_upload = require("backup.transfer.s3_upload")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")

local PART <const> = 5 * 1024 * 1024
local SEED <const> = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
local ROUNDS <const> = 5 -- until a size is met: each piece of a format adds some bytes

--- Bytes of which `make` makes so many.
local function sized(make, wanted)
  local plain = noise(wanted)
  for _ = 1, ROUNDS do
    local made = make(plain)
    if #made == wanted then
      return plain
    end
    local size = #plain + wanted - #made
    plain = #plain >= size and plain:sub(1, size) or plain .. noise(size - #plain)
  end
  error(("nothing becomes %d bytes"):format(wanted))
end

describe("what lies in S3 in parts", function()
  local place, s3, dir
  local identity, recipient = age.keygen()

  setup(function()
    place = faulty_s3.open("vault")
    s3 = place.s3
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    dir = scratch.new()
    math.randomseed(SEED)
  end)

  after_each(function()
    dir:close()
  end)

  --- What a program makes of bytes.
  local function by(command, bytes)
    local from = dir:write("from", bytes)
    assert(os.execute(("%s <%s >%s"):format(command, from, dir:path("made"))), command)
    return dir:read("made")
  end

  --- What comes from S3, by way of stages.
  local function down(...)
    local object <close> = s3_stream.open(s3, "vault", "k")
    local stages = { ... }
    stages[#stages + 1] = stream.text()
    local source = stream.bytes(function()
      return object()
    end)
    return stream.pipe(source, table.unpack(stages)).text
  end

  --- By awsbak's stages and by the programs, to S3 by the one and from there by the other.
  local function agree(wanted, pack, unpack, theirs)
    local plain = sized(function(bytes)
      return stream.pipe(stream.bytes(bytes), pack, stream.text()).text
    end, wanted)
    local sink = s3_sink.open("s3://vault/k", { s3 = s3, part_size = PART, force = true })
    stream.pipe(stream.bytes(plain), pack, sink)
    local there = down()
    assert.equal(wanted, #there)
    assert(plain == by(theirs.unpack, there), "theirs of ours")

    plain = sized(function(bytes)
      return by(theirs.pack, bytes)
    end, wanted)
    local handle <close> = assert(file.open(dir:write("object", by(theirs.pack, plain))))
    local options = { part_size = PART, force = true }
    s3_upload.put(handle, { s3 = s3, bucket = "vault", key = "k" }, options)
    assert(plain == down(unpack), "ours of theirs")
  end

  --- Around the first or the second border, at a random distance.
  local function around_border(...)
    local wanted = math.random(2) * PART + math.random(-2, 2)
    local ok, err = pcall(agree, wanted, ...)
    assert(ok, ("AWSBAK_SEED=%d, %d bytes: %s"):format(SEED, wanted, err))
  end

  it("is opened by age, as what age sealed is opened here", function()
    if not os.execute("command -v age >/dev/null") then
      return pending("no age here")
    end
    local key = shell.quote(dir:write("key", identity:reveal()))
    around_border(
      stream.seal({ recipients = { recipient } }),
      stream.open({ identities = { identity } }),
      { pack = "age -r " .. recipient, unpack = "age -d -i " .. key }
    )
  end)

  it("is read by zstd, as what zstd packed is read here", function()
    if not os.execute("command -v zstd >/dev/null") then
      return pending("no zstd here")
    end
    around_border(stream.zstd(), stream.unzstd(), { pack = "zstd -cq", unpack = "zstd -dcq" })
  end)
end)
