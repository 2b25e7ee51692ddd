local file = require("awsbak.core.file")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local POLICY = [[
return require("awsbak.policy")({
  name = "version", summary = "Another version.", run = function() print(%q) end,
})
]]

--- Run in the folder `dir`, with HOME there.
local function run_in(dir, words, env)
  local cwd = io.popen("pwd"):read("l")
  local exe = program.path():gsub("^([^/])", cwd .. "/%1")
  local line = { "cd", shell.quote(dir:path()), "&&", "env", "HOME=" .. shell.quote(dir:path()) }
  for name, value in pairs(env or {}) do
    line[#line + 1] = name .. "=" .. shell.quote(value)
  end
  line[#line + 1] = shell.quote(exe)
  line[#line + 1] = shell.join(words)
  line[#line + 1] = "2>&1"
  local pipe = io.popen(table.concat(line, " "))
  local said = pipe:read("a")
  return said, select(3, pipe:close())
end

local function folder_with(dir, folder, what)
  os.execute("mkdir -p " .. shell.quote(dir:path(folder)))
  dir:write(folder .. "/version.lua", POLICY:format(what))
end

describe("a command is looked for", function()
  it("in AWSBAK_PATH, then the user's configuration, then in the program", function()
    local dir <close> = scratch.new()
    assert.matches("^awsbak %d", (run_in(dir, { "version" })))
    folder_with(dir, ".config/awsbak/scripts", "config")
    assert.equal("config\n", (run_in(dir, { "version" })))
    folder_with(dir, "mine", "path")
    assert.equal("path\n", (run_in(dir, { "version" }, { AWSBAK_PATH = dir:path("mine") })))
  end)

  it("not in relative folders", function()
    local dir <close> = scratch.new()
    folder_with(dir, "mine", "evil")
    local said = run_in(dir, { "version" }, { AWSBAK_PATH = "mine" })
    assert.matches("AWSBAK_PATH: 'mine' is not used", said, 1, true)
    assert.is_nil(said:find("evil"))
  end)

  it("with one warning a folder that is not used, however many looks it takes", function()
    local dir <close> = scratch.new()
    for _, words in ipairs({ { "ssm", "ls", "--help" }, { "help" }, { "versoin" } }) do
      local said = run_in(dir, words, { AWSBAK_PATH = "mine:/nowhere" })
      assert.equal(1, select(2, said:gsub("is not used", "")), table.concat(words, " "))
    end
  end)

  it("in ./scripts only beside the mark of eject", function()
    local dir <close> = scratch.new()
    folder_with(dir, "scripts", "project")
    assert.matches("^awsbak %d", (run_in(dir, { "version" })))
    dir:write(".awsbak", "")
    assert.equal("project\n", (run_in(dir, { "version" })))
  end)

  it("in ./scripts only when nobody else can write there", function()
    local dir <close> = scratch.new()
    folder_with(dir, "scripts", "project")
    dir:write(".awsbak", "")
    for _, name in ipairs({ "scripts", ".awsbak", "scripts/version.lua" }) do
      os.execute("chmod o+w " .. shell.quote(dir:path(name)))
      local said = run_in(dir, { "version" })
      assert.matches("not used", said, 1, true)
      assert.is_nil(said:find("project"), name)
      os.execute("chmod o-w " .. shell.quote(dir:path(name)))
    end
  end)
end)

describe("a command", function()
  it("can be ejected, changed, and then wins", function()
    local dir <close> = scratch.new()
    assert.same({ "scripts/version.lua\n", 0 }, { run_in(dir, { "eject", "version" }) })
    assert.matches("^awsbak %d", (run_in(dir, { "version" })))
    dir:write("scripts/version.lua", POLICY:format("mine"))
    assert.equal("mine\n", (run_in(dir, { "version" })))
    assert.matches("File: ./scripts/version.lua\n", (run_in(dir, { "help", "version" })), 1, true)
  end)

  it("is not ejected in a dry run", function()
    local dir <close> = scratch.new()
    local said, status = run_in(dir, { "eject", "version", "--dry-run" })
    assert.equal(0, status, said)
    assert.matches('"location":"scripts/version.lua"', said, 1, true)
    assert.is_nil(file.stat(dir:path("scripts")))
  end)

  it("is not ejected over a file, unless forced", function()
    local dir <close> = scratch.new()
    run_in(dir, { "eject", "version" })
    dir:write("scripts/version.lua", "mine")
    local said, status = run_in(dir, { "eject", "version" })
    assert.equal(1, status)
    assert.matches("scripts/version.lua", said, 1, true)
    assert.equal("mine", dir:read("scripts/version.lua"))
    assert.equal(0, select(2, run_in(dir, { "eject", "version", "--force" })))
  end)

  it("is not ejected through a link", function()
    local dir <close> = scratch.new()
    os.execute(("cd '%s' && mkdir other && ln -s other scripts"):format(dir:path()))
    local said, status = run_in(dir, { "eject", "version" })
    assert.equal(1, status)
    assert.matches("./scripts is a link, and eject follows none", said, 1, true)
    assert.is_nil(dir:read("other/version.lua"))
  end)

  it("that does not exist cannot be ejected", function()
    local dir <close> = scratch.new()
    local said, status = run_in(dir, { "eject", "versoin" })
    assert.equal(2, status)
    assert.matches("there is no built-in command 'versoin'; did you mean 'version'?", said, 1, true)
  end)

  it("must return a policy", function()
    local dir <close> = scratch.new()
    os.execute("mkdir -p " .. shell.quote(dir:path("mine")))
    dir:write("mine/odd.lua", "return {}")
    local said, status = run_in(dir, { "odd" }, { AWSBAK_PATH = dir:path("mine") })
    assert.equal(2, status)
    assert.matches("mine/odd.lua does not return a policy", said, 1, true)
  end)

  it("has strict globals", function()
    local dir <close> = scratch.new()
    os.execute("mkdir -p " .. shell.quote(dir:path("mine")))
    dir:write("mine/odd.lua", "x = 1")
    local said = run_in(dir, { "odd" }, { AWSBAK_PATH = dir:path("mine") })
    assert.matches("mine/odd.lua:1: assignment to global 'x' in a module", said, 1, true)
  end)

  it("of a library is the same file", function()
    local dir <close> = scratch.new()
    folder_with(dir, "mine", "mine")
    local said = run_in(
      dir,
      { "-e", 'require("scripts.version").run()' },
      { AWSBAK_PATH = dir:path("mine") }
    )
    assert.equal("mine\n", said)
  end)
end)

describe("words that are no command", function()
  for said, meant in pairs({
    ["sm backup"] = "ssm backup",
    ["SSM ls"] = "ssm ls",
    ["restore f.age"] = "s3 restore' or 'ssm restore",
    backup = "ssm backup",
    Backup = "ssm backup",
    smm = "ssm",
    ["eject sm/backup"] = "ssm backup",
  }) do
    it(("such as '%s' get the nearest command"):format(said), function()
      local words = {}
      for word in said:gmatch("%S+") do
        words[#words + 1] = word
      end
      local result = program.run(words)
      assert.equal(2, result.status)
      assert.matches(("did you mean '%s'?\n"):format(meant), result.stderr, 1, true)
    end)
  end

  it("but begin some get the list of those", function()
    for _, words in ipairs({ { "ssm", "nope" }, { "ssm" }, { "eject", "ssm/nope" } }) do
      assert.matches("; they are: ssm backup, ssm diff,", program.run(words).stderr, 1, true)
    end
  end)
end)

describe("a command of the project", function()
  it("that fails is not called a defect of awsbak", function()
    local dir <close> = scratch.new()
    os.execute("mkdir " .. shell.quote(dir:path("scripts")))
    dir:write(".awsbak", "")
    dir:write("scripts/odd.lua", "local x\nreturn x.y")
    local said = run_in(dir, { "odd" })
    assert.equal(
      "awsbak: error: ./scripts/odd.lua:2: attempt to index a nil value (local 'x')\n",
      said
    )
  end)
end)

describe("awsbak help", function()
  it("is what a word that begins several commands says when it is asked", function()
    local expected = program.run({ "help", "s3" }).stdout
    assert.matches("  s3 cp ", expected, 1, true)
    for _, word in ipairs({ "--help", "-h", "help" }) do
      local result = program.run({ "s3", word })
      assert.equal(0, result.status, result.stderr)
      assert.equal(expected, result.stdout)
    end
    assert.equal(2, program.run({ "nope", "--help" }).status)
  end)

  it("shows what is of AWS, and where a word is both, both", function()
    local said = program.run({ "help", "ssm" }).stdout
    assert.matches("ssm backup   Save SSM parameters", said, 1, true)
    assert.matches("put_parameter", said, 1, true)
    for _, words in ipairs({ { "ssm.put_parameter" }, { "ssm", "put-parameter" } }) do
      said = program.run({ "help", table.unpack(words) }).stdout
      assert.matches("PutParameter of Amazon Simple Systems Manager", said, 1, true)
    end
    assert.matches("awsbak ssm ls [options]", program.run({ "help", "ssm", "ls" }).stdout, 1, true)
  end)

  it("names what is nearest to a wrong word", function()
    for words, hint in pairs({
      ["ssm bakup"] = "did you mean 'ssm backup'?",
      ["ssm.bakup"] = 'ssm has no operation "bakup"; `awsbak help ssm` lists them',
      ["ssm.each"] = 'ssm has no operation "each"; `awsbak help ssm` lists them',
      ["kms encrpt"] = "did you mean encrypt?",
      ["dynamdb"] = 'did you mean "dynamodb"?',
      ["versoin"] = "did you mean 'version'?",
    }) do
      local said = program.run({ "help", words })
      assert.same({ 2, "" }, { said.status, said.stdout })
      assert.matches(hint, said.stderr, 1, true)
    end
  end)

  it("lists commands and the flags of all", function()
    local said = program.run({ "help" }).stdout
    for _, word in ipairs({
      "  version ",
      "  eject ",
      "--region VALUE",
      "--timeout TIME",
      "ssm commands sit throttling out",
      "Exit codes:",
    }) do
      assert.matches(word, said, 1, true)
    end
  end)

  it("describes one command, its options, examples and file", function()
    local said = program.run({ "help", "eject" }).stdout
    assert.matches("^awsbak eject NAME%.%.%. %[options%]\n\nWrite a built%-in command", said)
    assert.matches("--force", said, 1, true)
    assert.matches("Examples:\n  awsbak eject ssm/backup\n", said, 1, true)
    assert.matches("File: scripts/eject.lua (built in)\n", said, 1, true)
    assert.equal(said, program.run({ "eject", "--help" }).stdout)
  end)

  it("writes running text anew, not the lines it was typed in", function()
    local dir <close> = scratch.new()
    os.execute("mkdir -p " .. shell.quote(dir:path("mine")))
    dir:write(
      "mine/p.lua",
      [[
      return require("awsbak.policy")({
        name = "p",
        summary = "Do it.",
        description = ("word "):rep(18) .. "end\nof one\n\n  as is\n" .. ("next "):rep(3),
        run = function() end,
      })
    ]]
    )
    local said = run_in(dir, { "help", "p" }, { AWSBAK_PATH = dir:path("mine") })
    local expected = ("word "):rep(18):sub(1, -2) .. "\nend of one\n\n  as is\nnext next next\n"
    assert.matches("Do it.\n\n" .. expected, said, 1, true)
  end)

  it("is as wide as the terminal", function()
    local words = { "sh", "-c", 'stty cols 40; exec "$@"', "sh", program.path(), "help", "eject" }
    local command = "python3 spec/support/terminal.py /usr/bin/env %s </dev/null"
    local pipe = io.popen(command:format(shell.join(words)))
    local said = pipe:read("a"):match("^(.-)\nExamples:")
    pipe:close()
    for line in said:gmatch("[^\n]+") do
      assert.is_true(#line <= 40, line)
    end
    assert.matches("\n  %-%-force  %S", said)
  end)

  it("lists a group's commands", function()
    local said = program.run({ "help", "ssm" })
    assert.equal(0, said.status)
    assert.matches("^  ssm backup +Save", said.stdout)
    assert.is_nil(said.stdout:find("\n  version"))
  end)

  it("still lists the others when one does not load", function()
    local dir <close> = scratch.new()
    os.execute("mkdir -p " .. shell.quote(dir:path("mine")))
    dir:write("mine/odd.lua", "syntax error")
    local said = run_in(dir, { "help" }, { AWSBAK_PATH = dir:path("mine") })
    assert.matches("(does not load: ", said, 1, true)
    assert.matches("  version ", said, 1, true)
  end)
end)

describe("awsbak invoke", function()
  it("answers an event with one JSON object", function()
    local dir <close> = scratch.new()
    os.execute("mkdir -p " .. shell.quote(dir:path("mine")))
    dir:write(
      "mine/p.lua",
      [[
      return require("awsbak.policy")({
        name = "p", summary = "P.",
        options = { { "dry_run", kind = "flag" }, { "path", many = true } },
        run = function(o) return { ok = #o.path, failed = o.dry_run and 1 or 0 } end,
      })
    ]]
    )
    local env = { AWSBAK_PATH = dir:path("mine") }
    dir:write("event.json", '{"path": "/a"}')
    assert.same(
      { '{"failed":0,"ok":1,"status":"ok"}\n', 0 },
      { run_in(dir, { "invoke", "p", "event.json" }, env) }
    )
    dir:write("event.json", '{"dry_run": true}')
    assert.same(
      { '{"failed":1,"ok":0,"status":"incomplete"}\n', 3 },
      { run_in(dir, { "invoke", "p", "event.json" }, env) }
    )
    dir:write("event.json", '{"dryrun": true}')
    local said, status = run_in(dir, { "invoke", "p", "event.json" }, env)
    assert.equal(2, status)
    local message = "awsbak: error: there is no option 'dryrun'; did you mean 'dry_run'?\n"
    assert.matches(message, said, 1, true)
  end)
end)
