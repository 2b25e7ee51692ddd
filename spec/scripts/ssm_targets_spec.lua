--- Where a backup cannot be written, and runs that are ended: what was there before stays, and
--- nothing that could be taken for a backup is left.

local operator = require("spec.support.operator")
local program = require("spec.support.program")
local shell = require("spec.support.shell")

describe("awsbak ssm backup, where it writes", function()
  local op, fake

  setup(function()
    op, fake = operator.beside_ssm(120)
    op.home:write("old.age", "the backup of yesterday")
  end)

  teardown(function()
    op:close()
  end)

  before_each(function()
    fake:clear()
  end)

  -- Nothing but what was there before.
  local function assert_untouched()
    local names = op.home:list()
    for i = #names, 1, -1 do
      if names[i] == ".config" or names[i]:find("^%.std") or names[i]:find("^target") then
        table.remove(names, i)
      end
    end
    assert.same({ "old.age" }, names)
    assert.equal("the backup of yesterday", op.home:read("old.age"))
  end

  local function refused(to, sentence, ...)
    local result = op:run({ "ssm", "backup", "--to", to, ... })
    assert.equal(1, result.status, result.stderr)
    assert.matches(sentence, result.stderr)
    assert.matches("^awsbak: error: [^\n]+\n$", result.stderr)
    assert_untouched()
  end

  it("refuses what exists and is no file, with --force too", function()
    assert(os.execute("mkfifo " .. shell.quote(op:path("target.fifo"))))
    assert(os.execute("ln -s old.age " .. shell.quote(op:path("target.link"))))
    assert(os.execute("mkdir " .. shell.quote(op:path("target.d"))))
    for _, name in ipairs({ "target.fifo", "target.link", "target.d" }) do
      refused(op:path(name), name)
      refused(op:path(name), name, "--force")
    end
    refused("/dev/null", "/dev/null", "--force")
  end)

  it("refuses a folder that is not there", function()
    refused(op:path("none/x.age"), "none")
  end)

  -- The shell line that runs a backup to `to` after `before`.
  local function line(before, to, ...)
    local words = { "env", "-i", "HOME=" .. op.home.folder, "PATH=" .. os.getenv("PATH") }
    for _, name in ipairs({ "AWSBAK_LUA", "ASAN_OPTIONS" }) do
      words[#words + 1] = os.getenv(name) and name .. "=" .. os.getenv(name)
    end
    for name, value in pairs(op.env) do
      words[#words + 1] = name .. "=" .. value
    end
    for _, word in ipairs({ program.path(), "ssm", "backup", "--to", to, ... }) do
      words[#words + 1] = word
    end
    local said = shell.quote(op:path(".stderr"))
    return ("%s %s >/dev/null 2>%s"):format(before, shell.join(words), said)
  end

  it("leaves the old backup when the disk is full", function()
    local _, how, code =
      os.execute(line("trap '' XFSZ; ulimit -f 1; exec", op:path("old.age"), "--force"))
    assert.same({ "exit", 1 }, { how, code })
    assert.matches("old%.age", op.home:read(".stderr"))
    assert_untouched()
  end)

  -- The server answers some calls and then no more; the run is ended from outside.
  local function ended_by(signal)
    fake:script(
      "ListTagsForResource",
      { { pass = true, times = 30 }, { silent = true, times = -1 } }
    )
    -- In the foreground: else timeout signals twice, and the second signal ends us at once.
    local before = ("timeout --foreground --preserve-status -s %s 1"):format(signal)
    local _, how, code = os.execute(line(before, op:path("old.age"), "--force"))
    return how == "signal" and 128 + code or code
  end

  it("leaves the old backup when it is interrupted", function()
    assert.equal(130, ended_by("INT"))
    assert_untouched()
    assert.matches("^awsbak: [^\n]*interrupted[^\n]*\n$", op.home:read(".stderr"))
  end)

  it("leaves the old backup when it is ended, or killed", function()
    assert.equal(143, ended_by("TERM"))
    assert_untouched()
    assert.equal(137, ended_by("KILL"))
    assert_untouched()
  end)

  it("ends with 124 when its time is over", function()
    fake:script("ListTagsForResource", { { silent = true, times = -1 } })
    local result = op:run({ "ssm", "backup", "--to", op:path("x.age"), "--timeout", "500ms" })
    assert.equal(124, result.status)
    assert_untouched()
  end)

  it("ends quietly when nobody reads its output any more", function()
    local words = shell.join({ program.path(), "ssm", "ls", "--endpoint-url", fake.url })
    local env = "AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b AWS_REGION=us-east-1 "
    local pipe = assert(io.popen(("{ %s%s; } 2>&1 | head -n 1"):format(env, words)))
    local said = pipe:read("a")
    pipe:close()
    assert.matches('^{"[^\n]+}\n$', said)
  end)
end)
