--- awsbak as age-plugin-awskms: beside the program age, and by the protocol alone.

local age = require("awsbak.core.age")
local aws = require("aws")
local kms = require("backup.age.kms")
local moto = require("spec.support.moto")
local process = require("awsbak.core.process")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stanza = require("backup.age.stanza")
local sys = require("awsbak.core.sys")
local task = require("awsbak.task")

describe("age-plugin-awskms", function()
  local dir, env, key, other

  setup(function()
    local endpoint = moto.fresh()
    dir = scratch.new()
    local path = program.path()
    path = path:match("^/") and path or sys.cwd() .. "/" .. path
    os.execute(shell.join({ "ln", "-s", path, dir:path("age-plugin-awskms") }))
    env = {
      PATH = dir:path() .. ":" .. os.getenv("PATH"),
      HOME = dir:path(),
      AWS_ACCESS_KEY_ID = "AKIDSPEC",
      AWS_SECRET_ACCESS_KEY = "spec-secret",
      AWS_REGION = "eu-west-1",
      AWS_ENDPOINT_URL = endpoint,
      ASAN_OPTIONS = os.getenv("ASAN_OPTIONS"),
    }
    local api = aws.client("kms", {
      region = "us-east-1",
      endpoint_url = endpoint,
      credentials = { access_key_id = "AKIDSPEC", secret_access_key = "s" },
    })
    key = api.create_key({}).KeyMetadata.Arn
    other = api.create_key({}).KeyMetadata.Arn
  end)
  teardown(function()
    dir:close()
  end)

  local function run(...)
    return task.await(process.run({ argv = { ... }, env = env }))
  end

  it("lets age encrypt to a key of KMS, and open what is for it", function()
    if not os.execute("command -v age >/dev/null 2>&1") then
      return pending("needs the program age")
    end
    local plain = dir:write("plain", "the plaintext\n")
    local sealed, identity = dir:path("sealed"), dir:write("key", kms.identity(key) .. "\n")
    local done = run("age", "-e", "-r", kms.recipient(key), "-o", sealed, plain)
    assert.equal(0, done.status, done.stderr)
    assert.matches("\n-> aws-kms " .. key, dir:read("sealed"), 1, true)
    done = run("age", "-d", "-i", identity, sealed)
    assert.equal("the plaintext\n", done.stdout, done.stderr)
    local any = dir:write("any", kms.identity("") .. "\n")
    assert.equal("the plaintext\n", run("age", "-d", "-i", any, sealed).stdout)
    local wrong = dir:write("wrong", kms.identity(other) .. "\n")
    done = run("age", "-d", "-i", wrong, sealed)
    assert.not_equal(0, done.status)
    assert.equal("", done.stdout)
  end)

  it("lets age open an archive of awsbak, and awsbak what age made", function()
    if not os.execute("command -v age >/dev/null 2>&1") then
      return pending("needs the program age")
    end
    local awsbak = program.path()
    local to = { "--to", dir:path("a.age"), "--recipient", key, "--allow-empty", "--force" }
    local done = run(awsbak, "ssm", "backup", table.unpack(to))
    assert.equal(0, done.status, done.stderr)
    local identity = dir:write("key", kms.identity(key) .. "\n")
    os.execute("chmod 600 " .. shell.quote(identity))
    done = run("age", "-d", "-i", identity, "-o", dir:path("a.zst"), dir:path("a.age"))
    assert.equal(0, done.status, done.stderr)
    done = run("age", "-r", kms.recipient(key), "-o", dir:path("b.age"), dir:path("a.zst"))
    assert.equal(0, done.status, done.stderr)
    done = run(awsbak, "verify", dir:path("b.age"), "--identity", identity)
    assert.equal(0, done.status, done.stderr)
  end)

  -- Speak with it: the commands of phase 1; what it said in phase 2, as { words, body }.
  local function converse(machine, commands)
    local p <close> = assert(process.spawn({
      argv = { dir:path("age-plugin-awskms"), "--age-plugin=" .. machine },
      env = env,
      talk = true,
    }))
    for _, command in ipairs(commands) do
      p:send(stanza.text(command[1], command[2]))
    end
    p:send(stanza.text({ "done" }))
    local said = {}
    while true do
      local words, body = stanza.read(function()
        return task.await(p:read_line()) or error("it ended")
      end)
      assert.is_truthy(words, body)
      if words[1] == "done" then
        p:end_input()
        assert.same({ status = 0 }, task.await(p:wait()))
        return said
      end
      said[#said + 1] = { words, body }
      p:send(stanza.text({ "ok" }))
    end
  end

  local FILE_KEYS = { ("1"):rep(16), ("2"):rep(16) }

  it("wraps several file keys for several keys, and passes over what it does not know", function()
    local said = converse("recipient-v1", {
      { { "grease-1", "x" }, ("g"):rep(100) },
      { { "add-recipient", kms.recipient(key) } },
      { { "wrap-file-key" }, FILE_KEYS[1] },
      { { "extension-labels" } },
      { { "add-identity", kms.identity(other) } },
      { { "wrap-file-key" }, FILE_KEYS[2] },
    })
    assert.equal(4, #said)
    local commands = { { { "add-identity", kms.identity(key) } } }
    for i, s in ipairs(said) do
      local index = i > 2 and 1 or 0
      local arn = i % 2 == 1 and key or other
      assert.same({ "recipient-stanza", tostring(index), "aws-kms", arn }, s[1])
      commands[#commands + 1] = s
    end
    table.insert(commands, { { "recipient-stanza", "2", "X25519", "abc" }, ("x"):rep(32) })
    assert.same({
      { { "file-key", "0" }, FILE_KEYS[1] },
      { { "file-key", "1" }, FILE_KEYS[2] },
    }, converse("identity-v1", commands))
  end)

  it("tells which key is wrong, and does nothing then", function()
    local none = age.bech32("age1awskms", "alias/x")
    local said = converse("recipient-v1", {
      { { "add-recipient", kms.recipient(key) } },
      { { "add-recipient", none } },
      { { "add-identity", kms.identity("") } },
      { { "add-recipient", "age1x1qqq" } },
      { { "wrap-file-key" }, FILE_KEYS[1] },
    })
    assert.equal(3, #said)
    assert.same({ "error", "recipient", "1" }, said[1][1])
    assert.same({ "error", "identity", "0" }, said[2][1])
    assert.same({ "error", "recipient", "2" }, said[3][1])
    assert.matches("is not the ARN of a key of KMS", said[1][2], 1, true)
    said = converse("identity-v1", {
      { { "add-identity", kms.identity(key) } },
      { { "add-identity", age.bech32("AGE-PLUGIN-X-", "") } },
      { { "recipient-stanza", "0", "aws-kms", key }, "x" },
    })
    assert.equal(1, #said)
    assert.same({ "error", "identity", "1" }, said[1][1])
  end)

  it("tells what KMS refuses, and gives no stanza", function()
    local missing = key:gsub("key/.*", "key/00000000-0000-0000-0000-000000000000")
    local said = converse("recipient-v1", {
      { { "add-recipient", kms.recipient(key) } },
      { { "add-recipient", kms.recipient(missing) } },
      { { "wrap-file-key" }, FILE_KEYS[1] },
    })
    assert.equal(1, #said)
    assert.same({ "error", "recipient", "1" }, said[1][1])
    assert.matches("cannot encrypt to " .. missing, said[1][2], 1, true)
    said = converse("identity-v1", {
      { { "add-identity", kms.identity("") } },
      { { "recipient-stanza", "0", "aws-kms", "not:an:arn" }, "x" },
    })
    assert.same({ "error", "internal" }, said[1][1])
    assert.matches("malformed", said[1][2], 1, true)
  end)

  it("ends with a sentence where the other side does not keep to the protocol", function()
    local name = dir:path("age-plugin-awskms")
    for input, message in pairs({
      [""] = "ended before it was done",
      ["hello\n"] = "does not speak the protocol of plugins",
      ["-> done\n!\n"] = "sent a stanza that is damaged",
      [("x"):rep(200000)] = "sent a line that is too long",
    }) do
      local done = task.await(process.run({
        argv = { name, "--age-plugin=identity-v1" },
        env = env,
        stdin = input,
      }))
      assert.equal(1, done.status)
      assert.equal("", done.stdout)
      assert.matches("awsbak: error: the program that started us " .. message, done.stderr, 1, true)
    end
    local done = run(name, "--age-plugin=identity-v2")
    assert.equal(2, done.status)
    assert.matches('there is no state machine "identity-v2"', done.stderr, 1, true)
  end)
end)
