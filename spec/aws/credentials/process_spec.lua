local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local process = require("aws.credentials.process")
local scratch = require("spec.support.scratch")

local ANSWER = '{"Version": 1, "AccessKeyId": "AKIDP", "SecretAccessKey": "s", "SessionToken": "t",'
  .. ' "Expiration": "2030-01-01T00:00:00Z", "AccountId": "1"}'

--- Load from a profile whose credential_process is `command`.
local function load(command)
  local cfg = {
    key = function()
      return command, "[x] in config"
    end,
  }
  return errors.try(process.load, cfg, { profile = "x" })
end

describe("credential_process", function()
  it("gives the keys that the program prints", function()
    local dir <close> = scratch.new()
    dir:write("answer 'x'.json", ANSWER)
    local keys = load(([[cat "%s"]]):format(dir:path("answer 'x'.json")))
    assert.equal("AKIDP", keys.access_key_id)
    assert.equal("s", keys.secret_access_key:reveal())
    assert.equal("t", keys.session_token:reveal())
    assert.equal(1893456000, keys.expires)
    assert.equal("1", keys.account_id)
  end)

  it("is run without a shell", function()
    local _, e = load("echo " .. ANSWER:gsub('"', [["\""]]):gsub("s", "$(id)") .. " ; true")
    assert.equal("credential_process", e.code)
  end)

  it("that does not exist is named", function()
    local _, e = load("/no/such/program")
    assert.same({ "credentials", "credential_process" }, { e.kind, e.code })
    assert.matches("cannot run /no/such/program: No such file", e.message, 1, true)
  end)

  it("gets our environment without keys", function()
    local dir <close> = scratch.new()
    local printer = dir:write("print.sh", 'env >"$1"; echo ' .. "'" .. ANSWER .. "'")
    local env = {
      PATH = os.getenv("PATH"),
      AWS_PROFILE = "kept",
      AWS_ACCESS_KEY_ID = "AKID",
      AWS_SECRET_ACCESS_KEY = "hunter2",
      AWS_SESSION_TOKEN = "hunter2",
      AWS_SECURITY_TOKEN = "hunter2",
      AWS_CONTAINER_AUTHORIZATION_TOKEN = "hunter2",
      AWS_BEARER_TOKEN_BEDROCK = "hunter2",
    }
    local keys = outside.with({
      environ = function()
        return env
      end,
    }, load, ("sh %s %s"):format(printer, dir:path("seen")))
    assert.equal("AKIDP", keys.access_key_id)
    local seen = dir:read("seen")
    assert.truthy(seen:find("AWS_PROFILE=kept", 1, true))
    assert.falsy(seen:find("hunter2", 1, true))
    assert.falsy(seen:find("AWS_ACCESS_KEY_ID", 1, true))
  end)

  it("is refused with one sentence, showing nothing of what it printed", function()
    for command, words in pairs({
      [ [[sh -c "echo s3cret >&2; exit 3"]] ] = "ended with status 3",
      [ [[sh -c "kill -9 $$; echo s3cret"]] ] = "ended by signal 9",
      ["echo s3cret"] = "did not print a JSON object",
      [ [[echo '{"Version": 2, "AccessKeyId": "s3cret"}']] ] = "another version than 1",
      [ [[echo '{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": 5}']] ] = "secret access key",
      [ [[echo '{"Version": 1, "Expiration": "soon"}']] ] = "no time",
      ["echo 's3cret"] = "a quote that is not closed",
      ["/there/is/no/such/program s3cret"] = "failed",
    }) do
      local _, e = load(command)
      assert.equal("credentials", e and e.kind, command)
      assert.truthy(e.message:find(words, 1, true), e.message)
      assert.falsy(tostring(e):find("s3cret", 1, true), tostring(e))
    end
  end)
end)
