--- age files for keys of KMS, beside moto's KMS.

local age = require("awsbak.core.age")
local archive = require("backup.archive")
local aws = require("aws")
local errors = require("awsbak.errors")
local kms = require("backup.age.kms")
local moto = require("spec.support.moto")
local operator = require("spec.support.operator")
local outside = require("awsbak.outside")
local parties = require("backup.age.parties")
local stanza = require("backup.age.stanza")
local stream = require("awsbak.stream")
local vault = require("spec.support.vault")

local ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"

describe("a key of KMS", function()
  local box, endpoint, key, other, api

  setup(function()
    endpoint = moto.fresh()
    box = vault.new()
    local configured = outside.getenv
    local env = {
      AWS_ACCESS_KEY_ID = "AKIDSPEC",
      AWS_SECRET_ACCESS_KEY = "spec-secret",
      AWS_REGION = "us-east-1",
      AWS_ENDPOINT_URL = endpoint,
    }
    outside.getenv = function(name)
      return env[name] or configured(name)
    end
    api = aws.client("kms", { region = "us-east-1" })
    key = api.create_key({}).KeyMetadata.Arn
    other = api.create_key({}).KeyMetadata.Arn
  end)
  teardown(function()
    box:close()
  end)

  local RECORDS = { { name = "/a", value = "1" } }

  local function save(recipients)
    return (box:save(RECORDS, { recipients = recipients }))
  end

  local function read(path, identities)
    local a <close> = archive.open(path, { identities = identities })
    a:verify("any")
    local records = {}
    for record in a:records() do
      records[#records + 1] = record
    end
    return records
  end

  local function refused(path, identities)
    local _, err = errors.try(read, path, identities)
    return err
  end

  it("locks an archive and opens it, under every name it has", function()
    api.create_alias({ AliasName = "alias/backup", TargetKeyId = key })
    local alias = "arn:aws:kms:us-east-1:123456789012:alias/backup"
    for _, recipient in ipairs({ key, kms.recipient(key), alias, kms.recipient(alias) }) do
      local path = save({ recipient })
      for _, identity in ipairs({ kms.identity(key), kms.identity("") }) do
        assert.same(RECORDS, read(path, { identity }))
      end
    end
  end)

  it("opens a stream", function()
    local path = box.dir:path("stream.age")
    stream.pipe(stream.bytes("hello"), stream.seal(parties.seal({ key })), stream.save(path))
    local mine = age.keygen()
    local opened = stream.open(parties.open({ identities = { mine, kms.identity(key) } }))
    assert.equal("hello", stream.pipe(stream.file(path), opened, stream.text()).text)
    opened = stream.open(parties.open({ identities = { mine } }))
    local _, err = errors.try(stream.pipe, stream.file(path), opened, stream.text())
    assert.matches("awsbak keygen --kms " .. key, err.hint, 1, true)
  end)

  it("stands beside other recipients, which need no KMS", function()
    local identity, recipient = age.keygen()
    local path = save({ key, recipient })
    assert.same(RECORDS, read(path, { kms.identity(key), identity }))
    assert.same(RECORDS, read(path, { kms.identity(key) }))
    local calls = 0
    local send = outside.send
    outside.send = function(request)
      calls = calls + 1
      return send(request)
    end
    local records = read(path, { kms.identity(key), identity })
    outside.send = send
    assert.same(RECORDS, records)
    assert.equal(0, calls)
  end)

  it("does not open what is for another, and says for which it is", function()
    local path = save({ other })
    local err = refused(path, { kms.identity(key) })
    assert.equal("age_no_match", err.code)
    err = refused(path, {})
    assert.equal("age_no_match", err.code)
    assert.matches(other, err.hint, 1, true)
    assert.matches("awsbak keygen --kms", err.hint, 1, true)
  end)

  -- Call `f` with another KMS than moto's: decrypt(input, region).
  local function beside(decrypt, f, ...)
    local module = package.loaded["aws.kms"]
    package.loaded["aws.kms"] = {
      new = function(options)
        return {
          decrypt = function(input)
            return decrypt(input, options.region)
          end,
        }
      end,
    }
    local results = table.pack(pcall(f, ...))
    package.loaded["aws.kms"] = module
    assert(results[1], results[2])
    return table.unpack(results, 2, results.n)
  end

  it("is told of when KMS refuses", function()
    local path = save({ other })
    local err = beside(function()
      errors.raise({ kind = "service", code = "AccessDeniedException", message = "you may not" })
    end, refused, path, { kms.identity(other) })
    assert.equal("service", err.kind)
    assert.equal(("cannot decrypt with %s: you may not"):format(other), err.message)
    local missing = ARN:gsub("1234abcd", "00000000")
    local _, failure = errors.try(save, { missing })
    assert.equal("service", failure.kind)
    assert.matches("cannot encrypt to " .. missing, failure.message, 1, true)
  end)

  it("opens nothing that was wrapped for another purpose", function()
    local blob =
      api.encrypt({ KeyId = key, Plaintext = ("k"):rep(16), EncryptionContext = { a = "b" } })
    local stanzas = age.stanzas(stanza.text({ "aws-kms", key }, blob.CiphertextBlob))
    assert.is_nil(kms.unwrap({ key }, stanzas))
  end)

  it("that a stanza names wrongly is damage", function()
    local malformed = {
      { "aws-kms" },
      { "aws-kms", "alias/backup" },
      { "aws-kms", ARN, "more" },
      { "aws-kms", (ARN:gsub(":kms:", ":s3:")) },
      { "aws-kms", (ARN:gsub(":key/", ":alias/")) },
    }
    for _, words in ipairs(malformed) do
      local _, err = errors.try(kms.unwrap, { "" }, age.stanzas(stanza.text(words, "x")))
      assert.equal("age_header", err.code)
    end
    local many = stanza.text({ "aws-kms", ARN }, "x"):rep(17)
    local _, err = errors.try(kms.unwrap, { "" }, age.stanzas(many))
    assert.matches("more than 16", err.message)
  end)

  it("of several regions is opened in each", function()
    local asked = {}
    local function replica(region)
      return ("arn:aws:kms:%s:123456789012:key/mrk-1234"):format(region)
    end
    local stanzas = age.stanzas(stanza.text({ "aws-kms", replica("us-east-1") }, "x"))
    local file_key = beside(function(input, region)
      asked[#asked + 1] = { region, input.KeyId }
      return { Plaintext = ("k"):rep(16) }
    end, kms.unwrap, { replica("eu-west-1") }, stanzas)
    assert.equal(("k"):rep(16), file_key:reveal())
    assert.same({ { "eu-west-1", replica("eu-west-1") } }, asked)
  end)

  it("has texts that only it has", function()
    assert.same({ "awskms", ARN }, { age.plugin(kms.recipient(ARN)) })
    assert.same({ "awskms", ARN }, { age.plugin(kms.identity(ARN)) })
    assert.same({ "awskms", "" }, { age.plugin(kms.identity("")) })
    for _, bad in ipairs({ "", "alias/x", "arn:aws:kms::1:key/x", "arn:aws:s3:::x", ARN .. " " }) do
      local _, err = errors.try(kms.recipient, bad)
      assert.equal("key", err.code)
    end
  end)

  it("is made a recipient by keygen, and one of recipients.txt", function()
    local op <close> = operator.new(endpoint)
    op:keygen()
    local made = op.rows(op:must({ "keygen", "--kms", key }))[1]
    assert.same({ recipient = kms.recipient(key), identity = kms.identity(key) }, made)
    local folder = op:path(".config/awsbak")
    op.home:write(".config/awsbak/recipients.txt", made.recipient .. "\n")
    os.execute("chmod 644 " .. folder .. "/recipients.txt")
    op:must({ "ssm", "backup", "--to", op:path("x.age"), "--allow-empty" })
    local identity = op.home:write("kms.txt", "# KMS\n" .. made.identity .. "\n")
    assert.equal(1, op:run({ "verify", op:path("x.age") }).status)
    os.execute("chmod 600 " .. identity)
    op:must({ "verify", op:path("x.age"), "--identity", identity })
    -- A dry run writes the same, and nothing in the clear.
    op:must({ "ssm", "backup", "--to", op:path("y.age"), "--allow-empty", "--read-only" })
    op:must({ "verify", op:path("y.age"), "--identity", identity })
  end)
end)
