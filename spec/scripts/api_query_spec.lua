local program = require("spec.support.program")
local server = require("spec.support.server")

local VARIABLES = {
  AWS_ACCESS_KEY_ID = "AKID",
  AWS_REGION = "eu-west-1",
  AWS_SECRET_ACCESS_KEY = "secret",
}

describe("awsbak api --query", function()
  it("loses no reply of a change that was made", function()
    local peer <close> = server.start()
    peer:script("PutParameter", { { body = '{"Version":7}' } })
    local env = { AWS_ENDPOINT_URL = peer.url }
    for name, value in pairs(VARIABLES) do
      env[name] = value
    end
    local result = program.run({
      "api",
      "ssm",
      "put-parameter",
      "Name=/a",
      "Value=x",
      "--query",
      "length(Version)",
    }, { env = env })
    assert.equal(1, result.status, result.stderr)
    assert.equal('{"Version":7}\n', result.stdout)
    assert.matches("PutParameter was done, but --query failed on its reply", result.stderr, 1, true)
  end)

  local ENV = {}
  for name, value in pairs(VARIABLES) do
    ENV[name] = value
  end

  local function query(expression, ...)
    local peer <close> = server.start()
    peer:script("DescribeParameters", {
      { body = '{"Parameters":[{"Name":"/a"}],"NextToken":"t"}' },
      { body = '{"Parameters":[{"Name":"/b","Version":2}]}' },
    })
    ENV.AWS_ENDPOINT_URL = peer.url
    local words = { "api", "ssm", "describe-parameters", "--query", expression, ... }
    return program.run(words, { env = ENV }), #peer:requests()
  end

  it("picks out of all pages together", function()
    assert.equal('["/a","/b"]\n', query("Parameters[].Name").stdout)
    assert.equal("/a\n/b\n", query("Parameters[].Name", "--output", "table").stdout)
    assert.equal("[\n  2\n]\n", query("Parameters[].Version", "--output", "json").stdout)
  end)

  it("is told to be wrong before anything is sent, with the place", function()
    local said, count = query("Parameters[")
    assert.same({ 2, 0, "" }, { said.status, count, said.stdout })
    assert.matches("is wrong at character 12", said.stderr, 1, true)
  end)
end)
