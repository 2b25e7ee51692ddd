-- What commands of many files tell when they are interrupted in the middle: rows of what they did.

local aws = require("aws")
local copying = require("backup.s3.copying")
local errors = require("awsbak.errors")
local fault_proxy = require("spec.support.fault_proxy")
local file = require("awsbak.core.file")
local operator = require("spec.support.operator")
local outside = require("awsbak.outside")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")
local task = require("awsbak.task")

local SIGINT <const>, INTERRUPTED <const> = 2, 130
local COUNT <const> = 5

-- Writes the id that the program will have.
local TELL_ID = { "sh", "-c", 'echo $$ >"$0"; exec "$@"' }

describe("awsbak s3, interrupted", function()
  local server, proxy, op, s3, dir

  setup(function()
    server = s3_server.start()
    proxy = fault_proxy.start(server.url)
    op = operator.new(proxy.url)
    s3 = aws.client("s3", server.options)
    s3.create_bucket({ Bucket = "vault" })
  end)

  teardown(function()
    op:close()
    proxy:close()
    server:close()
  end)

  before_each(function()
    dir = scratch.new()
    proxy:clear()
    assert(file.mkdirs(dir:path("files")))
    for i = 1, COUNT do
      dir:write(("files/%d"):format(i), "bytes")
    end
  end)

  after_each(function()
    dir:close()
  end)

  --- Names of what is below a prefix.
  local function objects(prefix)
    local names = {}
    for object in s3.each.list_objects_v2({ Bucket = "vault", Prefix = prefix }) do
      names[#names + 1] = object.Key:sub(#prefix + 1)
    end
    return names
  end

  local function fill(prefix)
    for i = 1, COUNT do
      s3.put_object({ Bucket = "vault", Key = prefix .. i, Body = "bytes" })
    end
  end

  --- A run that is interrupted at a request: how it ends, and what it says.
  local function interrupted(rule, ...)
    rule.signal = { number = SIGINT, file = dir:path("id") }
    proxy:rule(rule)
    local prefix = { TELL_ID[1], TELL_ID[2], TELL_ID[3], dir:path("id") }
    local result = op:run({ "s3", ... }, { prefix = prefix })
    assert.equal(INTERRUPTED, result.status, result.stderr)
    return result
  end

  local function told(result)
    local said = {}
    for i, row in ipairs(op.rows(result)) do
      said[i] = row.key .. " " .. row.result
    end
    return said
  end

  it("tells which files it copied, into a bucket and out of it", function()
    local rule = { method = "PUT", holds = { "vault/up/3" }, unheard = true }
    local files, one = dir:path("files"), { "--concurrency", "1" }
    local up = interrupted(rule, "cp", "--recursive", one[1], one[2], files, "s3://vault/up/")
    assert.same({ "1 copied", "2 copied" }, told(up))
    assert.same({ "1", "2" }, objects("up/"))
    fill("down/")
    rule = { method = "GET", holds = { "vault/down/4" }, unheard = true }
    local back = dir:path("back")
    local down = interrupted(rule, "sync", one[1], one[2], "s3://vault/down/", back)
    assert.same({ "1 copied", "2 copied", "3 copied" }, told(down))
    local names = file.list(back)
    table.sort(names)
    assert.same({ "1", "2", "3" }, names)
  end)

  it("tells them in a table, and to --query", function()
    for word, wanted in pairs({ ["--output=table"] = "1%s+copied", ["--query=[].key"] = '"1"' }) do
      local rule = { method = "PUT", holds = { "vault/shown/2" }, unheard = true }
      local words = { "cp", "--recursive", "--concurrency", "1", word, dir:path("files") }
      words[#words + 1] = ("s3://vault/shown/%s/"):format(word:match("%a+"))
      rule.holds = { words[#words]:sub(5) .. "2" }
      assert.matches(wanted, interrupted(rule, table.unpack(words)).stdout)
    end
  end)

  it("hears what became of objects that it was about to delete, and tells that", function()
    local rule = { method = "POST", holds = { "delete" }, heard = true }
    fill("rm/")
    local rm = interrupted(rule, "rm", "--recursive", "--yes", "s3://vault/rm/")
    assert.same({
      "rm/1 deleted",
      "rm/2 deleted",
      "rm/3 deleted",
      "rm/4 deleted",
      "rm/5 deleted",
    }, told(rm))
    assert.same({}, objects("rm/"))
    fill("sync/")
    os.remove(dir:path("files/4"))
    os.remove(dir:path("files/5"))
    local words = { "sync", "--delete", "--yes", dir:path("files"), "s3://vault/sync/" }
    local sync = told(interrupted(rule, table.unpack(words)))
    table.sort(sync)
    assert.same({ "4 deleted", "5 deleted" }, { table.unpack(sync, #sync - 1) })
    assert.same({ "1", "2", "3" }, objects("sync/"))
  end)

  --- A sink as outside.sink makes it, whose task is cancelled as it is committed.
  local function cancelling(path, options)
    local sink = errors.check(outside.sink(path, options))
    return setmetatable({
      file = function()
        return sink:file()
      end,
      commit = function(_, time)
        task.cancel(task.running())
        return sink:commit(time)
      end,
    }, {
      __close = function()
        sink:close()
      end,
    })
  end

  it("knows of a file that it was about to give its name", function()
    fill("one/")
    local done, path = nil, dir:path("one")
    errors.try(task.run, function()
      done = copying.down({ s3 = s3 }, { bucket = "vault", key = "one/1" }, path, cancelling)
    end)
    assert.equal(path, done.location)
    assert.equal("bytes", dir:read("one"))
  end)
end)
