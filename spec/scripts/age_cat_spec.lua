local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local aws = require("aws")
local moto = require("spec.support.moto")
local operator = require("spec.support.operator")

local CHUNK = 65536

describe("awsbak age cat", function()
  local op, plain, sealed

  setup(function()
    local endpoint = moto.fresh()
    op = operator.new(endpoint)
    local identity, recipient = age.keygen()
    op.home:write("key", identity:reveal() .. "\n")
    os.execute("chmod 600 " .. op:path("key"))
    plain = {}
    for i = 1, 3 * CHUNK // 8 do
      plain[i] = ("%07d\n"):format(i)
    end
    plain = table.concat(plain) .. "the end"
    sealed = archives.seal(plain, { recipients = { recipient }, zstd = false })
    op.home:write("x.age", sealed)
    local s3 = aws.client("s3", {
      endpoint_url = endpoint,
      region = "us-east-1",
      credentials = { access_key_id = "AKIDSPEC", secret_access_key = "s" },
    })
    s3.create_bucket({ Bucket = "vault" })
    s3.put_object({ Bucket = "vault", Key = "a/x.age", Body = sealed })
  end)
  teardown(function()
    op:close()
  end)

  local function cat(from, ...)
    return op:run({ "age", "cat", from, "--identity", op:path("key"), ... })
  end

  local RANGES = {
    [{}] = { 0, math.huge },
    [{ "--range", "0-0" }] = { 0, 1 },
    [{ "--range", "65530-65540" }] = { 65530, 65541 },
    [{ "--range", "196600-" }] = { 196600, math.huge },
    [{ "--range", "190000-999999999" }] = { 190000, math.huge },
    [{ "--range", "-7" }] = { 3 * CHUNK, math.huge },
    [{ "--range", "-99999999" }] = { 0, math.huge },
  }

  it("says what to do where nothing opens a file, or it is in armor", function()
    op.home:write("pw.age", archives.seal("x", { passphrase = "p", work_factor = 1, zstd = false }))
    op.home:write("x.asc", "-----BEGIN AGE ENCRYPTED FILE-----\r\n")
    local locked = cat(op:path("pw.age"))
    assert.equal(1, locked.status)
    assert.matches("; give the key that opens it with --identity FILE or", locked.stderr, 1, true)
    assert.matches("; age -d reads it as a whole", cat(op:path("x.asc")).stderr, 1, true)
    assert.matches("it is not a regular file\n$", cat("/dev/zero").stderr) -- nor would - be read
  end)

  for _, place in ipairs({ "a file", "an object" }) do
    it("writes what is wanted of " .. place, function()
      local from = place == "a file" and op:path("x.age") or "s3://vault/a/x.age"
      for words, range in pairs(RANGES) do
        local done = cat(from, table.unpack(words))
        assert.equal(0, done.status, done.stderr)
        local wanted = plain:sub(range[1] + 1, math.tointeger(range[2]) or -1)
        assert.is_true(wanted == done.stdout, table.concat(words, " "))
      end
    end)
  end

  it("tells what is wrong with ranges, files and keys", function()
    for _, range in ipairs({ "", "-", "a", "5-4", "1-2-3" }) do
      local done = cat(op:path("x.age"), "--range", range)
      assert.equal(2, done.status)
      assert.equal("", done.stdout)
    end
    op.home:write("cut.age", sealed:sub(1, -70000))
    local done = cat(op:path("cut.age"))
    assert.equal(1, done.status)
    assert.matches("cut.age: the encrypted data is", done.stderr, 1, true)
    done = op:run({ "age", "cat", op:path("x.age") })
    assert.equal(1, done.status)
    assert.matches("no identity was given", done.stderr, 1, true)
    done = cat("s3://vault/absent")
    assert.equal(1, done.status)
  end)
end)
