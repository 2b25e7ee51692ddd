local embed = require("awsbak.core.embed")
local model = require("aws.model")
local reads = require("aws.model.reads")

-- Operations that read, and that change something. A number that differs after an import means
-- operations nobody has looked through: see the top of aws.model.reads.
local COUNTS = {
  ["application-autoscaling"] = { 6, 8 },
  cloudformation = { 49, 43 },
  cloudwatch = { 24, 35 },
  dynamodb = { 29, 33 },
  dynamodbstreams = { 4, 0 },
  ebs = { 3, 3 },
  ec2 = { 284, 546 },
  events = { 23, 34 },
  iam = { 69, 111 },
  kms = { 17, 39 },
  lambda = { 38, 53 },
  logs = { 52, 66 },
  s3 = { 51, 65 },
  scheduler = { 5, 7 },
  secretsmanager = { 9, 17 },
  signin = { 4, 9 },
  sns = { 17, 25 },
  sqs = { 6, 17 },
  ssm = { 80, 74 },
  ["sso-oidc"] = { 0, 4 },
  sso = { 3, 1 },
  stepfunctions = { 15, 22 },
  sts = { 9, 2 },
}

local KNOWN = {
  s3 = "+GetObject +HeadObject +ListObjectsV2 +SelectObjectContent -PutObject -CopyObject",
  ssm = "+GetParameter +DescribeParameters -PutParameter -LabelParameterVersion -StartSession",
  dynamodb = "+Query +Scan +TransactGetItems -ExecuteStatement -ExecuteTransaction -PutItem",
  ec2 = "+DescribeInstances +GetPasswordData -GetConsoleScreenshot -RunInstances",
  sqs = "+GetQueueUrl -ReceiveMessage -ChangeMessageVisibility -PurgeQueue",
  kms = "+Decrypt +ListKeys -GenerateDataKey -Encrypt -CreateGrant",
  sts = "+GetCallerIdentity +AssumeRole -GetDelegatedAccessToken -AssumeRoot",
  lambda = "+GetFunction -Invoke -InvokeWithResponseStream",
  logs = "+FilterLogEvents +GetQueryResults -StartQuery -PutLogEvents",
  stepfunctions = "+DescribeExecution -GetActivityTask -StartExecution -TestState",
  sns = "+ListTopics -Publish -VerifySMSSandboxPhoneNumber",
  secretsmanager = "+GetSecretValue +BatchGetSecretValue -RotateSecret",
}

-- No operation whose name begins so reads, but for S3's CreateSession, which gets keys.
local CHANGING = {
  "Accept Activate Add Associate Attach Authorize Cancel Change Complete Copy Create Deactivate",
  "Delete Deregister Detach Disable Disassociate Enable Execute Generate Import Invoke Modify Move",
  "Publish Put Receive Register Reject Release Remove Rename Replace Reset Restore Revoke Run Send",
  "Set Stop Subscribe Tag Terminate Untag Update Upload Write",
}

local function services()
  local ids = {}
  for i, name in ipairs(embed.list("lua/aws/models/")) do
    ids[i] = name:match("([^/]+)%.txt$")
  end
  return ids
end

describe("operation.reads", function()
  it("is decided for every operation of every service", function()
    local counts = {}
    for _, id in ipairs(services()) do
      local m, count = model.load(id), { 0, 0 }
      for _, name in ipairs(m:operations()) do
        local at = m:operation(name).reads and 1 or 2
        count[at] = count[at] + 1
      end
      counts[id] = count
    end
    assert.same(COUNTS, counts)
  end)

  for id, words in pairs(KNOWN) do
    it("is what it should be for " .. id, function()
      local m = model.load(id)
      for sign, name in words:gmatch("([+-])(%w+)") do
        assert.equal(sign == "+", m:operation(name).reads, name)
      end
    end)
  end

  it("is false for names of changes", function()
    local changing = {}
    for word in table.concat(CHANGING, " "):gmatch("%a+") do
      changing[word] = true
    end
    local wrong = {}
    for _, id in ipairs(services()) do
      local m = model.load(id)
      for _, name in ipairs(m:operations()) do
        local word = name:match("^Batch(%u%l+)") or name:match("^%u%l+")
        if changing[word] and m:operation(name).reads then
          wrong[#wrong + 1] = name
        end
      end
    end
    assert.same({ "CreateSession" }, wrong)
  end)

  it("has no exceptions that say what the rule says, or that name nothing", function()
    local by_id = {}
    for _, id in ipairs(services()) do
      by_id[model.load(id).meta.service_id] = model.load(id)
    end
    for list, says in pairs({ reads = true, changes = false }) do
      for id, names in pairs(reads.exceptions[list]) do
        for name, reason in pairs(names) do
          local operation = assert(by_id[id]:operation(name), name)
          assert.equal(says, operation.reads)
          assert.not_equal(says, reads.of("another service", operation), name)
          assert.equal("string", type(reason))
        end
      end
    end
  end)

  it("goes by the name, and not by what a model says of it", function()
    assert.is_false(reads.of("X", { name = "DeleteThing", method = "POST", readonly = true }))
    assert.is_false(reads.of("X", { name = "IntrospectThing", method = "GET", readonly = true }))
    for name, expected in pairs({
      GetThing = true,
      BatchGetThing = true,
      ListMFADevices = true,
      Query = true,
      Getaway = false,
      BatchWriteItem = false,
      Batch = false,
      Frobnicate = false,
      getThing = false,
    }) do
      assert.equal(expected, reads.of("X", { name = name, method = "POST" }), name)
    end
  end)

  it("is false for methods that change something, whatever the name", function()
    for _, method in ipairs({ "DELETE", "PATCH", "PUT" }) do
      assert.is_false(reads.of("S3", { name = "GetObject", method = method }), method)
      assert.is_false(reads.of("S3", { name = "CreateSession", method = method }), method)
    end
    assert.is_true(reads.of("S3", { name = "GetObject", method = "GET" }))
  end)
end)
