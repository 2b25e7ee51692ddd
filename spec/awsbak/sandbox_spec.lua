local outside = require("awsbak.outside")
local program = require("spec.support.program")
local sandbox = require("awsbak.sandbox")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local function with_environment(variables, f)
  return outside.with({
    getenv = function(name)
      return variables[name]
    end,
  }, f)
end

describe("the sandbox", function()
  it("shows nothing of AWS in the environment but its own", function()
    local getenv = sandbox.environment("http://127.0.0.1:1", "/box", function(name)
      return "real " .. name
    end)
    assert.equal("http://127.0.0.1:1", getenv("AWS_ENDPOINT_URL"))
    assert.equal("us-east-1", getenv("AWS_REGION"))
    for _, name in ipairs({ "AWS_PROFILE", "AWS_SESSION_TOKEN", "https_proxy", "HTTP_PROXY" }) do
      assert.is_nil(getenv(name))
    end
    assert.equal("real HOME", getenv("HOME"))
    assert.equal("/box", getenv("XDG_CONFIG_HOME"))
  end)

  it("makes keys in a folder of its own, and leaves nothing of it", function()
    local dir <close> = scratch.new()
    local server = dir:write("server.sh", "echo ' * Running on http://127.0.0.1:9'; exec sleep 600")
    dir:write("keys.lua", 'require("scripts.keygen").run({})')
    local result = program.run({ "--sandbox", dir:path("keys.lua") }, {
      env = {
        AWSBAK_SANDBOX_CMD = "/bin/sh " .. server,
        TMPDIR = dir:path(),
        HOME = dir:path(),
        XDG_CONFIG_HOME = dir:path("config"),
      },
    })
    assert.equal("", result.stderr)
    assert.matches(dir:path("awsbak-sandbox-"), result.stdout, 1, true)
    assert.same({ "keys.lua", "server.sh" }, dir:list())
  end)

  it("is the server AWSBAK_SANDBOX_CMD names, with its words", function()
    with_environment({ AWSBAK_SANDBOX_CMD = "python3 -m moto.server" }, function()
      assert.same({ "python3", "-m", "moto.server" }, sandbox.command())
    end)
  end)

  it("finds moto_server in PATH, in absolute folders only", function()
    local dir <close> = scratch.new()
    local path = dir:write("moto_server", "")
    with_environment({ PATH = ".:" .. dir:path() }, function()
      local found = sandbox.command()[1]
      assert.is_true(found == path or found:find("/venv/bin/moto_server$") ~= nil)
    end)
  end)

  it("says so when the server ends at once", function()
    local result = program.run(
      { "--sandbox", "-e", "print(1)" },
      { env = { AWSBAK_SANDBOX_CMD = "/bin/false" } }
    )
    assert.same({ 2, "" }, { result.status, result.stdout })
    assert.matches("moto_server ended at once", result.stderr, 1, true)
  end)

  it("refuses other hosts, and ends the server with the program", function()
    local dir <close> = scratch.new()
    local server = dir:write(
      "server.sh",
      [[
      echo $$ > "$(dirname "$0")/pid"
      echo ' * Running on http://127.0.0.1:9'
      exec sleep 600
    ]]
    )
    local command = { env = { AWSBAK_SANDBOX_CMD = "/bin/sh " .. server } }
    local code = [[require("awsbak.http").send({ method = "GET", url = "http://192.0.2.1/" })]]
    local result = program.run({ "--sandbox", "-e", code }, command)
    assert.equal(2, result.status)
    assert.matches("192.0.2.1:80 is not in the sandbox", result.stderr, 1, true)
    assert.is_nil(os.execute("kill -0 " .. dir:read("pid"):match("%d+") .. " 2>/dev/null"))
  end)

  it("ends the server also when the program is killed", function()
    local dir <close> = scratch.new()
    local server = dir:write(
      "server.sh",
      [[
      echo $$ > "$(dirname "$0")/pid"
      echo ' * Running on http://127.0.0.1:9'
      exec sleep 600
    ]]
    )
    local code = [[io.popen("kill -9 " .. require("awsbak.core.sys").pid()):close()]]
    os.execute(
      ("TMPDIR=%s AWSBAK_SANDBOX_CMD=%s %s --sandbox -e %s 2>/dev/null"):format(
        shell.quote(dir:path()),
        shell.quote("/bin/sh " .. server),
        shell.quote(program.path()),
        shell.quote(code)
      )
    )
    local pid = dir:read("pid"):match("%d+")
    -- The kernel's signal and the end of the process need a moment, which `tail` waits for.
    assert.is_true(os.execute(("timeout 20 tail --pid=%s -f /dev/null"):format(pid)))
  end)
end)
