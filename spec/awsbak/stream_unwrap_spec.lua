--- stream.open where somebody else unwraps the file key: the pipe waits for it with the header.

local age = require("awsbak.core.age")
local errors = require("awsbak.errors")
local noise = require("spec.support.noise")
local parties = require("backup.age.parties")
local scratch = require("spec.support.scratch")
local secret = require("awsbak.core.secret")
local stream = require("awsbak.stream")
local task = require("awsbak.task")

local STANZA = "-> other word\nYm9keQ\n"

--- A file whose key only its stanza's owner has; what it is of, and the key.
local function seal(size, armor)
  local bytes, file_key = noise(size), age.file_key()
  local stage = stream.seal({ file_key = file_key, stanzas = { STANZA }, armor = armor })
  return stream.pipe(stream.bytes(bytes), stage, stream.text()).text, bytes, file_key
end

--- A source that gives `bytes` in pieces of one size, and then awaits before it ends.
local function pieces(bytes, size)
  local at = 1
  return stream.bytes(function()
    task.sleep(0)
    if at <= #bytes then
      local piece = bytes:sub(at, at + size - 1)
      at = at + size
      return piece
    end
  end)
end

describe("stream.open with unwrap", function()
  it("asks once, with the header, and goes on where it stood", function()
    local identity = age.keygen()
    for _, size in ipairs({ 0, 1, 65536, 3000000 }) do
      for _, armor in ipairs({ false, true }) do
        local sealed, bytes, file_key = seal(size, armor)
        for _, piece in ipairs({ 700, 100000, #sealed }) do
          if #sealed / piece < 2000 then
            local asked = 0
            local function unwrap(header, why)
              asked = asked + 1
              assert.equal("age_no_match", why.code)
              assert.same({ "other", "word", text = STANZA }, age.stanzas(header)[1])
              task.sleep(0)
              return file_key
            end
            local opened = stream.open({ identities = { identity }, unwrap = unwrap })
            local done = stream.pipe(pieces(sealed, piece), opened, stream.text())
            assert.is_true(bytes == done.text, ("%d bytes by %d"):format(size, piece))
            assert.equal(1, asked)
          end
        end
      end
    end
  end)

  it("may stand anywhere, more than once, between files", function()
    local dir <close> = scratch.new()
    local bytes, outer, inner = noise(2000000), age.file_key(), age.file_key()
    local function sealed(key)
      return stream.seal({ file_key = key, stanzas = { STANZA } })
    end
    local function opened(key)
      return stream.open({
        unwrap = function()
          return key
        end,
      })
    end
    local path, back = dir:path("x"), dir:path("back")
    stream.pipe(
      stream.bytes(bytes),
      sealed(inner),
      stream.gzip({ level = 1 }),
      sealed(outer),
      stream.save(path)
    )
    stream.pipe(
      stream.file(path),
      stream.digest("md5"),
      opened(outer),
      stream.gunzip(),
      opened(inner),
      stream.save(back)
    )
    assert.is_true(bytes == dir:read("back"))
  end)

  it("is not asked where an identity opens the file, nor of what is none", function()
    local identity, recipient = age.keygen()
    local function never()
      error("asked")
    end
    local to = stream.seal({ recipients = { recipient } })
    local text = stream.pipe(stream.bytes("x"), to, stream.text()).text
    local opened = stream.open({ identities = { identity }, unwrap = never })
    assert.equal("x", stream.pipe(stream.bytes(text), opened, stream.text()).text)
    for _, broken in ipairs({ "", "no age", text:sub(1, 100) }) do
      opened = stream.open({ unwrap = never })
      local _, err = errors.try(stream.pipe, stream.bytes(broken), opened, stream.text())
      assert.equal("integrity", err.kind)
    end
  end)

  it("fails as the stage when it raises, gives no key, or the key of another file", function()
    local sealed = seal(10)
    local function fails(unwrap)
      local opened = stream.open({ unwrap = unwrap })
      local _, err = errors.try(stream.pipe, stream.bytes(sealed), opened, stream.text())
      assert.matches("stage 1 (open): ", err.message, 1, true)
      return err
    end
    local err = fails(function(_, why)
      error(why, 0)
    end)
    assert.equal("age_no_match", err.code)
    err = fails(function()
      return secret.new("short")
    end)
    assert.equal("file_key", err.code)
    err = fails(function() end)
    assert.equal("bad_argument", err.code)
    err = fails(function()
      return (age.file_key())
    end)
    assert.equal("age_mac", err.code)
  end)

  it("can be cancelled while it is asked", function()
    local sealed = seal(3000000)
    local opened = stream.open({
      unwrap = function()
        task.sleep(60)
      end,
    })
    local _, err = errors.try(task.timeout, 0.05, function()
      return stream.pipe(stream.bytes(sealed), opened, stream.text())
    end)
    assert.equal("timeout", err.kind)
  end)
end)

describe("parties.open and parties.seal", function()
  it("pass over nothing that they are given", function()
    local mine = age.keygen():reveal()
    local function refuses(f, given, pattern)
      local _, err = errors.try(f, given)
      assert.equal("usage", err.kind)
      assert.matches(pattern, tostring(err), 1, true)
      assert.is_nil(tostring(err):find(mine:sub(1, 20), 1, true))
    end
    local function open(given)
      return stream.open(parties.open(given))
    end
    refuses(open, nil, "what parties.open is given is nothing")
    refuses(open, mine, "what parties.open is given is the text of an age identity")
    refuses(open, { identities = mine }, "option identities of parties.open is a string, not")
    refuses(open, { identities = { 1 } }, "option identities of parties.open is a table, not")
    refuses(open, { identity = mine }, 'stream.open has no option "identity"')
    refuses(parties.seal, "age1x", "what parties.seal is given is a string, not")
  end)

  it("hint at no command with what a shell would act on", function()
    local function hint(arn)
      local stage = stream.seal({
        file_key = age.file_key(),
        stanzas = { "-> aws-kms " .. arn .. "\nYm9keQ\n" },
      })
      local sealed = stream.pipe(stream.bytes("x"), stage, stream.text()).text
      local opened = stream.open(parties.open({ identities = { (age.keygen()) } }))
      local _, err = errors.try(stream.pipe, stream.bytes(sealed), opened, stream.text())
      assert.equal("age_no_match", err.code)
      return err.hint or ""
    end
    local arn = "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd"
    assert.matches("awsbak keygen --kms " .. arn, hint(arn), 1, true)
    for _, odd in ipairs({ "`id`", "$(id)", ";id", "|id", "'" }) do
      assert.is_nil(hint(arn .. odd):find(odd, 1, true))
    end
  end)
end)
