-- Archives to and from S3 (backup.transfer).

local aws = require("aws")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local operator = require("spec.support.operator")
local s3_server = require("spec.support.s3_server")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

local MIB = 1024 * 1024

describe("transfer of archives", function()
  local server, s3

  setup(function()
    server = s3_server.start()
    s3 = aws.client("s3", server.options)
    s3.create_bucket({ Bucket = "vault" })
  end)

  teardown(function()
    server:close()
  end)

  local function put(key, body, options)
    options = options or {}
    options.s3 = s3
    local sink <close> = transfer.sink("s3://vault/" .. key, options)
    for at = 1, #body, MIB do
      sink:write(body:sub(at, at + MIB - 1))
    end
    return sink:commit()
  end

  local function get(key)
    local source <close> = transfer.source("s3://vault/" .. key, { s3 = s3 })
    return task.await(source.handle:read(source.bytes, 0)), source
  end

  it("keeps bytes, in one piece or in parts", function()
    for key, size in pairs({
      ["a/none.age"] = 0,
      ["a/small &+ü.age"] = 5,
      ["a/large"] = 19 * MIB + 7,
    }) do
      local body = ("0123456789abcde"):rep(size // 15 + 1):sub(1, size)
      assert.equal(size, put(key, body).bytes)
      local bytes, source = get(key)
      assert.is_true(bytes == body)
      assert.equal(size, source.bytes)
    end
  end)

  it("refuses a taken key without force", function()
    put("taken", "one")
    local _, e = errors.try(put, "taken", "two")
    assert.equal("EEXIST", e.code)
    assert.equal("one", (get("taken")))
    put("taken", "two", { force = true })
    assert.equal("two", (get("taken")))
  end)

  it("leaves no object and no upload when closed before commit", function()
    do
      local sink <close> = transfer.sink("s3://vault/never", { s3 = s3 })
      sink:write(("x"):rep(9 * MIB))
    end
    assert.is_nil((aws.try(s3.head_object, { Bucket = "vault", Key = "never" })))
    assert.same(0, #(s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {}))
  end)

  it("says that an object does not exist, or that its bucket does not", function()
    local _, e = errors.try(transfer.source, "s3://vault/nothing", { s3 = s3 })
    assert.matches("s3://vault/nothing does not exist", tostring(e), 1, true)
    for _, open in ipairs({ transfer.source, transfer.sink }) do
      _, e = errors.try(open, "s3://there-is-none/k", { s3 = s3 })
      assert.equal("NoSuchBucket", e.code)
      assert.matches("there is no bucket there-is-none", tostring(e), 1, true)
    end
  end)

  it("keeps a key that is a path out of its folder", function()
    s3_server.skip_versitygw(pending, "refuses keys with .. in them")
    assert.equal(1, put("../x", "y").bytes)
    assert.equal("y", (get("../x")))
  end)

  it("names what earlier runs left behind in the same folder", function()
    for i = 1, 3 do
      s3.create_multipart_upload({ Bucket = "vault", Key = "left/" .. i })
    end
    log.lines = {}
    finally(function()
      log.lines = nil
    end)
    transfer.sink("s3://vault/left/4", { s3 = s3 }):close()
    assert.equal(3, #log.lines)
  end)

  it("names the upload of a run that was killed, and how to end it", function()
    s3_server.skip_versitygw(pending, "has no parameters to back up")
    local op <close> = operator.new(server.url)
    op:keygen()
    op:must({ "api", "ssm", "PutParameter", "Name=/a", "Value=v", "Type=String" })
    local code = [[
      local sink <close> = require("backup.transfer").sink("s3://vault/day/1.age")
      sink:write(("x"):rep(9 * 1024 * 1024))
      os.execute("kill -KILL $PPID")
    ]]
    assert.equal(137, op:run({ "-e", code }).status)

    local function backup(day)
      return op:must({ "ssm", "backup", "--to", ("s3://vault/day/%d.age"):format(day) }).stderr
    end
    local command = backup(2):match("s3://vault/day/1.age was begun .* with: awsbak ([^\n]+)")
    local words = {}
    for word in command:gmatch("%S+") do
      words[#words + 1] = word
    end
    words[#words + 1] = "--yes"
    op:must(words)
    assert.is_nil(backup(3):find("never finished", 1, true))
  end)
end)
