local archive = require("backup.archive")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local file = require("awsbak.core.file")
local json = require("awsbak.core.json")
local key = require("awsbak.core.key")
local task = require("awsbak.task")
local vault = require("spec.support.vault")

describe("an archive", function()
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

  local SAMPLE = {
    { name = "/a", value = "1", tags = { k = "v" }, labels = json.array({ "x" }) },
    { name = "/b", value = "line\nfeed \0 é", empty = json.array({}) },
  }

  describe("brings back", function()
    it("its records, in order", function()
      assert.same(SAMPLE, (box:read(write(SAMPLE))))
    end)

    it("every byte, also of what is not UTF-8", function()
      local bytes = {}
      for i = 0, 255 do
        bytes[#bytes + 1] = string.char(i)
      end
      local record = { name = "\255", value = table.concat(bytes), list = { "a", "\xed\xa0\x80" } }
      local path = write({ record })
      assert.same({ record }, (box:read(path)))
      assert.matches('"name":{"$base64":"/w=="}', box:lines(path)[2], 1, true)
    end)

    it("the same from armor", function()
      local path = write(SAMPLE, { armor = true })
      assert.matches("^%-%-%-%-%-BEGIN AGE ENCRYPTED FILE%-%-%-%-%-\n", dir:read("a.age"))
      assert.same(SAMPLE, (box:read(path)))
      local ok, err = pcall(write, {}, { armor = true, recipients = {}, plaintext = true })
      assert.is_false(ok)
      assert.equal("armor", err.code)
    end)

    it("integers beyond 2^53, and empty lists as lists", function()
      local path = write({ { name = "a", n = 9007199254740993, list = json.array({}) } })
      assert.equal(9007199254740993, box:read(path)[1].n)
      assert.matches('"list":[]', box:lines(path)[2], 1, true)
    end)

    it("nothing when there was nothing", function()
      local records, found = box:read(write({}))
      assert.same({}, records)
      assert.equal(0, found.count)
    end)

    it("thousands of records, added by several tasks", function()
      local path = dir:path("many")
      task.run(function()
        local out <close> = archive.create(path, box:options())
        local i = 0
        task.each(
          function()
            i = i + 1
            return i <= 3000 and i or nil
          end,
          8,
          function(n)
            out:add({
              name = "/p/" .. n,
              value = codec.hex(digest.digest("sha512", "" .. n)),
            })
          end
        )
        assert.equal(3000, out:commit().count)
      end)
      local records = box:read(path)
      assert.equal(3000, #records)
    end)
  end)

  describe("begins and ends with", function()
    it("what it is, and proof that this is all", function()
      local path, done = box:save(SAMPLE, {
        account = "123456789012",
        region = "eu-west-1",
        fields = { paths = json.array({ "/a" }) },
      }, { unreadable = { { name = "/x" } } })
      local lines = box:lines(path)
      local header, closing = json.decode(lines[1]), json.decode(lines[#lines])
      assert.equal("awsbak archive", header.format)
      assert.equal(1, header.version)
      assert.equal("test", header.kind)
      assert.equal("123456789012", header.account)
      assert.same({ "/a" }, header.paths)
      assert.matches("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$", header.time)
      assert.same({ { name = "/x" } }, closing.unreadable)
      assert.equal(2, closing.count)
      assert.equal(2, done.count)
      assert.equal(path, done.location)

      local before = table.concat(lines, "\n", 1, #lines - 1) .. "\n"
      local sha256 = digest.digest("sha256", before)
      assert.equal(codec.hex(sha256), closing.sha256)
      assert.equal(box.signer, closing.signer)
      local signed = "awsbak archive v1\n" .. sha256 .. "2"
      assert.is_true(key.verify(box.signer, signed, codec.unbase64(closing.signature)))
    end)
  end)

  describe("is encrypted", function()
    it("unless it is to be plaintext", function()
      local _, found = box:read(write(SAMPLE))
      assert.is_true(found.form.encrypted)
      _, found = box:read(write(SAMPLE, { recipients = {}, plaintext = true }))
      assert.is_false(found.form.encrypted)
    end)

    it("with a passphrase from a file", function()
      local pass = dir:path("pass")
      assert(file.create_exclusive(pass, "horse\n"))
      local path = write(SAMPLE, { recipients = {}, passphrase_file = pass, work_factor = 2 })
      local a <close> = archive.open(path, { passphrase_file = pass })
      assert.equal(2, a:verify().count)
    end)

    it("to one kind of key at a time", function()
      local ok, err = pcall(write, {}, { plaintext = true })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      assert.matches("only one of", err.hint, 1, true)
      assert.is_nil(dir:read("a.age"))
    end)

    it("naming the recipient that is none", function()
      local ok, err = pcall(write, {}, { recipients = { box.recipient, "foo" } })
      assert.is_false(ok)
      assert.matches('"foo" is not an age recipient', err.message, 1, true)
    end)

    it("to our own key by default, and not at all without one", function()
      local ok, err = pcall(write, {}, { recipients = {} })
      assert.is_false(ok)
      assert.equal("no_recipient", err.code)
      require("backup.keys").generate()
      local path = write(SAMPLE, { recipients = {} })
      local a <close> = archive.open(path)
      assert.equal(2, a:verify().count)
    end)

    it("and says how to give the key when it does not open", function()
      local path = write(SAMPLE)
      local a <close> = archive.open(path)
      local ok, err = pcall(a.verify, a)
      assert.is_false(ok)
      assert.equal("age_no_match", err.code)
      assert.matches("--identity", err.hint, 1, true)
    end)
  end)

  describe("is signed", function()
    it("by this host's key, which it trusts", function()
      local made = require("backup.keys").generate()
      local all = box:options()
      all.signing_key = nil
      local out <close> = archive.create(dir:path("own"), all)
      out:commit()
      local _, found = box:read(dir:path("own"))
      assert.equal(made.signer, found.signer)
      assert.equal("own", found.trust)
    end)

    it("by one that signers.txt lists", function()
      assert(file.mkdirs(dir:path("config/awsbak")))
      dir:write("config/awsbak/signers.txt", box.signer .. " vault\n")
      local _, found = box:read(write({}))
      assert.equal("listed", found.trust)
      assert.equal("vault", found.signer_name)
    end)

    it("by one that is named, or by anybody when that is asked for", function()
      local path = write({})
      local _, other = key.generate()
      assert.equal("unknown", select(2, box:read(path)).trust)
      assert.equal("unknown", select(2, box:read(path, other)).trust)
      assert.equal("given", select(2, box:read(path, box.signer)).trust)
      assert.equal("given", select(2, box:read(path, "any")).trust)
      local ok, err = pcall(box.read, box, path, "me")
      assert.is_false(ok)
      assert.equal("usage", err.kind)
    end)

    it("or marked as unsigned, which is said once", function()
      local all = box:options()
      all.signing_key = nil
      local out <close> = archive.create(dir:path("unsigned"), all)
      out:commit()
      assert.equal(1, #box.warnings)
      assert.matches("not signed", box.warnings[1], 1, true)
      local _, found = box:read(dir:path("unsigned"))
      assert.is_false(found.signed)
      assert.equal("unsigned", found.trust)
      assert.equal("given", select(2, box:read(dir:path("unsigned"), "any")).trust)
    end)
  end)

  describe("target", function()
    it("shows nothing until commit, and nothing after a failure", function()
      local path = dir:path("out")
      local ok = pcall(function()
        local out <close> = archive.create(path, box:options())
        out:add(SAMPLE[1])
        assert.is_nil(dir:read("out"))
        error("stop")
      end)
      assert.is_false(ok)
      assert.same({}, dir:list())
    end)

    it("that exists is left alone unless forced", function()
      dir:write("a.age", "old")
      local ok, err = pcall(archive.create, dir:path("a.age"), box:options())
      assert.is_false(ok)
      assert.equal("EEXIST", err.code)
      assert.equal("old", dir:read("a.age"))
      local out <close> = archive.create(dir:path("a.age"), box:options({ force = true }))
      out:commit()
      assert.equal(0, select(2, box:read(dir:path("a.age"))).count)
    end)
  end)

  it("is not changed by a record it refuses", function()
    local out <close> = archive.create(dir:path("x"), box:options())
    assert.is_false(pcall(out.add, out, { name = "/a", value = 0 / 0 }))
    assert.is_false(out:has("/a"))
    out:add({ name = "/a", value = "v" })
    out:commit()
    assert.same({ { name = "/a", value = "v" } }, (box:read(dir:path("x"))))
  end)

  describe("raises when", function()
    local function create()
      return archive.create(dir:path("x"), box:options())
    end

    it("a name is added twice", function()
      local out <close> = create()
      out:add({ name = "/a" })
      assert.error_matches(function()
        out:add({ name = "/a" })
      end, "added twice")
    end)

    it("a record cannot be kept as it is", function()
      local out <close> = create()
      assert.error(function()
        out:add({ value = "x" })
      end)
      assert.error(function()
        out:add({ name = "/a", record = "mine" })
      end)
      local ok, err = pcall(out.add, out, { name = "/b", value = { ["$base64"] = "eA==" } })
      assert.is_false(ok)
      assert.equal("usage", err.kind)
      ok, err = pcall(out.add, out, { name = "/c", value = ("x"):rep(16 << 20) })
      assert.is_false(ok)
      assert.equal("too_large", err.code)
    end)

    it("an option or a member is not known", function()
      local _, err = errors.try(archive.create, "x", { kind = "test", recipient = box.recipient })
      assert.matches('no option "recipient"', err.message, 1, true)
      _, err = errors.try(archive.open, "x", { identity = "x" })
      assert.matches('no option "identity"', err.message, 1, true)
      local out <close> = create()
      assert.error_matches(function()
        out:commit({ count = 1 })
      end, "reserved")
    end)

    it("what it is given is of another kind", function()
      local SECRET = "AGE-SECRET-KEY-1QQQ"
      for _, call in ipairs({
        { archive.create },
        { archive.create, "x" },
        { archive.create, {}, { kind = "test" } },
        { archive.create, "x", {} },
        { archive.open },
        { archive.open, "x", "y" },
        { archive.open, "x\0y" },
        { archive.open, "x", { identities = SECRET } },
        { archive.open, "x", { identities = { 5 } } },
        { archive.open, "x", { passphrase = 5 } },
        { archive.create, "x\0y", { kind = "test", plaintext = true } },
        { archive.create, "x", { kind = "test", recipients = 1 } },
        { archive.create, "x", { kind = "test", recipients = { 1 } } },
        { archive.create, "x", { kind = "test", passphrase = "" } },
        { archive.create, "x", { kind = "test", passphrase = true } },
        { archive.create, "x", { kind = "test", work_factor = "x" } },
        { archive.create, dir:path("x"), { kind = "test", passphrase = SECRET, work_factor = 21 } },
      }) do
        local _, err = errors.try(table.unpack(call))
        assert.equal("usage", err.kind, tostring(err))
        assert.is_nil(tostring(err):find(SECRET, 1, true))
      end
      assert.same({}, dir:list())
    end)

    it("a method is called with a dot", function()
      local out <close> = create()
      local a <close> = archive.open(write(SAMPLE))
      for _, call in ipairs({
        { out.add, { name = "/a" } },
        { out.commit },
        { a.verify },
        { a.records },
      }) do
        local _, err = errors.try(table.unpack(call))
        assert.matches("write a colon", err.hint, 1, true)
      end
    end)

    it("it is added to, or committed, after it was committed or closed", function()
      local out <close> = create()
      out:add({ name = "/a" })
      out:commit()
      for _, call in ipairs({ out.add, out.commit }) do
        local _, err = errors.try(call, out, { name = "/b" })
        assert.equal("usage", err.kind)
        assert.matches("was committed", err.message, 1, true)
      end
      out:close()
      os.remove(dir:path("x"))
      local other = create()
      other:close()
      local _, err = errors.try(other.add, other, { name = "/b" })
      assert.matches("was closed", err.message, 1, true)
    end)

    it("records are read before they are verified", function()
      local a <close> = archive.open(write(SAMPLE))
      local _, err = errors.try(a.records, a)
      assert.equal("usage", err.kind)
      assert.matches("verified before", err.message, 1, true)
    end)

    it("it is read after it was closed", function()
      local a = archive.open(write(SAMPLE))
      a:close()
      for _, call in ipairs({ a.verify, a.records }) do
        local _, err = errors.try(call, a)
        assert.equal("usage", err.kind)
        assert.matches("was closed", err.message, 1, true)
      end
    end)
  end)
end)
