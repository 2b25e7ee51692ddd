--- Whatever is wrong with an archive is noticed before a record is handed out.

local archive = require("backup.archive")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local json = require("awsbak.core.json")
local key = require("awsbak.core.key")
local vault = require("spec.support.vault")

describe("an archive is refused", function()
  local box, dir

  before_each(function()
    box = vault.new()
    dir = box.dir
  end)
  after_each(function()
    box:close()
  end)

  local function write(...)
    return (box:save(...))
  end

  --- An archive with exactly these lines.
  local function with_lines(lines)
    return dir:write("forged", table.concat(lines, "\n") .. (#lines > 0 and "\n" or ""))
  end

  local function refused(path, code, message)
    local ok, err = pcall(box.read, box, path)
    assert.is_false(ok, "it was accepted")
    assert.equal("integrity", err.kind)
    assert.equal(code, err.code)
    assert.matches(message, err.message, 1, true)
    assert.matches(path, err.message, 1, true)
    assert.is_string(err.hint)
  end

  local SAMPLE = {
    { name = "/a", value = "1", tags = { k = "v" }, labels = json.array({ "x" }) },
    { name = "/b", value = "line\nfeed \0 é", empty = json.array({}) },
  }

  local function forged(edit)
    local lines = box:lines(write(SAMPLE))
    edit(lines)
    return with_lines(lines)
  end

  local function change(record, members)
    local value = json.decode(record)
    for name, new in pairs(members) do
      value[name] = new
    end
    return json.encode(value)
  end

  it("when it is empty, or something else", function()
    refused(dir:write("empty", ""), "empty", "the file is empty")
    for _, text in ipairs({
      "hello\n",
      "{}\n",
      "[1]\n",
      '{"record":"header","format":"other"}\n',
      "\0\0",
      "PK\3\4",
    }) do
      refused(dir:write("other", text), "not_archive", "is not an awsbak archive")
    end
  end)

  it("when its version is newer, or none", function()
    refused(
      forged(function(lines)
        lines[1] = change(lines[1], { version = 2 })
      end),
      "version",
      "format version 2"
    )
    refused(
      forged(function(lines)
        lines[1] = change(lines[1], { version = "1" })
      end),
      "not_archive",
      "without a version"
    )
  end)

  it("when a line is no record", function()
    for _, bad in ipairs({
      "{",
      "",
      "[]",
      '{"record":"item"}',
      '{"record":"new","name":"x"}',
      '{"name":"x"}',
    }) do
      refused(
        forged(function(lines)
          lines[2] = bad
        end),
        "record",
        "line 2"
      )
    end
  end)

  it("when a record comes twice", function()
    refused(
      forged(function(lines)
        lines[3] = lines[2]
      end),
      "duplicate",
      '"/a" is in it twice'
    )
  end)

  it("when its closing record is missing, repeated or malformed", function()
    refused(
      forged(function(lines)
        table.remove(lines)
      end),
      "no_end",
      "closing record is missing"
    )
    refused(
      forged(function(lines)
        lines[#lines + 1] = lines[#lines]
      end),
      "trailing",
      "something follows"
    )
    refused(
      forged(function(lines)
        lines[#lines] = '{"record":"end"}'
      end),
      "record",
      "malformed"
    )
    refused(
      forged(function(lines)
        lines[#lines] = change(lines[#lines], { signature = json.null })
      end),
      "record",
      "lacks the signature"
    )
    refused(
      forged(function(lines)
        lines[#lines] = change(lines[#lines], { signed = false })
      end),
      "record",
      "contradicts itself"
    )
  end)

  it("when records are missing, added or altered", function()
    refused(
      forged(function(lines)
        table.remove(lines, 2)
      end),
      "count",
      "it has 1 items and should have 2"
    )
    refused(
      forged(function(lines)
        lines[2] = change(lines[2], { value = "2" })
      end),
      "digest",
      "not what its closing record says"
    )
    refused(
      forged(function(lines)
        lines[2], lines[3] = lines[3], lines[2]
      end),
      "digest",
      "not what its closing record says"
    )
  end)

  it("when its signature is of something else", function()
    refused(
      forged(function(lines)
        local _, other = key.generate()
        lines[#lines] = change(lines[#lines], { signer = other })
      end),
      "signature",
      "signature is not valid"
    )
    refused(
      forged(function(lines)
        lines[#lines] = change(lines[#lines], { signature = codec.base64(("x"):rep(64)) })
      end),
      "signature",
      "signature is not valid"
    )
    refused(
      forged(function(lines)
        lines[2] = change(lines[2], { value = "2" })
        local before = table.concat(lines, "\n", 1, 3) .. "\n"
        lines[4] = change(lines[4], { sha256 = codec.hex(digest.digest("sha256", before)) })
      end),
      "signature",
      "signature is not valid"
    )
  end)

  it("when it is cut or altered anywhere, encrypted or not", function()
    for _, more in ipairs({ {}, { recipients = {}, plaintext = true } }) do
      local path = write({ { name = "/a", value = "1" } }, more)
      local whole = dir:read("a.age")
      for at = 1, #whole do
        dir:write("a.age", whole:sub(1, at - 1))
        assert.is_false((pcall(box.read, box, path)), "cut before byte " .. at)
        local flipped = string.char(whole:byte(at) ~ (1 << at % 8))
        dir:write("a.age", whole:sub(1, at - 1) .. flipped .. whole:sub(at + 1))
        local ok, records = pcall(box.read, box, path)
        -- Bits of a zstd frame that say nothing about its content may differ in a plaintext one.
        assert.is_true(
          not ok or (more.plaintext and records[1].value == "1"),
          "flipped byte " .. at
        )
      end
    end
  end)

  it("when it changes between the check and the reading", function()
    local path = write(SAMPLE, { recipients = {}, plaintext = true })
    local a <close> = archive.open(path)
    a:verify()
    local forged_lines = box:lines(path)
    forged_lines[2] = change(forged_lines[2], { value = "evil" })
    dir:write("a.age", table.concat(forged_lines, "\n") .. "\n")
    local ok, err = pcall(function()
      for _ in a:records() do
      end
    end)
    assert.is_false(ok)
    assert.equal("changed", err.code)
  end)
end)
