local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local function lines(text)
  local list = {}
  for line in text:gmatch("[^\n]+") do
    list[#list + 1] = line
  end
  return list
end

local function candidates(line, options)
  local result = program.run({ "completion", "--line", line }, options)
  assert.equal(0, result.status, result.stderr)
  assert.equal("", result.stderr)
  return lines(result.stdout)
end

describe("awsbak completion --line", function()
  it("gives commands, and the words of groups", function()
    assert.same({ "keygen" }, candidates("awsbak k"))
    assert.same({ "backup", "diff", "ls", "restore" }, candidates("awsbak ssm "))
    assert.same({ "diff" }, candidates("awsbak --region us-east-1 ssm d"))
  end)

  it("gives flags, and the values that they can have", function()
    assert.same({ "--overwrite" }, candidates("awsbak ssm restore x.age --overw"))
    assert.same({ "--read-only" }, candidates("awsbak ssm restore --read"))
    assert.same({ "never", "changed", "always" }, candidates("awsbak ssm restore --overwrite "))
    assert.same({ "json", "jsonl" }, candidates("awsbak --output j"))
    assert.same({ "eu-south-1", "eu-south-2" }, candidates("awsbak api ssm --region eu-so"))
  end)

  it("gives the profiles of the user's files", function()
    local home <close> = scratch.new()
    local config = home:write("config", "[default]\n[profile prod]\n[profile preview]\n")
    local env = { AWS_CONFIG_FILE = config, AWS_SHARED_CREDENTIALS_FILE = "/dev/null" }
    assert.same({ "preview", "prod" }, candidates("awsbak --profile pr", { env = env }))
  end)

  it("gives services, and operations in the spelling that was begun", function()
    assert.same({ "sso", "sso-oidc" }, candidates("awsbak api sso"))
    assert.same({ "put-parameter" }, candidates("awsbak api ssm put-par"))
    assert.same({ "put_parameter" }, candidates("awsbak api ssm put_par"))
    assert.same({ "PutParameter" }, candidates("awsbak api ssm PutPar"))
  end)

  it("gives members that were not given yet, and the values of enums and booleans", function()
    local begun = "awsbak api ssm put-parameter Name=/a "
    assert.same({ "Type=", "Tags:=", "Tier=" }, candidates(begun .. "T"))
    assert.same({ "Tags:=" }, candidates(begun .. "Type=String Tier=Standard T"))
    assert.same({ "Type=SecureString" }, candidates(begun .. "Type=Sec"))
    assert.same({ "Overwrite=true", "Overwrite=false" }, candidates(begun .. "Overwrite="))
    assert.same({}, candidates(begun .. "N"))
  end)

  it("gives topics of help", function()
    assert.same({ "ssm", "sso", "sso-oidc" }, candidates("awsbak help ss"))
    assert.same({ "ssm.put_parameter" }, candidates("awsbak help ssm.put_par"))
    assert.same({ "aws.ssm.put_parameter" }, candidates("awsbak help aws.ssm.put_par"))
    assert.same({ "ec2.wait.snapshot_completed" }, candidates("awsbak help ec2.wait.snapshot_c"))
    assert.same({ "kms.each.list_aliases" }, candidates("awsbak help kms.each.list_a"))
    assert.same({ "sts.assume_role.Tags" }, candidates("awsbak help sts.assume_role.Ta"))
    assert.same({ "backup" }, candidates("awsbak help ssm b"))
  end)

  it("understands quotes as shells do", function()
    assert.same({ "sso", "sso-oidc" }, candidates([[awsbak 'api' "sso]]))
    assert.same({ "Tier=Standard" }, candidates([[awsbak api ssm put-parameter Name='a b' Tier=S]]))
  end)

  it("says nothing of files, of what it does not know, and of lines that are none", function()
    for _, line in ipairs({
      "awsbak",
      "awsbak verify ",
      "awsbak nothing here",
      "awsbak api nope ",
      "awsbak api ssm nope ",
      "awsbak api ../x ",
      "awsbak api ssm put-parameter Nope=",
      "awsbak help ssm.put.x.y",
      "awsbak api ssm \27[2J",
      ("awsbak api ssm " .. ("x"):rep(5000)),
    }) do
      assert.same({}, candidates(line), line)
    end
  end)
end)

describe("awsbak completion", function()
  local bin

  setup(function()
    bin = scratch.new()
    local exe = io.popen("realpath " .. shell.quote(program.path())):read("l")
    assert(os.execute(("ln -s %s %s"):format(shell.quote(exe), shell.quote(bin:path("awsbak")))))
  end)

  teardown(function()
    bin:close()
  end)

  --- What a shell prints that has loaded its script, between two pieces of code.
  local function ask(name, flags, before, after)
    local result = program.run({ "completion", name })
    assert.equal(0, result.status, result.stderr)
    local path = bin:write(name .. ".script", before .. result.stdout .. after)
    local line = ("env PATH=%s:$PATH HOME=%s %s %s %s 2>&1"):format(
      shell.quote(bin:path()),
      shell.quote(bin:path()),
      name,
      flags,
      shell.quote(path)
    )
    local pipe = io.popen(line)
    local said = pipe:read("a")
    pipe:close()
    return lines(said)
  end

  local function in_bash(line)
    return ask(
      "bash",
      "--norc",
      "",
      ("\nCOMP_LINE=%s COMP_POINT=%d\n_awsbak\nprintf '%%s\\n' \"${COMPREPLY[@]}\"\n"):format(
        shell.quote(line),
        #line
      )
    )
  end

  it("completes in bash, where = and : end words", function()
    assert.same({ "put-parameter" }, in_bash("awsbak api ssm put-par"))
    assert.same({ "SecureString" }, in_bash("awsbak api ssm put-parameter Type=Sec"))
    assert.same({ "Tags:=" }, in_bash("awsbak api ssm put-parameter Ta"))
    assert.same({}, in_bash("awsbak verify "))
  end)

  it("completes in zsh", function()
    -- compadd works only where a person types: what it is given is what counts.
    local stubs = 'compdef() { : }\ncompadd() { print -r -- "${(q)@}" }\n_files() { print files }\n'
    local function seen(before, prefix)
      local set = ("\nwords=(%s '') CURRENT=$#words PREFIX=%s\n_awsbak\n"):format(
        before,
        shell.quote(prefix)
      )
      return table.concat(ask("zsh", "-f", stubs, set), " ")
    end
    assert.equal("-- put-parameter", seen("awsbak api ssm", "put-par"))
    assert.equal("-- Type=SecureString", seen("awsbak api ssm put-parameter", "Type=Sec"))
    assert.equal("-S '' -- Tier=", seen("awsbak api ssm put-parameter", "Ti"))
    assert.equal("files", seen("awsbak verify", ""))
  end)

  it("completes in fish", function()
    local function in_fish(line)
      return ask("fish", "--no-config", "", ("\ncomplete -C %s\n"):format(shell.quote(line)))
    end
    assert.same({ "put-parameter" }, in_fish("awsbak api ssm put-par"))
    assert.same({ "Type=SecureString" }, in_fish("awsbak api ssm put-parameter Type=Sec"))
  end)

  it("refuses a shell that it does not know, and asks for one", function()
    local result = program.run({ "completion", "bsh" })
    assert.equal(2, result.status)
    assert.matches("bash", result.stderr, 1, true)
    assert.equal(2, program.run({ "completion" }).status)
  end)
end)
