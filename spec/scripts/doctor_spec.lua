local json = require("awsbak.core.json")
local moto = require("spec.support.moto")
local program = require("spec.support.program")
local scratch = require("spec.support.scratch")
local settings = require("aws.all_settings")

describe("awsbak doctor", function()
  local endpoint

  setup(function()
    endpoint = moto.fresh()
  end)

  --- Run it; rows by "about name", and what it ended with.
  local function doctor(env, home)
    env.AWS_EC2_METADATA_DISABLED = "true"
    env.AWS_ENDPOINT_URL = env.AWS_ENDPOINT_URL or endpoint
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

  --- A value that this row of aws.settings takes.
  local function sample(row)
    if row.kind == "choice" then
      return row.choices[#row.choices]
    end
    return row.kind == "boolean" and "true" or row.kind and "7" or "hunter2"
  end

  --- Rows of the table whose source is not as expected, as "name: source".
  local function strays(rows, expected)
    local list = {}
    for _, row in ipairs(settings) do
      local shown = assert(rows["setting " .. row.name], row.name)
      local source = expected(row)
      if source and shown.source ~= source then
        list[#list + 1] = ("%s: %s"):format(row.name, shown.source)
      end
    end
    return list
  end

  -- What the helper `doctor` sets itself, or what decides which files are read.
  local FIXED = { config_file = true, credentials_file = true, ec2_metadata_disabled = true }

  it("shows every setting there is, and that nobody set it", function()
    local rows = doctor({})
    assert.same(
      {},
      strays(rows, function(row)
        if row.name == "max_attempts" then
          return "default of retry_mode"
        elseif row.name ~= "endpoint_url" and not FIXED[row.name] then
          return row.default ~= nil and "default" or "not set"
        end
      end)
    )
  end)

  it("shows every setting from each of its variables", function()
    for n = 1, 2 do
      local env = {}
      for _, row in ipairs(settings) do
        local name = (row.env or {})[n]
        if name and not FIXED[row.name] then
          env[name] = row.url and "http://user:hunter2@127.0.0.1:1" or sample(row)
        end
      end
      env.AWS_PROFILE, env.AWS_DEFAULT_PROFILE = nil, nil
      local rows, ran = doctor(env)
      assert.same(
        {},
        strays(rows, function(row)
          return env[(row.env or {})[n] or ""] and row.env[n]
        end)
      )
      for _, name in ipairs({ "secret_access_key", "session_token", "https_proxy" }) do
        assert.not_matches("hunter2", rows["setting " .. name].value)
      end
      assert.equal(1, ran.status)
    end
  end)

  it("shows every setting from each of its keys in a profile", function()
    local dir <close> = scratch.new()
    os.execute(("mkdir %s/.aws"):format(dir:path()))
    for _, field in ipairs({ "key", "old_key" }) do
      local flat, nested = { "[profile all]" }, {}
      for _, row in ipairs(settings) do
        local outer, inner = (row[field] or ""):match("^(.-)%.(.*)$")
        if outer then
          nested[outer] = (nested[outer] or "") .. ("  %s = %s\n"):format(inner, sample(row))
        elseif row[field] then
          flat[#flat + 1] = ("%s = %s"):format(row[field], sample(row))
        end
      end
      for outer, lines in pairs(nested) do
        flat[#flat + 1] = ("%s =\n%s"):format(outer, lines)
      end
      dir:write(".aws/config", table.concat(flat, "\n") .. "\n")
      local rows = doctor({ AWS_PROFILE = "all" }, dir:path())
      assert.same(
        {},
        strays(rows, function(row)
          return row[field] and row.name ~= "endpoint_url" and "[profile all] in ~/.aws/config"
        end)
      )
    end
  end)

  it("shows what a value won over, endpoints of services, and files that are not there", function()
    local dir <close> = scratch.new()
    os.execute(("mkdir %s/.aws"):format(dir:path()))
    dir:write(
      ".aws/config",
      "[default]\nregion = us-west-2\nservices = mine\n"
        .. "[services mine]\nsqs =\n  endpoint_url = http://127.0.0.1:9\n"
    )
    local rows = doctor({
      AWS_REGION = "eu-west-1",
      AWS_DEFAULT_REGION = "eu-west-1",
      AWS_CA_BUNDLE = "/nowhere.pem",
      AWS_REGOIN = "x",
    }, dir:path())
    assert.equal(
      "instead of us-west-2 ([default] in ~/.aws/config)",
      rows["setting region"].note
    )
    assert.equal("http://127.0.0.1:9", rows["setting endpoint_url_sqs"].value)
    assert.equal("[services mine] in ~/.aws/config", rows["setting endpoint_url_sqs"].source)
    assert.matches("there is no such file", rows["setting ca_bundle"].note)
    assert.matches("is it AWS_REGION%?$", rows["warning AWS_REGOIN"].note)
  end)

  it("says that an empty AWS_CA_BUNDLE is wrong", function()
    local rows, ran = doctor({ AWS_CA_BUNDLE = "" })
    assert.equal(1, ran.status)
    assert.matches("AWS_CA_BUNDLE is empty", rows["setting ca_bundle"].note)
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
    local rows, ran = doctor({ AWS_RETRY_MODE = "eager", AWS_REGION = "eu-west-1" })
    assert.equal(1, ran.status)
    assert.truthy(rows["setting retry_mode"].note:find("it is one of standard, legacy", 1, true))
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
