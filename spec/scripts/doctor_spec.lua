local json = require("awsbak.core.json")
local moto = require("spec.support.moto")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")

describe("awsbak doctor", function()
  local endpoint

  setup(function()
    endpoint = moto.fresh()
  end)

  --- Run it; rows by "about name", and what it ended with.
  local function doctor(env, home)
    env.AWS_EC2_METADATA_DISABLED = "true"
    env.AWS_ENDPOINT_URL = endpoint
    local ran = program.run({ "doctor" }, { env = env, home = home })
    local rows = {}
    for line in ran.stdout:gmatch("[^\n]+") do
      local row = assert(json.decode(line))
      rows[(row.about or row.type) .. " " .. (row.name or "")] = row
    end
    return rows, ran
  end

  it("shows settings with their sources, the clock and who one is", function()
    local rows, ran = doctor({
      AWS_ACCESS_KEY_ID = "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY = "hunter2",
      AWS_REGION = "eu-west-1",
      HTTPS_PROXY = "http://user:hunter2@127.0.0.1:1",
    })
    assert.equal(0, ran.status, ran.stderr)
    assert.equal("AWS_REGION", rows["setting region"].source)
    assert.equal("default", rows["setting retry_mode"].source)
    assert.equal("used", rows["credentials environment"].value)
    assert.truthy(rows["clock skew"].value:match("^[+-]%d+ s$"))
    assert.truthy(rows["identity GetCallerIdentity"].value:match("^arn:aws:sts::"))
    assert.falsy((ran.stdout .. ran.stderr):find("hunter2", 1, true))
  end)

  it("shows how the run itself is set, and which keys of archives are there", function()
    local dir <close> = scratch.new()
    os.execute(("mkdir -p %s/.config/awsbak"):format(dir:path()))
    dir:write(".config/awsbak/identity.txt", "hunter2\n")
    os.execute(("chmod 600 %s/.config/awsbak/identity.txt"):format(dir:path()))
    local rows, ran = doctor({ AWSBAK_CONCURRENCY = "4", AWSBAK_PATH = "/policies" }, dir:path())
    assert.equal(4, tonumber(rows["run concurrency"].value))
    assert.equal("AWSBAK_CONCURRENCY", rows["run concurrency"].source)
    assert.equal("not set", rows["run timeout"].source)
    assert.equal("/policies", rows["run AWSBAK_PATH"].value)
    assert.equal("present", rows["file identity.txt"].value)
    assert.equal("not there", rows["file signers.txt"].value)
    assert.falsy(ran.stdout:find("hunter2", 1, true))
  end)

  it("shows the number of tries that holds, and the endpoint of one service", function()
    local rows, ran = doctor({
      AWS_ENDPOINT_URL_SQS = "http://user:hunt/er2@127.0.0.1:9",
      AWS_BEARER_TOKEN_BEDROCK = "hunter2",
      AWS_DATA_PATH = "/models",
      AWS_SDK_UA_APP_ID = "shop",
    })
    assert.equal("3", rows["setting max_attempts"].value)
    assert.equal("http://<secret>@127.0.0.1:9", rows["setting endpoint_url_sqs"].value)
    assert.equal("<secret>", rows["setting bearer_token_bedrock"].value)
    assert.equal("/models", rows["setting data_path"].value)
    assert.equal("shop", rows["setting sdk_ua_app_id"].value)
    assert.falsy((ran.stdout .. ran.stderr):find("er2", 1, true))
  end)

  it("shows nothing of a short key id, and both ends of a long one", function()
    local rows = doctor({ AWS_ACCESS_KEY_ID = "sandbox", AWS_REGION = "eu-west-1" })
    assert.equal("****", rows["setting access_key_id"].value)
    rows = doctor({ AWS_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE", AWS_REGION = "eu-west-1" })
    assert.equal("AKIA****MPLE", rows["setting access_key_id"].value)
  end)

  it("has nothing to warn of in the sandbox", function()
    local ran = program.run({ "doctor", "--sandbox" })
    assert.equal(0, ran.status, ran.stderr)
    assert.falsy(ran.stdout:find('"about":"warning"', 1, true))
    assert.equal("", ran.stderr)
  end)

  it("says that a profile does not exist, and still shows what is known without it", function()
    local rows, ran = doctor({ AWS_PROFILE = "nobody" })
    assert.equal(1, ran.status)
    assert.truthy(rows["setting config files"].note:find('there is no profile "nobody"', 1, true))
    assert.truthy(rows["run timeout"])
  end)

  it("shows what is wrong, and why each source of credentials was passed over", function()
    local rows, ran = doctor({ AWS_DEFAULTS_MODE = "mobile", AWS_REGION = "eu-west-1" })
    assert.equal(1, ran.status)
    assert.truthy(rows["setting defaults_mode"].note:find("does not support", 1, true))
    assert.equal("AWS_ACCESS_KEY_ID is not set", rows["credentials environment"].note)
    assert.truthy(rows["credentials result"].note:find("no AWS credentials", 1, true))
    assert.equal(2, rows["summary "].problems)
  end)

  it("shows a config file that cannot be read, and a credentials file open to others", function()
    local dir <close> = scratch.new()
    os.execute(("mkdir %s/.aws"):format(dir:path()))
    dir:write(
      ".aws/credentials",
      "[default]\naws_access_key_id = AKID\naws_secret_access_key = s\n"
    )
    os.execute(("chmod 644 %s/.aws/credentials"):format(dir:path()))
    local rows = doctor({ AWS_REGION = "eu-west-1" }, dir:path())
    assert.truthy(rows["warning credentials_file"].note:find("chmod 600", 1, true))
    dir:write(".aws/config", "[default\nregion")
    local broken, ran = doctor({}, dir:path())
    assert.equal(1, ran.status)
    assert.truthy(broken["setting config files"].note:find(".aws/config:1:", 1, true))
  end)
end)
