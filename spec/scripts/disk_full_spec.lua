-- What is written to a disk that has no room for it: a small file system of its own, which only
-- root can mount. (spec/torture fills the disk at each single write.)

local file = require("awsbak.core.file")
local operator = require("spec.support.operator")
local s3_store = require("spec.support.s3_store")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local SIZE <const> = 6 * 1024 * 1024 -- of which some is parts

describe("a full disk", function()
  local store, op, dir, disk, is_mounted

  setup(function()
    store = s3_store.start()
    op = operator.new(store.url)
    dir, disk = scratch.new(), scratch.new()
    local command = "mount -t tmpfs -o size=1m,mode=700 tmpfs %s 2>/dev/null"
    is_mounted = os.execute(command:format(shell.quote(disk:path()))) == true
  end)

  teardown(function()
    if is_mounted then
      os.execute("umount " .. shell.quote(disk:path()))
    end
    disk:close()
    dir:close()
    op:close()
    store:close()
  end)

  local function fails(words, env)
    local result = op:run(words, { env = env })
    assert.equal(1, result.status, result.stderr)
    assert.matches("^awsbak: error: [^\n]*No space left on device[^\n]*\n$", result.stderr)
  end

  it("is told of by downloads, streams and journals, and nothing is left on it", function()
    if not is_mounted then
      return pending("only root can mount a file system")
    end
    local big = dir:write("big", ("0123456789abcdef"):rep(SIZE // 16))
    local small = dir:write("small", ("x"):rep(SIZE // 2))
    op:must({ "s3", "cp", big, "s3://vault/big", "--part-size", "5M" })
    op:must({ "s3", "cp", small, "s3://vault/small" })
    fails({ "s3", "cp", "s3://vault/small", disk:path("small") })
    fails({ "s3", "cp", "s3://vault/big", disk:path("big"), "--part-size", "5M", "--no-resume" })
    fails({ "s3", "cp", "s3://vault/big", disk:path("big"), "--part-size", "5M" })
    assert.same({}, file.list(op:path(".local/state/awsbak/transfers")))
    local sealed = [[
      local stream = require("awsbak.stream")
      local _, recipient = require("awsbak.core.age").keygen()
      stream.pipe(stream.file(%q), stream.seal({ recipients = { recipient } }), stream.save(%q))
    ]]
    fails({ "-e", sealed:format(big, disk:path("sealed")) })
    assert.same({}, disk:list())
    -- Journals go to a disk that is full: nothing is begun.
    disk:write("rest", ("x"):rep(1024 * 1024 - 16384))
    os.execute(("cat /dev/zero >%s 2>/dev/null"):format(shell.quote(disk:path("all"))))
    local env = { XDG_STATE_HOME = disk:path() }
    fails({ "s3", "cp", big, "s3://vault/other", "--part-size", "5M" }, env)
    local told = store:told("/vault/other")
    assert.same({ {}, {} }, { told.objects, told.uploads })
    os.remove(disk:path("rest"))
    os.remove(disk:path("all"))
    op:must({ "s3", "cp", big, "s3://vault/other", "--part-size", "5M" }, { env = env })
  end)
end)
