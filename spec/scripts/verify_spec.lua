local json = require("awsbak.core.json")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

-- What a policy does, in a script: `awsbak make.lua TARGET OPTIONS-AS-LUA`.
local MAKE = [[
local archive = require("backup.archive")
local options = load("return " .. (arg[2] or "{}"))()
options.kind = options.kind or "test"
local out <close> = archive.create(arg[1], options)
out:add({ name = "/a", value = "hidden value" })
out:commit(options.kind == "gaps" and { incomplete = 1 } or nil)
]]

describe("awsbak verify", function()
  local home

  before_each(function()
    home = scratch.new()
    home:write("make.lua", MAKE)
    program.run({ "keygen" }, { home = home:path() })
  end)
  after_each(function()
    home:close()
  end)

  local function make(target, options, stdin)
    return program.run(
      { home:path("make.lua"), target, options },
      { home = home:path(), stdin = stdin }
    )
  end

  local function verify(words, stdin)
    table.insert(words, 1, "verify")
    local result = program.run(words, { home = home:path(), stdin = stdin })
    return result.status == 0 and json.decode(result.stdout:match("^[^\n]*")) or nil, result
  end

  it("tells what an archive is and whose, without a word of its content", function()
    assert.equal(0, make(home:path("a.age")).status)
    local found, result = verify({ home:path("a.age") })
    assert.equal("test", found.kind)
    assert.equal(1, found.count)
    assert.equal("own", found.trust)
    assert.is_true(found.encrypted)
    assert.equal("", result.stderr)
    assert.is_nil(result.stdout:find("hidden", 1, true))
  end)

  it("reads standard input, and archives go to standard output", function()
    local made = make("-")
    assert.equal(0, made.status, made.stderr)
    local found = verify({ "-" }, made.stdout)
    assert.equal(1, found.count)
  end)

  it("says what the signature of a plain archive leaves open", function()
    make(home:path("a.age"), "{ plaintext = true }")
    local found, result = verify({ home:path("a.age") })
    assert.equal("own", found.trust)
    assert.is_false(found.encrypted)
    assert.matches("a.age is not encrypted: its records are signed, but", result.stderr, 1, true)
  end)

  it("says when nobody, or somebody unknown, signed", function()
    make(home:path("a.age"), "{ signing_key = false }")
    local found, result = verify({ home:path("a.age") })
    assert.equal("unsigned", found.trust)
    assert.matches("is not signed", result.stderr, 1, true)

    local key = "{ signing_key = (require('awsbak.core.key').generate()) }"
    make(home:path("b.age"), key)
    found, result = verify({ home:path("b.age") })
    assert.equal("unknown", found.trust)
    assert.matches("neither you nor listed", result.stderr, 1, true)
    found, result = verify({ home:path("b.age"), "--trust", found.signer })
    assert.equal("given", found.trust)
    assert.equal("", result.stderr)
  end)

  it("says when something could not be read while it was made", function()
    make(home:path("a.age"), "{ kind = 'gaps' }")
    local _, result = verify({ home:path("a.age") })
    assert.matches("1 items could not be read", result.stderr, 1, true)
  end)

  it("fails in one sentence for what is damaged, foreign or missing", function()
    make(home:path("a.age"))
    local whole = home:read("a.age")
    local cases = {
      [home:write("cut.age", whole:sub(1, -2))] = "damaged, cut short",
      [home:write("empty.age", "")] = "the file is empty",
      [home:write("text", "hello\n")] = "is not an awsbak archive",
      [home:path("missing")] = "No such file or directory",
      [home:path()] = "not a regular file",
    }
    for path, message in pairs(cases) do
      local _, result = verify({ path })
      assert.equal(1, result.status, path)
      assert.equal("", result.stdout)
      assert.matches(message, result.stderr, 1, true)
      assert.matches(path, result.stderr, 1, true)
      assert.matches("^awsbak: error: [^\n]*\n$", result.stderr)
    end
  end)

  it("fails for a key that does not fit, and names what to do", function()
    make(home:path("a.age"))
    os.remove(home:path(".config/awsbak/identity.txt"))
    program.run({ "keygen" }, { home = home:path() })
    local _, result = verify({ home:path("a.age") })
    assert.equal(1, result.status)
    assert.matches("none of the identities", result.stderr, 1, true)
    assert.matches("--identity", result.stderr, 1, true)
  end)

  it("opens with an identity or a passphrase from a file", function()
    make(home:path("a.age"))
    os.rename(home:path(".config/awsbak/identity.txt"), home:path("key.txt"))
    assert.is_nil((verify({ home:path("a.age") })))
    assert.equal(1, verify({ home:path("a.age"), "--identity", home:path("key.txt") }).count)

    home:write("pass", "horse\n")
    make(
      home:path("p.age"),
      ("{ passphrase_file = %q, work_factor = 2 }"):format(home:path("pass"))
    )
    local found = verify({ home:path("p.age"), "--passphrase-file", home:path("pass") })
    assert.equal(1, found.count)
  end)
end)
