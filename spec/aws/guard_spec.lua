local aws = require("aws")
local embed = require("awsbak.core.embed")
local errors = require("awsbak.errors")
local guard = require("aws.guard")
local json = require("awsbak.core.json")
local minimal = require("spec.support.minimal")
local model = require("aws.model")
local network = require("spec.support.network")
local outside = require("awsbak.outside")
local plan = require("awsbak.plan")
local scratch = require("spec.support.scratch")
local secret = require("awsbak.core.secret")
local server = require("spec.support.server")
local settings = require("awsbak.settings")

local ENVIRONMENT = {
  AWS_DISABLE_HOST_PREFIX_INJECTION = "true", -- there is no streaming-127.0.0.1
  AWS_CONFIG_FILE = "/nowhere",
  AWS_SHARED_CREDENTIALS_FILE = "/nowhere",
}

local function services()
  local ids = {}
  for i, name in ipairs(embed.list("lua/aws/models/")) do
    ids[i] = name:match("([^/]+)%.txt$")
  end
  return ids
end

--- Call `f` with an environment of ours; what a dry run in it leaves is dropped.
local function quietly(f, ...)
  local results = table.pack(outside.with({
    getenv = function(name)
      return ENVIRONMENT[name]
    end,
  }, f, ...))
  return table.unpack(results, 1, results.n)
end

