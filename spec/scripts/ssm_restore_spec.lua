local json = require("awsbak.core.json")
local operator = require("spec.support.operator")
local server = require("spec.support.server")

describe("awsbak ssm restore", function()
  local fake, op, empty, archive

  setup(function()
    op, fake = operator.beside_ssm(120)
    op:must({ "ssm", "backup", "--to", op:path("x.age") })
    archive = op.home:read("x.age")
    empty = server.start({ ssm = 0 })
    op.env.AWS_ENDPOINT_URL = empty.url
  end)

  teardown(function()
    op:close()
    empty:close()
  end)

  before_each(function()
    empty:clear()
    op.home:write("x.age", archive)
  end)

  local function restore(...)
    return op:run({ "ssm", "restore", op:path("x.age"), ... })
  end

  local function restored(...)
    local result = restore(...)
    assert.equal(0, result.status, result.stderr)
    return op.rows(result)
  end

  -- The store's parameters by name.
  local function stored(endpoint)
    local by_name = {}
    local env = { AWS_ENDPOINT_URL = endpoint or empty.url }
    local listed = op:must({ "ssm", "ls", "--values", "--reveal" }, { env = env })
    for _, row in ipairs((op.rows(listed))) do
      by_name[row.name] = row
    end
    return by_name
  end

  local function put(name, value, kind)
    op:must({
      "api",
      "ssm",
      "PutParameter",
      "Name=" .. name,
      "Value=" .. value,
      "Type=" .. (kind or "String"),
    })
  end

  it("brings back what was saved: values, types, descriptions, tags, labels", function()
    local rows, summary = restored()
    assert.equal(120, #rows)
    assert.equal(120, summary.ok)
    assert.same({ name = "/load/000/p00000", result = "created" }, rows[1])
    local before, after = stored(fake.url), stored()
    for name, row in pairs(before) do
      row.modified, after[name].modified = nil, nil
      assert.same(row, after[name])
    end
    op:must({ "ssm", "diff", op:path("x.age"), "--exit-code" })
    assert.equal(120, empty:counts().PutParameter)
    assert.equal(12, empty:counts().LabelParameterVersion)
  end)

  it("does nothing the second time", function()
    restored()
    local before = empty:counts().PutParameter
    local rows, summary = restored()
    assert.same({}, rows)
    assert.equal(120, summary.equal)
    assert.equal(0, summary.ok)
    assert.equal(before, empty:counts().PutParameter)
  end)

  it("keeps what differs, with a warning, and ends with 0", function()
    put("/load/000/p00000", "mine")
    local result = restore("--path", "/load/000/p00000")
    assert.equal(0, result.status)
    assert.matches("warning: /load/000/p00000: exists and differs, kept", result.stderr)
    local rows, summary = op.rows(result)
    assert.equal("kept", rows[1].result)
    assert.equal(1, summary.kept)
    assert.equal("mine", stored()["/load/000/p00000"].value)
  end)

  it("asks before it overwrites: without a terminal it shows the plan and ends with 20", function()
    put("/load/000/p00000", "mine")
    local result = restore("--path", "/load/000", "--overwrite", "changed")
    assert.equal(20, result.status)
    assert.matches("%-%-yes", result.stderr)
    local rows = op.rows(result)
    assert.equal("change", rows[1].action)
    assert.equal("mine", stored()["/load/000/p00000"].value)
    assert.equal(1, empty:counts().PutParameter)
  end)

  it("says how far it came when its time is over", function()
    empty:script("PutParameter", { { pass = true, times = 3 }, { silent = true, times = -1 } })
    local result = restore("--rename", "/load=/cut", "--concurrency", "1", "--timeout", "1s")
    empty:script("PutParameter", { { pass = true, times = -1 } })
    assert.equal(124, result.status)
    assert.matches("stopped after 3 were written; run it again to go on\n", result.stderr, 1, true)
  end)

  it("overwrites what differs with --yes, and what is equal only when told always", function()
    put("/load/000/p00000", "mine")
    local rows, summary = restored("--path", "/load/000", "--overwrite", "changed", "--yes")
    assert.equal("change", rows[1].action, "the plan comes first, also with --yes")
    assert.equal("changed", rows[101].result)
    assert.equal(1, summary.changed)
    assert.equal(99, summary.created)
    local _, again = restored("--path", "/load/000", "--overwrite", "changed", "--yes")
    assert.same({ 100, 0 }, { again.equal, again.skipped })
    local _, always = restored("--path", "/load/000/p00000", "--overwrite", "always", "--yes")
    assert.equal(1, always.changed)
  end)

  it("changes nothing with --dry-run", function()
    put("/load/000/p00000", "mine")
    local rows, summary = restored("--dry-run", "--overwrite", "changed")
    assert.equal(120, #rows)
    assert.equal("change", rows[1].action)
    assert.equal(119, summary.to_create)
    assert.same({ true, 120 }, { summary.dry_run, summary.compared })
    assert.equal(1, empty:counts().PutParameter)
  end)

  it("renames whole prefixes", function()
    restored("--path", "/load/001", "--rename", "/load=/copy")
    assert.is_table(stored()["/copy/001/p00119"])
    assert.is_nil(stored()["/load/001/p00119"])
  end)

  it("refuses a rename to a name AWS reserves, before the first write", function()
    local result = restore("--rename", "/load=/aws")
    assert.equal(2, result.status)
    assert.matches("AWS's own", result.stderr)
    assert.is_nil(empty:counts().PutParameter)
  end)

  it("encrypts with another key when told to", function()
    restored("--path", "/load/001", "--key-id", "alias/other")
    for _, row in pairs(stored()) do
      assert.equal(row.type == "SecureString" and "alias/other" or nil, row.key_id)
    end
  end)

  it("reads from standard input", function()
    local result = op:must({ "ssm", "restore", "-", "--path", "/load/001" }, { stdin = archive })
    assert.equal(20, select(2, op.rows(result)).ok)
  end)

  it("goes on after one failure, names it, and ends with 3", function()
    local body = '{"__type":"ParameterLimitExceeded","message":"too many"}'
    empty:script("PutParameter", { { pass = true, times = 5 }, { status = 400, body = body } })
    local result = restore()
    assert.equal(3, result.status)
    local rows, summary = op.rows(result)
    assert.equal(119, summary.ok)
    assert.equal(1, summary.failed)
    local failed = {}
    for _, row in ipairs(rows) do
      failed[#failed + 1] = row.result == "failed" and row.detail or nil
    end
    assert.same({ "ParameterLimitExceeded: too many" }, failed)
  end)

  it("stops when the caller is refused, and tells what was written", function()
    local body = '{"__type":"ExpiredTokenException","message":"expired"}'
    empty:script(
      "PutParameter",
      { { pass = true, times = 5 }, { status = 400, body = body, times = -1 } }
    )
    local result = restore("--concurrency", "1")
    assert.equal(1, result.status)
    assert.matches("stopped after 5 were written", result.stderr)
  end)

  it("tells what it deleted and could not create again", function()
    put("/load/000/p00000", "mine", "SecureString")
    local body = '{"__type":"ExpiredTokenException","message":"expired"}'
    empty:script("PutParameter", { { status = 400, body = body, times = -1 } })
    local result = restore("--path", "/load/000/p00000", "--overwrite", "changed", "--yes")
    assert.equal(1, result.status)
    assert.matches("was deleted and could not be put back", result.stderr, 1, true)
    assert.matches("after 0 were written, and 1 deleted but not created", result.stderr, 1, true)
    assert.equal("lost", op.rows(result)[2].result)
  end)

  it("goes at AWS's pace", function()
    local body = '{"__type":"ThrottlingException","message":"Rate exceeded"}'
    empty:script("PutParameter", { { status = 400, body = body, times = 12 } })
    local _, summary = restored("--path", "/load/001")
    assert.equal(20, summary.ok)
  end)

  it("restores a dump of aws-ssm-backup when told to trust it", function()
    local dump = '{"/shop/db":{"value":"hunter2","type":"SecureString","description":""},'
      .. '"flat":{"value":"a,b","type":"StringList","description":"two"}}'
    local file = op.home:write("dump.json", dump)
    local result = op:run({ "ssm", "restore", file })
    assert.equal(20, result.status)
    assert.matches("; add --trust any to use it", result.stderr, 1, true)
    op:must({ "ssm", "restore", file, "--trust", "any" })
    local after = stored()
    assert.equal("hunter2", after["/shop/db"].value)
    assert.equal("two", after.flat.description)
    assert.not_matches("hunter2", result.stderr .. result.stdout)
  end)

  describe("of an archive that is not as it should be", function()
    -- Nothing is written, one sentence is said.
    local function refused(bytes, sentence, ...)
      op.home:write("x.age", bytes)
      local result = restore(...)
      assert.equal(1, result.status, result.stderr)
      assert.matches(sentence, result.stderr)
      assert.matches("^awsbak: [^\n]+\n$", result.stderr)
      assert.same({}, empty:counts())
    end

    local function plain()
      local to = op:path("plain.jsonl")
      op:must(
        { "ssm", "backup", "--path", "/load/001", "--plaintext", "--force", "--to", to },
        { env = { AWS_ENDPOINT_URL = fake.url } }
      )
      return op:lines("plain.jsonl")
    end

    it("writes nothing from one that was cut", function()
      refused(archive:sub(1, #archive // 2), "cut short")
      refused(archive:sub(1, 300), "")
    end)

    it("writes nothing from one with a flipped bit", function()
      local at = #archive - 100
      local flipped = string.char(archive:byte(at) ~ 1)
      refused(archive:sub(1, at - 1) .. flipped .. archive:sub(at + 1), "damaged")
    end)

    it("writes nothing from one that was made for others", function()
      local other <close> = operator.new(fake.url)
      other:keygen()
      other:must({ "ssm", "backup", "--path", "/load/001", "--to", other:path("x.age") })
      refused(other.home:read("x.age"), "key")
    end)

    it("says of an empty file that it is empty, and of another that it is no archive", function()
      refused("", "empty")
      refused("just some text\nand more\n", "not an")
    end)

    it("writes nothing from one with a record twice", function()
      local list = plain()
      table.insert(list, 3, list[2])
      refused(table.concat(list), "")
    end)

    it("writes nothing from one without its closing record", function()
      local list = plain()
      table.remove(list)
      refused(table.concat(list), "cut short")
    end)

    it("writes nothing from one of a newer format", function()
      local list = plain()
      local header = assert(json.decode(list[1]))
      header.version = 99
      list[1] = json.encode(header) .. "\n"
      refused(table.concat(list), "too old for")
    end)

    it("asks about one that another host signed, and takes its key's word", function()
      local other <close> = operator.new(fake.url)
      other:keygen()
      local recipient = op.recipient
      other:must({
        "ssm",
        "backup",
        "--path",
        "/load/001",
        "--recipient",
        recipient,
        "--to",
        other:path("x.age"),
      })
      op.home:write("x.age", other.home:read("x.age"))
      local result = restore("--yes")
      assert.equal(20, result.status)
      assert.equal(20, restore("--trust", op.signer).status)
      assert.is_nil(empty:counts().PutParameter)
      assert.equal(0, restore("--trust", other.signer).status)
      assert.equal(0, restore("--trust", "any").status)
      op.home:write(".config/awsbak/signers.txt", other.signer .. " the other host\n")
      assert.equal(0, restore().status)
      os.remove(op:path(".config/awsbak/signers.txt"))
    end)
  end)
end)
