-- --exclude and --include of awsbak s3 sync, cp, rm, ls and du.

local faulty_s3 = require("spec.support.faulty_s3")
local file = require("awsbak.core.file")
local s3_server = require("spec.support.s3_server")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local FILES <const> = {
  ["a.jpg"] = "1",
  ["a.tmp"] = "22",
  ["x/b.jpg"] = "333",
  ["x/b.tmp"] = "4444",
  ["x/y/c"] = "55555",
}

describe("--exclude and --include of awsbak s3", function()
  local place, op, s3, dir

  setup(function()
    place = faulty_s3.open("vault", "other")
    op, s3 = place.op, place.s3
  end)

  teardown(function()
    place:close()
  end)

  local function keys(bucket)
    local found = {}
    for object in s3.each.list_objects_v2({ Bucket = bucket or "vault" }) do
      found[#found + 1] = object.Key
    end
    return found
  end

  before_each(function()
    dir = scratch.new()
    place:clear("vault", "other")
  end)

  after_each(function()
    dir:close()
  end)

  local function run(...)
    return op:run({ "s3", ... })
  end

  --- Runs it; the keys of its rows, and the summary.
  local function run_to(status, ...)
    local result = run(...)
    assert.equal(status, result.status, result.stderr .. result.stdout)
    local rows, summary = op.rows(result)
    local found = {}
    for i, row in ipairs(rows) do
      found[i] = row.key
    end
    return found, summary
  end

  it("copy only what is meant, from a folder, to one, and within S3", function()
    local from = dir:write_all(FILES, "from")
    local words = { "--exclude", "*", "--include", "*.jpg", "--include", "x/y/?" }
    local meant = { "a.jpg", "x/b.jpg", "x/y/c" }
    place:put(FILES, "other", "p/")
    for _, way in ipairs({ { from, "s3://vault" }, { "s3://other/p", dir:path("to") } }) do
      assert.same(meant, run_to(0, "sync", way[1], way[2], table.unpack(words)))
    end
    assert.same(meant, keys())
    words = { "--include", "x/b.*" }
    assert.same({ "x/b.tmp" }, run_to(0, "sync", "s3://other/p", "s3://vault", table.unpack(words)))
    local to = dir:path("to")
    local copied = { "cp", "--recursive", "--force", "s3://other/p", to, "--exclude", "x/*" }
    assert.same({ "a.jpg", "a.tmp" }, run_to(0, table.unpack(copied)))
    assert.is_nil(file.stat(to .. "/x/b.tmp"))
  end)

  it("delete nothing that they leave out", function()
    local gone = { ["gone.tmp"] = "1", ["gone"] = "2", ["x/gone"] = "3" }
    local to = dir:write_all(gone, "to")
    dir:write_all(FILES, "to")
    place:put(gone, "vault")
    place:put({ ["a.jpg"] = "1" }, "other")
    local words = { "--delete", "--yes", "--exclude", "*.tmp", "--exclude", "x/*" }
    local done = run_to(0, "sync", "s3://other", "s3://vault", table.unpack(words))
    assert.same({ "a.jpg", "gone" }, done)
    assert.same({ "a.jpg", "gone.tmp", "x/gone" }, keys())
    local _, summary = run_to(0, "sync", "s3://other", to, table.unpack(words))
    assert.equal(1, summary.deleted)
    assert.is_nil(file.stat(to .. "/gone"))
    for _, name in ipairs({ "a.jpg", "a.tmp", "gone.tmp", "x/b.jpg", "x/gone", "x/y/c" }) do
      assert.equal("file", (file.stat(to .. "/" .. name) or {}).type, name)
    end
  end)

  it("do not empty a target of a source of which they leave nothing", function()
    local from = dir:write_all(FILES, "from")
    place:put({ ["a.gif"] = "1", ["a.txt"] = "2" }, "vault")
    local words = { "sync", from, "s3://vault", "--delete", "--yes", "--include", "*.gif" }
    local refused = run(table.unpack(words))
    assert.equal(2, refused.status)
    local said = from .. " has no files that --exclude and --include leave, and --delete would"
    assert.matches(said, refused.stderr, 1, true)
    assert.same({ "a.gif", "a.txt" }, keys())
    assert.same({ "a.gif" }, run_to(0, "sync", "--allow-empty", table.unpack(words, 2)))
    assert.same({ "a.txt" }, keys())
    assert.same({}, run_to(0, table.unpack(words))) -- nothing that it would delete
    assert(os.execute(("ln -s / %s"):format(shell.quote(from .. "/link.gif"))))
    words = { "--delete", "--yes", "--include", "*.jpg", "--exclude", "*" }
    assert.same({ "a.jpg", "x/b.jpg" }, run_to(0, "sync", from, "s3://vault", table.unpack(words)))
    words = { "--delete", "--yes", "--exclude", "*.gif", "--exclude", "[ax]*" }
    assert.same({}, run_to(0, "sync", "s3://other", from, table.unpack(words)))
  end)

  it("look into no folder in vain, and tell of one that may hold what they take", function()
    local from = dir:write_all({ ["a.txt"] = "1" }, "from")
    local deep = from .. ("/d"):rep(513) -- deeper than a walk goes
    assert(file.mkdirs(deep))
    local said = run("sync", from, "s3://vault", "--exclude", "d", "--include", "*.txt")
    assert.same({ 3, "" }, { said.status, said.stderr })
    assert.matches("too deep", said.stdout, 1, true)
    assert.same({}, run_to(0, "sync", from, "s3://vault", "--exclude", "d/*"))
    assert.same({}, run_to(0, "sync", from, "s3://vault", "--include", "?.txt"))
  end)

  it("leave links and what is below them alone", function()
    local from = dir:write_all({ keep = "1" }, "from")
    for _, name in ipairs({ "link", "old/link" }) do
      assert(file.mkdirs(from .. "/old"))
      assert(os.execute(("ln -s / %s"):format(shell.quote(from .. "/" .. name))))
    end
    assert.same({ "keep", "link", "old/link" }, run_to(3, "sync", from, "s3://vault"))
    place:put({ ["link/x"] = "1", ["old/x"] = "1", gone = "1" }, "vault")
    local words = { "--delete", "--yes", "--exclude", "link", "--exclude", "old/*" }
    assert.same({ "gone" }, run_to(0, "sync", from, "s3://vault", table.unpack(words)))
    assert.same({ "keep", "link/x", "old/x" }, keys())
    s3_server.skip_versitygw(pending, "refuses keys with .. in them")
    place:put({ ["../x"] = "1", ok = "2" }, "other")
    assert.same({ "ok" }, run_to(0, "sync", "s3://other", dir:path("to"), "--exclude", "../*"))
    local warned = run("sync", "s3://other", dir:path("to"), "--exclude", "*").stderr
    assert.matches("nothing that the filters take was found below s3://other/", warned, 1, true)
  end)

  it("choose what rm deletes, and what ls and du show", function()
    place:put(FILES, "vault", "p/")
    local words = { "s3://vault/p", "--recursive", "--exclude", "x/*", "--include", "*.tmp" }
    local asked = run("rm", table.unpack(words))
    assert.equal(20, asked.status)
    assert.matches("Delete 3 objects (7 B) below s3://vault/p/", asked.stderr, 1, true)
    asked = run("rm", "s3://vault", "--recursive", "--include", "*.tmp")
    assert.matches("Delete 2 objects (6 B) below s3://vault/;", asked.stderr, 1, true)
    local meant = { "p/a.jpg", "p/a.tmp", "p/x/b.tmp" }
    assert.same(meant, run_to(0, "ls", "s3://vault/p/", table.unpack(words, 2)))
    local sums = op.rows(op:must({ "s3", "du", "s3://vault/p/", "--exclude", "x/*" }))
    assert.same({ 2, 3 }, { sums[1].objects, sums[1].bytes })
    assert.same(meant, run_to(0, "rm", "--yes", table.unpack(words)))
    assert.same({ "p/x/b.jpg", "p/x/y/c" }, keys())
  end)

  it("are refused where they are no patterns, or choose nothing", function()
    place:put({ k = "1" }, "vault")
    for _, words in ipairs({
      { "rm", "s3://vault/k", "--yes" },
      { "cp", "s3://vault/k", dir:path("k") },
      { "ls", "s3://vault" },
      { "sync", dir:path("."), "s3://vault", "--exclude", "[a" },
      { "sync", dir:path("."), "s3://vault", "--exclude", "/cache/*" },
      { "cp", dir:path("."), "s3://vault", "--recursive", "--exclude", "/cache/*" },
    }) do
      words[#words + 1] = "--exclude=x"
      local refused = run(table.unpack(words))
      assert.equal(2, refused.status)
      assert.matches("^awsbak: error: %-%-exclude [^\n]*\n$", refused.stderr)
    end
    assert.same({ "k" }, keys())
  end)
end)
