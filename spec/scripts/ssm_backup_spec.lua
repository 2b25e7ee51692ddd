local json = require("awsbak.core.json")
local operator = require("spec.support.operator")

local MAGIC = "age-encryption.org/v1\n"

describe("awsbak ssm backup", function()
  local op, fake

  setup(function()
    op, fake = operator.beside_ssm(120)
  end)

  teardown(function()
    op:close()
  end)

  before_each(function()
    fake:clear()
  end)

  after_each(function()
    os.remove(op:path("x.age"))
  end)

  local function backup(...)
    return op:run({ "ssm", "backup", "--to", op:path("x.age"), ... })
  end

  -- The records of a plain archive: header, parameters by name, closing record.
  local function records()
    local list, by_name = {}, {}
    for i, line in ipairs(op:lines("x.age")) do
      list[i] = assert(json.decode(line))
    end
    for i = 2, #list - 1 do
      by_name[list[i].name] = list[i]
    end
    return by_name, list[1], list[#list], #list - 2
  end

  local function denied(times)
    local body = '{"__type":"AccessDeniedException","message":"The key may not be used"}'
    return { status = 400, body = body, times = times }
  end

  it("writes text with --armor", function()
    assert.equal(0, backup("--armor").status)
    local file <close> = assert(io.open(op:path("x.age")))
    assert.equal("-----BEGIN AGE ENCRYPTED FILE-----", file:read("l"))
    assert.equal(0, op:run({ "verify", op:path("x.age") }).status)
    assert.equal(2, backup("--armor", "--plaintext", "--force").status)
  end)

  it("saves everything that can be read, in the fewest calls", function()
    assert.equal(0, backup("--plaintext").status)
    local by_name, header, closing, count = records()
    assert.equal(120, count)
    assert.equal("ssm", header.kind)
    assert.equal(120, closing.count)
    local one = by_name["/load/000/p00010"]
    assert.equal("SecureString", one.type)
    assert.equal("alias/aws/ssm", one.key_id)
    assert.equal("number 10", one.description)
    assert.equal("Standard", one.tier)
    assert.equal(1, one.version)
    assert.same({ "stable" }, one.labels)
    assert.same({ number = "10", team = "core" }, one.tags)
    local counts = fake:counts()
    assert.equal(3, counts.DescribeParameters)
    assert.equal(12, counts.GetParameters)
    assert.equal(120, counts.ListTagsForResource)
    assert.equal(120, counts.GetParameterHistory)
  end)

  it("asks for no history with --no-labels", function()
    assert.equal(0, backup("--plaintext", "--no-labels").status)
    assert.is_nil(fake:counts().GetParameterHistory)
    assert.is_nil(records()["/load/000/p00010"].labels)
  end)

  it("saves a path itself and what is below it, and no sibling", function()
    assert.equal(
      0,
      backup("--plaintext", "--path", "/load/001", "--path", "/load/000/p00007").status
    )
    local by_name, header, _, count = records()
    assert.equal(21, count)
    assert.is_table(by_name["/load/000/p00007"])
    assert.is_table(by_name["/load/001/p00119"])
    assert.same({ "/load/001", "/load/000/p00007" }, header.paths)
  end)

  it("encrypts unless told not to", function()
    assert.equal(0, backup("--path", "/load/001").status)
    local bytes = op.home:read("x.age")
    assert.equal(MAGIC, bytes:sub(1, #MAGIC))
    assert.is_nil(bytes:find("number 100", 1, true))
  end)

  it("sends nothing and says how to make a key when there is none", function()
    local other <close> = operator.new(fake.url)
    local result = other:run({ "ssm", "backup", "--to", other:path("x.age") })
    assert.not_equal(0, result.status)
    assert.matches("awsbak keygen", result.stderr)
    assert.is_nil(other.home:read("x.age"))
    assert.same({}, fake:counts())
  end)

  it("writes to standard output by default, and says the rest elsewhere", function()
    local result = op:must({ "ssm", "backup", "--path", "/load/001" })
    assert.equal(MAGIC, result.stdout:sub(1, #MAGIC))
    assert.matches("20 ok", result.stderr)
  end)

  it("saves a parameter once that the list tells twice", function()
    local again = { Name = "/load/000/p00000", Type = "String", Version = 1 }
    fake:script("DescribeParameters", {
      { pass = true, times = 2 },
      { merge = { Parameters = { again } } },
    })
    assert.equal(0, backup("--plaintext").status)
    assert.equal(100, select(4, records()))
  end)

  it("names a value that may not be decrypted, saves the rest and ends with 3", function()
    fake:script("GetParameters", { denied(2) })
    local result = backup("--plaintext", "--concurrency", "1")
    assert.equal(3, result.status)
    local _, _, closing, count = records()
    assert.equal(119, count)
    assert.equal(1, #closing.unreadable)
    assert.equal(1, closing.incomplete)
    assert.equal("value", closing.unreadable[1].what)
    assert.matches(closing.unreadable[1].name, result.stderr, 1, true)
  end)

  it("saves a parameter without the tags that are denied, names it and ends with 3", function()
    fake:script("ListTagsForResource", { denied(1) })
    local result = backup("--plaintext")
    assert.equal(3, result.status)
    local by_name, _, closing, count = records()
    assert.equal(120, count)
    assert.equal("tags", closing.unreadable[1].what)
    assert.is_nil(by_name[closing.unreadable[1].name].tags)
  end)

  it("saves nothing when nothing at all could be read", function()
    fake:script("GetParameters", { denied(-1) })
    local result = backup("--plaintext", "--path", "/load/001")
    assert.equal(1, result.status)
    assert.matches("no parameter could be read", result.stderr)
    assert.is_nil(op.home:read("x.age"))
  end)

  it("ends with 1 and writes nothing when nothing matches, unless that is fine", function()
    local result = backup("--path", "/nothing")
    assert.equal(1, result.status)
    assert.matches("nothing matches /nothing", result.stderr)
    assert.is_nil(op.home:read("x.age"))
    assert.equal(0, backup("--path", "/nothing", "--allow-empty", "--plaintext").status)
    assert.equal(0, select(4, records()))
  end)

  it("does not replace a file unless told to, and not even then when it fails", function()
    op.home:write("x.age", "the only backup")
    local result = backup()
    assert.equal(1, result.status)
    assert.matches("x.age", result.stderr)
    assert.equal("the only backup", op.home:read("x.age"))
    fake:script(
      "ListTagsForResource",
      { { pass = true, times = 60 }, { status = 403, body = "{}" } }
    )
    fake:script("GetParameters", { denied(-1) })
    assert.equal(1, backup("--force").status)
    assert.equal("the only backup", op.home:read("x.age"))
    fake:clear()
    assert.equal(0, backup("--force").status)
    assert.equal(MAGIC, op.home:read("x.age"):sub(1, #MAGIC))
  end)

  it("leaves no other file behind", function()
    backup()
    backup("--path", "/nothing")
    for _, name in ipairs(op.home:list()) do
      assert.is_true(name == "x.age" or name == ".config" or name:find("^%.std") ~= nil, name)
    end
  end)

  it("keeps secrets out of everything it says", function()
    local result =
      op:must({ "-vv", "ssm", "backup", "--to", op:path("x.age"), "--path", "/load/001" })
    assert.not_matches("spec%-secret", result.stderr .. result.stdout)
    fake:script("GetParameters", {})
    local shown = op.rows(op:must({
      "ssm",
      "ls",
      "--path",
      "/load/001",
      "--values",
      "--reveal",
    }))
    for _, row in ipairs(shown) do
      assert.is_nil((result.stderr .. result.stdout):find(row.value, 1, true))
    end
  end)
end)
