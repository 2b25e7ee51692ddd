local age = require("awsbak.core.age")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local noise = require("spec.support.noise")
local scratch = require("spec.support.scratch")
local secret = require("awsbak.core.secret")
local shell = require("spec.support.shell")
local stream = require("awsbak.stream")

local BORDERS = { 0, 1, 65535, 65536, 65537, 131072, 262143, 262144, 262145, 655360 }
local CHEAP = 2 -- scrypt work factor

--- A source that gives `bytes` in pieces of one size.
local function pieces(bytes, size)
  local at = 1
  return stream.bytes(function()
    if at <= #bytes then
      local piece = bytes:sub(at, at + size - 1)
      at = at + size
      return piece
    end
  end)
end

local function through(bytes, ...)
  local stages = { ... }
  stages[#stages + 1] = stream.text()
  return stream.pipe(stream.bytes(bytes), table.unpack(stages)).text
end

local function fails(bytes, ...)
  local _, err = errors.try(through, bytes, ...)
  assert(err, "it did not fail")
  return err
end

local function has(program)
  return os.execute("command -v " .. program .. " >/dev/null") == true
end

local function hmac(key, message)
  local function padded(byte)
    return (key .. ("\0"):rep(64 - #key)):gsub(".", function(c)
      return string.char(c:byte() ~ byte)
    end)
  end
  local inner = digest.digest("sha256", padded(0x36) .. message)
  return digest.digest("sha256", padded(0x5c) .. inner)
end

--- A file as another program may write it: `count` stanzas that nobody here knows in its header,
--- whose MAC is right (age-encryption.org/v1: of HKDF's key for "header").
local function with_header(count, plain)
  local stanza, file_key = "-> other " .. ("A"):rep(64) .. "\nYm9keQ\n", age.file_key()
  local sealed = through(plain, stream.seal({ file_key = file_key, stanzas = { stanza } }))
  local payload = sealed:match("\n%-%-%- [^\n]+\n(.*)")
  local key = hmac(hmac(("\0"):rep(32), file_key:reveal()), "header\1")
  local header = "age-encryption.org/v1\n" .. stanza:rep(count) .. "---"
  local mac = codec.base64(hmac(key, header)):gsub("=", "")
  return ("%s %s\n%s"):format(header, mac, payload), file_key
end

describe("age in a pipe", function()
  local identity, recipient = age.keygen()
  local seal = stream.seal({ recipients = { recipient } })
  local open = stream.open({ identities = { identity } })

  it("opens what it sealed, in armor or not, around the borders of chunks", function()
    for _, size in ipairs(BORDERS) do
      local plain = noise(size)
      for _, armor in ipairs({ false, true }) do
        local to = stream.seal({ recipients = { recipient }, armor = armor })
        local sealed = through(plain, to)
        assert.equal(armor, sealed:find("-----BEGIN AGE", 1, true) == 1)
        for _, step in ipairs({ 1000, 65552, 300000 }) do
          local done = stream.pipe(pieces(sealed, step), open, stream.text())
          assert.is_true(plain == done.text, size)
        end
      end
    end
  end)

  it("opens a file with a long header, in armor or not", function()
    local plain = noise(300000)
    local sealed, file_key = with_header(3000, plain)
    local lines = codec.base64(sealed):gsub(("."):rep(64), "%0\n"):gsub("\n$", "")
    local border = "-----%s AGE ENCRYPTED FILE-----\n"
    local armored = border:format("BEGIN") .. lines .. "\n" .. border:format("END")
    for _, text in ipairs({ sealed, armored }) do
      for _, step in ipairs({ 7000, #text }) do
        local opened = stream.open({ file_key = file_key })
        local done = stream.pipe(pieces(text, step), opened, stream.text())
        assert.is_true(plain == done.text, step)
      end
    end
  end)

  it("agrees with the age program", function()
    if not has("age") then
      return pending("no age here")
    end
    local dir <close> = scratch.new()
    local key = shell.quote(dir:write("key", identity:reveal()))
    local made = dir:path("made")
    for i, size in ipairs(BORDERS) do
      local plain = noise(size)
      local from = dir:write("plain", plain)
      local to = stream.save(dir:path("sealed"), { force = true })
      local armor = i % 2 == 0
      local ours = stream.seal({ recipients = { recipient }, armor = armor })
      stream.pipe(stream.file(from), stream.zstd(), ours, to)
      local command = "age -d -i %s %s | zstd -dcq >%s"
      assert(os.execute(command:format(key, dir:path("sealed"), made)))
      assert.is_true(plain == dir:read("made"), size)
      command = "zstd -cq <%s | age %s -r %s >%s"
      assert(os.execute(command:format(from, armor and "-a" or "", recipient, made)))
      local done = stream.pipe(stream.file(made), open, stream.unzstd(), stream.text())
      assert.is_true(plain == done.text, size)
    end
  end)

  it("has passphrases, and many recipients", function()
    local word = secret.new("correct")
    local sealed = through("x", stream.seal({ passphrase = word, work_factor = CHEAP }))
    assert.equal("x", through(sealed, stream.open({ passphrase = "correct" })))
    assert.equal("integrity", fails(sealed, stream.open({ passphrase = "wrong" })).kind)
    local recipients, last = {}, nil
    for i = 1, 200 do
      last, recipients[i] = age.keygen()
    end
    for _, armor in ipairs({ false, true }) do
      local plain = noise(300000)
      local many = through(plain, stream.seal({ recipients = recipients, armor = armor }))
      assert.is_true(plain == through(many, stream.open({ identities = { last } })))
    end
  end)

  it("says that there are too many recipients, or identities", function()
    for name, key in pairs({ recipients = recipient, identities = identity }) do
      local list = {}
      for i = 1, 257 do
        list[i] = key
      end
      local stage = name == "recipients" and stream.seal or stream.open
      local err = fails("x", stage({ [name] = list }))
      assert.equal("config", err.kind)
      assert.matches("there are more than 256 " .. name, err.message, 1, true)
    end
  end)

  it("takes a file key and stanzas that others made", function()
    local file_key = errors.check(age.file_key())
    local stanza = "-> awskms a b\n" .. ("A"):rep(42) .. "I\n"
    local to = { recipients = { recipient }, file_key = file_key, stanzas = { stanza } }
    local sealed = through("x", stream.seal(to))
    assert.matches(stanza, sealed, 1, true)
    assert.equal("x", through(sealed, stream.open({ file_key = file_key })))
    assert.equal("x", through(sealed, open))
    to = { file_key = file_key, stanzas = { stanza } }
    assert.equal("x", through(through("x", stream.seal(to)), stream.open({ file_key = file_key })))
    for _, half in ipairs({ { file_key = file_key }, { stanzas = { stanza } } }) do
      half.recipients = { recipient }
      local _, err = errors.try(stream.seal, half)
      assert.matches("go together", err.message, 1, true)
    end
  end)

  it("tells what is cut short, damaged, prolonged, for another, or no age file", function()
    local sealed = through(noise(200000), seal)
    for _, cut in ipairs({ 0, 1, 100, 190, 65736, 66000, #sealed - 1 }) do
      local err = fails(sealed:sub(1, cut), open)
      assert.equal("integrity", err.kind, cut)
      assert.matches("from bytes to a text, stage 1 (open): ", err.message, 1, true)
    end
    for _, at in ipairs({ 30, 150, 200, 70000, #sealed }) do
      local flipped = string.char(sealed:byte(at) ~ 1)
      local err = fails(sealed:sub(1, at - 1) .. flipped .. sealed:sub(at + 1), open)
      assert.equal("integrity", err.kind, at)
    end
    assert.equal("integrity", fails(sealed .. "x", open).kind)
    assert.equal("integrity", fails(sealed .. sealed, open).kind)
    local stranger = stream.open({ identities = { (age.keygen()) } })
    assert.equal("age_no_match", fails(sealed, stranger).code)
    assert.equal("age_header", fails("", open).code)
    local nothing = { "hello", ("\n"):rep(5000), noise(600000), "age-encryption.com" }
    for _, text in ipairs(nothing) do
      local err = fails(text, open)
      assert.equal("not_age", err.code)
      assert.matches("(open): it is no age file", err.message, 1, true)
    end
    for _, text in ipairs({ sealed:gsub("/v1\n", "/v2\n"), "age-encryption.org/v10\nhello" }) do
      assert.equal("age_version", fails(text, open).code)
    end
    assert.equal("integrity", fails("-----BEGIN AGE" .. ("A"):rep(600000), open).kind)
    assert.equal("integrity", fails("age-encryption.org/v1\n" .. ("A"):rep(600000), open).kind)
  end)

  it("publishes nothing of what is cut at the end of a chunk", function()
    local dir <close> = scratch.new()
    local sealed = through(noise(200000), seal)
    local head = #sealed - (200000 + 4 * 16)
    local from = stream.bytes(sealed:sub(1, head + 2 * (65536 + 16)))
    local _, err = errors.try(stream.pipe, from, open, stream.save(dir:path("y")))
    assert.equal("age_truncated", err.code)
    assert.same({}, dir:list())
  end)

  it("is for somebody, and says which text is no key", function()
    for _, given in ipairs({
      {},
      { recipients = {} },
      { recipients = { recipient }, passphrase = "x" },
      { recipients = recipient },
      { passphrase = "" },
      { passphrase = "x", work_factor = 21 },
    }) do
      local _, err = errors.try(stream.seal, given)
      assert.equal("usage", err.kind)
      assert.is_nil(err.message:find(recipient, 1, true))
    end
    local _, err = errors.try(stream.seal, { passphrase = "x", work_factor = 21 })
    assert.matches("work_factor of stream.seal is 21, not from 1 to 20", err.message, 1, true)
    assert.matches("max_work_factor", err.hint, 1, true)
    local costly = through("x", stream.seal({ passphrase = "x", work_factor = CHEAP }))
    err = fails(costly, stream.open({ passphrase = "x", max_work_factor = 1 }))
    assert.equal("age_work_factor", err.code)
    assert.matches("max_work_factor", err.hint, 1, true)
    err = fails("x", stream.seal({ recipients = { "age1nobody" } }))
    assert.equal("config", err.kind)
    assert.matches("stage 1 (seal): ", err.message, 1, true)
    err = fails("x", stream.open({ identities = { "no key" } }))
    assert.equal("config", err.kind)
    assert.matches("no identity", fails(through("x", seal), stream.open()).message, 1, true)
  end)

  it("does not repeat an identity given in the wrong place", function()
    local mine = age.keygen():reveal()
    local function check(f, given)
      local _, err = errors.try(f, given)
      assert.equal("usage", err.kind)
      assert.is_nil(tostring(err):upper():find("KEY%-1"))
      assert.matches("the text of an age identity", err.message, 1, true)
    end
    check(stream.open, mine)
    check(stream.open, { [mine] = true })
    check(stream.seal, mine:lower())
    check(stream.seal, { recipients = mine })
    check(stream.digest, mine)
    check(function(source)
      stream.pipe(source, stream.text())
    end, mine)
  end)
end)