local function client_at(url, id, options)
  local all = {
    region = "us-east-1",
    credentials = network.KEYS,
    endpoint_url = url,
    attempts = 1,
    addressing_style = id == "s3" and "path" or nil,
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return aws.client(id, all)
end

describe("guards, for every operation of every service,", function()
  local s, changes, reads

  --- Call f(client, operation, input) for all operations that read, or all that change something.
  local function for_all(is_reading, options, f)
    local n = 0
    for _, id in ipairs(services()) do
      local m, c = model.load(id), client_at(s.url, id, options)
      for _, name in ipairs(m:operations()) do
        local operation = m:operation(name)
        -- The rules of signin's control plane know no other address than AWS's.
        local is_elsewhere = operation.static and operation.static.IsControlPlane
        if operation.reads == is_reading and not (is_reading and is_elsewhere) then
          n = n + 1
          f(c, operation, minimal.input(m, operation))
        end
      end
    end
    return n
  end

  setup(function()
    s = server.start()
    s:script("*", { { status = 404, body = "", times = -1 } })
  end)

  teardown(function()
    s:close()
  end)

  local function sent()
    local n = 0
    for _, count in pairs(s:counts()) do
      n = n + count
    end
    return n
  end

  it("withhold what changes something in a dry run", function()
    plan.take()
    quietly(function()
      settings.with({ dry_run = true }, function()
        changes = for_all(false, {}, function(c, operation, input)
          assert.equal("table", type(c.call(operation.name, input)), operation.name)
        end)
      end)
    end)
    assert.equal(0, sent())
    assert.equal(changes, #plan.take())
    assert.is_true(changes > 1000, changes)
  end)

  it("raise on it where only reads are allowed", function()
    quietly(function()
      settings.with({ read_only = true }, function()
        for_all(false, {}, function(c, operation, input)
          local _, err = errors.try(c.call, operation.name, input)
          assert.equal("read_only", err.code, operation.name)
          assert.equal(operation.name, err.operation)
        end)
      end)
    end)
    assert.equal(0, sent())
    assert.equal(0, #plan.take())
  end)

  it("let through what reads, both of them", function()
    quietly(function()
      settings.with({ read_only = true, dry_run = true }, function()
        reads = for_all(true, {}, function(c, operation, input)
          local _, err = errors.try(c.call, operation.name, input)
          assert.equal("service", err.kind, tostring(err))
        end)
      end)
    end)
    assert.equal(reads, sent())
    assert.equal(0, #plan.take())
  end)
end)

describe("guards, for models that users bring,", function()
  --- A newer model of S3 that calls things by wrong names.
  local function lying()
    local function operation(name, method, readonly)
      return {
        name = name,
        http = { method = method, requestUri = "/thing" },
        readonly = readonly,
      }
    end
    return {
      metadata = {
        apiVersion = "2099-01-01",
        endpointPrefix = "s3",
        protocol = "rest-xml",
        serviceId = "S3",
        signatureVersion = "v4",
      },
      operations = {
        DeleteThing = operation("DeleteThing", "POST", true),
        FrobnicateThing = operation("FrobnicateThing", "GET", true),
        GetObject = operation("GetObject", "DELETE"),
        HeadObject = operation("HeadObject", "PUT", true),
        ListThings = operation("ListThings", "PATCH"),
      },
      shapes = {},
    }
  end

  --- What a client of such a model sends, once each operation was called.
  local function sent_by(which, options)
    options.region, options.credentials = "eu-west-1", network.KEYS
    local client = aws.client(which, options)
    local _, requests = network.with({ {}, {}, {}, {}, {} }, function()
      for name in pairs(lying().operations) do
        errors.try(client.call, name)
      end
    end)
    return requests
  end

  it("believe no word of a model that was given", function()
    plan.take()
    assert.same({}, sent_by(lying(), { read_only = true }))
    assert.same({}, sent_by(lying(), { dry_run = true }))
    assert.equal(5, #plan.take())
  end)

  it("believe no word of a model in AWS_DATA_PATH", function()
    local dir <close> = scratch.new()
    assert.is_true((os.execute("mkdir -p " .. dir:path("s3/2099-01-01"))))
    dir:write("s3/2099-01-01/service-2.json", assert(json.encode(lying())))
    outside.with({
      getenv = function(name)
        return name == "AWS_DATA_PATH" and dir:path() or nil
      end,
    }, function()
      assert.equal("2099-01-01", aws.client("s3").meta.api_version)
      assert.same({}, sent_by("s3", { read_only = true }))
    end)
  end)

  it("are not opened by what a script does to a description of an operation", function()
    local options = { region = "eu-west-1", credentials = network.KEYS, read_only = true }
    local s3 = aws.client("s3", options)
    local operation = s3.operation("DeleteBucket")
    operation.reads, operation.method = true, "GET"
    operation.errors[1] = "Other"
    local _, requests = network.with({ {} }, function()
      local _, err = errors.try(s3.delete_bucket, { Bucket = "vault" })
      assert.equal("read_only", err.code)
    end)
    assert.same({}, requests)
    assert.is_false(s3.operation("DeleteBucket").reads)
  end)
end)

describe("a dry run", function()
  local function dry_ssm()
    return aws.client("ssm", {
      region = "eu-west-1",
      credentials = network.KEYS,
      dry_run = true,
    })
  end

  --- The rows of the plan of f.
  local function planned(replies, f)
    plan.take()
    local requests = network.with(replies, f)
    return plan.take(), requests
  end

  it("shows no secret, and bytes only as how many they are", function()
    local rows = planned({}, function()
      dry_ssm().put_parameter({ Name = "/a", Value = "hunter2", Type = "SecureString" })
      local options = { region = "eu-west-1", credentials = network.KEYS, dry_run = true }
      aws.client("s3", options).put_object({ Bucket = "b", Key = "k", Body = "12345" })
      aws.client("dynamodb", options).put_item({
        TableName = "t",
        Item = { id = { S = "x" }, raw = { B = "\0\1" } },
      })
      aws.client("cloudwatch", options).put_metric_data({
        Namespace = "n",
        MetricData = { { MetricName = "m", Value = math.huge } },
      })
    end)
    assert.same({
      {
        type = "plan",
        service = "ssm",
        operation = "PutParameter",
        region = "eu-west-1",
        input = { Name = "/a", Value = "<secret>", Type = "SecureString" },
      },
      {
        type = "plan",
        service = "s3",
        operation = "PutObject",
        region = "eu-west-1",
        input = { Bucket = "b", Key = "k", Body = "<5 bytes>" },
      },
      {
        type = "plan",
        service = "dynamodb",
        operation = "PutItem",
        region = "eu-west-1",
        input = { TableName = "t", Item = { id = { S = "x" }, raw = { B = "<2 bytes>" } } },
      },
      {
        type = "plan",
        service = "cloudwatch",
        operation = "PutMetricData",
        region = "eu-west-1",
        input = { Namespace = "n", MetricData = { { MetricName = "m", Value = "Infinity" } } },
      },
    }, rows)
  end)

  it("shows no member that a model calls sensitive, where its shape is not", function()
    local text = { shape = "Text" }
    local thing = aws.client({
      metadata = {
        apiVersion = "2026-01-01",
        endpointPrefix = "thing",
        jsonVersion = "1.1",
        protocol = "json",
        serviceId = "Thing",
        targetPrefix = "Thing",
      },
      operations = {
        PutThing = {
          name = "PutThing",
          http = { method = "POST", requestUri = "/" },
          input = { shape = "Input" },
        },
      },
      shapes = {
        Input = {
          type = "structure",
          members = { Open = text, Closed = { shape = "Text", sensitive = true } },
        },
        Text = { type = "string" },
      },
    }, { region = "eu-west-1", credentials = network.KEYS, dry_run = true })
    local rows = planned({}, function()
      thing.put_thing({ Open = "seen", Closed = "hunter2" })
    end)
    assert.same({ Open = "seen", Closed = "<secret>" }, rows[1].input)
  end)

  it("answers with all members, and nothing in them", function()
    local ec2 = aws.client("ec2", { region = "eu-west-1", dry_run = true })
    planned({}, function()
      local snapshot = ec2.create_snapshot({ VolumeId = "vol-1" })
      assert.equal("", snapshot.SnapshotId)
      assert.same({}, snapshot.Tags)
      assert.equal(false, snapshot.Encrypted)
      assert.equal(0, snapshot.VolumeSize)
      assert.same({}, ec2.run_instances({ MinCount = 1, MaxCount = 1 }).Instances)
    end)
  end)

  it("gives an empty stream where the reply would be one", function()
    local lambda = aws.client("lambda", { region = "eu-west-1", dry_run = true })
    planned({}, function()
      local reply = lambda.invoke_with_response_stream({ FunctionName = "f" })
      local events <close> = reply.EventStream
      assert.is_nil(events())
    end)
  end)

  it("ends a listing after one page without items", function()
    local dynamodb = aws.client("dynamodb", { region = "eu-west-1", dry_run = true })
    local rows = planned({}, function()
      local reply = dynamodb.execute_statement({ Statement = "select * from t" })
      assert.is_nil(reply.NextToken and reply.NextToken ~= "" or nil)
    end)
    assert.equal(1, #rows)
  end)

  it("checks input as ever", function()
    local rows = planned({}, function()
      local _, err = errors.try(dry_ssm().put_parameter, { Nmae = "/a" })
      assert.equal("usage", err.kind)
    end)
    assert.same({}, rows)
  end)

  it("signs requests that are only built", function()
    local rows = planned({}, function()
      local request = dry_ssm().build("PutParameter", { Name = "/a", Value = "v" })
      assert.equal("POST", request.method)
    end)
    assert.same({}, rows)
  end)

  it("waits for nothing once something was withheld", function()
    local ssm = dry_ssm()
    local _, requests = planned({}, function()
      ssm.send_command({ DocumentName = "d" })
      assert.is_nil(ssm.wait.command_executed({ CommandId = ("a"):rep(36), InstanceId = "i" }))
    end)
    assert.equal(0, #requests)
  end)

  it("gets keys as ever", function()
    local reply = { body = '{"accessToken":"t","tokenType":"Bearer","expiresIn":60}' }
    local rows, requests = planned({ reply }, function()
      local oidc = aws.client("sso-oidc", { region = "eu-west-1", dry_run = true })
      guard.lift(oidc.create_token, {
        clientId = "i",
        clientSecret = "s",
        grantType = "refresh_token",
        refreshToken = "r",
      })
    end)
    assert.equal(1, #requests)
    assert.same({}, rows)
  end)

  it("is lifted for who looks for keys, whatever that takes", function()
    local environment = require("aws.credentials.environment")
    local load = environment.load
    finally(function()
      environment.load = load
    end)
    environment.load = function()
      aws.client("sso-oidc", { region = "eu-west-1" }).register_client({
        clientName = "c",
        clientType = "public",
      })
      return { access_key_id = "A", secret_access_key = secret.new("s"), source = "spec" }
    end
    local rows, requests = planned({ {}, {} }, function()
      settings.with({ dry_run = true }, function()
        aws.client("ssm", { region = "eu-west-1" }).get_parameter({ Name = "/a" })
      end)
    end)
    assert.same({}, rows)
    assert.equal(2, #requests)
  end)

  it("cannot be switched off by a client", function()
    local rows = planned({}, function()
      settings.with({ dry_run = true }, function()
        local ssm = aws.client("ssm", { region = "eu-west-1", dry_run = false })
        ssm.delete_parameter({ Name = "/a" })
      end)
    end)
    assert.equal(1, #rows)
  end)
end)
