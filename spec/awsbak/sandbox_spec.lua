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
  it("leaves nothing of AWS in the environment but its own", function()
    local hidden = {
      "AWSBAK_ENDPOINT_URL",
      "AWSBAK_PROFILE",
      "AWSBAK_REGION",
      "AWS_PROFILE",
      "AWS_SESSION_TOKEN",
      "HTTP_PROXY",
      "https_proxy",
    }
    local environ = { HOME = "/home/x", AWS_REGION = "real" }
    for _, name in ipairs(hidden) do
      environ[name] = "real"
    end
    local changes = sandbox.environment("http://127.0.0.1:1", "/box", environ)
    assert.equal("http://127.0.0.1:1", changes.AWS_ENDPOINT_URL)
    assert.equal("us-east-1", changes.AWS_REGION)
    assert.equal("/box", changes.XDG_CONFIG_HOME)
    for _, name in ipairs(hidden) do
      assert.is_false(changes[name])
    end
    assert.is_nil(changes.HOME)
  end)

  local function script_in(dir, words, env)
    local server = dir:write("server.sh", "echo ' * Running on http://127.0.0.1:9'; exec sleep 600")
    local all = {
      AWSBAK_SANDBOX_CMD = "/bin/sh " .. server,
      TMPDIR = dir:path(),
      XDG_CONFIG_HOME = dir:path("config"),
    }
    for name, value in pairs(env or {}) do
      all[name] = value
    end
    return program.run(words, { env = all })
  end

  it("shows its own environment to the script and to what that starts", function()
    local dir <close> = scratch.new()
    local code = [[
      print(os.getenv("AWS_ACCESS_KEY_ID"), os.getenv("AWSBAK_PROFILE"))
      os.execute("env | grep -E 'AWS_(ACCESS|SECRET|SESSION|PROFILE)|AWSBAK_ENDPOINT' | sort")
    ]]
    local result = script_in(dir, { "--sandbox", "-e", code }, {
      AWSBAK_ENDPOINT_URL = "http://127.0.0.1:1",
      AWSBAK_PROFILE = "prod",
      AWS_ACCESS_KEY_ID = "AKREAL",
      AWS_PROFILE = "prod",
      AWS_SECRET_ACCESS_KEY = "real",
      AWS_SESSION_TOKEN = "real",
    })
    assert.equal("", result.stderr)
    assert.equal(
      "sandbox\tnil\nAWS_ACCESS_KEY_ID=sandbox\nAWS_SECRET_ACCESS_KEY=sandbox\n",
      result.stdout
    )
  end)

  it("refuses flags that lead out of it", function()
    local dir <close> = scratch.new()
    for _, flag in ipairs({ "--endpoint-url", "--profile" }) do
      local result = script_in(dir, { "--sandbox", flag, "x", "-e", "print(1)" })
      assert.equal(2, result.status)
      local said = "awsbak: error: %s has no meaning in the sandbox; leave out one of the two\n"
      assert.equal(said:format(flag), result.stderr)
    end
  end)

  it("removes what killed runs left, and nothing else", function()
    local dir <close> = scratch.new()
    local code = [[io.popen("kill -9 " .. require("awsbak.core.sys").pid()):close()]]
    script_in(dir, { "--sandbox", "-e", code })
    local left = dir:list()
    assert.matches("^awsbak%-sandbox%-", left[1])
    local ours = left[1]:gsub("%d+%-%x+$", "1-0123") -- process 1 always runs
    os.execute("mkdir " .. shell.quote(dir:path(ours)))
    os.execute("touch " .. shell.quote(dir:path(left[1] .. "/file")))
    dir:write(left[1] .. "0", "a file, not a folder")
    assert.equal("", script_in(dir, { "--sandbox", "-e", "" }).stderr)
    assert.same({ ours, left[1] .. "0", "server.sh" }, dir:list())
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
