--- Things in a fake AWS that can be listed: for each service a function that makes some, and gives
--- { operation, input } of the listings that show them. Pages are small, so that there are several.

local listed = {}

local EMPTY_ZIP <const> = "PK\5\6" .. ("\0"):rep(18)
local TEMPLATE <const> =
  '{"Resources":{"T":{"Type":"AWS::SNS::Topic"},"Q":{"Type":"AWS::SQS::Queue"}}}'
local POLICY <const> =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}'
local ROLE <const> = "arn:aws:iam::123456789012:role/r"

--- Call `f` with numbers up to `n`.
local function times(n, f)
  for i = 1, n do
    f(i)
  end
end

function listed.cloudformation(cloudformation)
  times(3, function(i)
    cloudformation.create_stack({
      StackName = "s" .. i,
      TemplateBody = TEMPLATE,
    })
  end)
  return {
    { "ListStacks", {} },
    { "DescribeStacks", {} },
    { "ListStackResources", { StackName = "s1" } },
  }
end

function listed.cloudwatch(cloudwatch)
  times(3, function(i)
    local data = { { MetricName = "m" .. i, Value = i, Timestamp = 1767225600 } }
    cloudwatch.put_metric_data({ Namespace = "spec", MetricData = data })
  end)
  return { { "ListMetrics", {} } }
end

function listed.dynamodb(dynamodb)
  times(3, function(i)
    dynamodb.create_table({
      TableName = "table" .. i,
      AttributeDefinitions = { { AttributeName = "k", AttributeType = "S" } },
      KeySchema = { { AttributeName = "k", KeyType = "HASH" } },
      BillingMode = "PAY_PER_REQUEST",
    })
  end)
  times(7, function(i)
    dynamodb.put_item({
      TableName = "table1",
      Item = { k = { S = "k" .. i }, n = { N = "1e" .. i }, b = { B = "\255" }, l = { L = {} } },
    })
  end)
  return {
    { "Scan", { TableName = "table1", Limit = 2 } },
    { "Scan", { TableName = "table1", Segment = 0, TotalSegments = 2, Limit = 1 } },
    {
      "Query",
      {
        TableName = "table1",
        KeyConditionExpression = "k = :k",
        ExpressionAttributeValues = { [":k"] = { S = "k3" } },
      },
    },
    { "ListTables", { Limit = 2 } },
  }
end

function listed.ec2(ec2)
  ec2.run_instances({ ImageId = "ami-12c6146b", MinCount = 12, MaxCount = 12 })
  times(7, function(i)
    local volume = ec2.create_volume({ AvailabilityZone = "us-east-1a", Size = i }).VolumeId
    ec2.create_snapshot({ VolumeId = volume, Description = "of <" .. i .. ">" })
    ec2.create_tags({ Resources = { volume }, Tags = { { Key = "n", Value = tostring(i) } } })
  end)
  return {
    { "DescribeInstances", { MaxResults = 5 } },
    { "DescribeInstanceStatus", { MaxResults = 5 } },
    { "DescribeVolumes", { MaxResults = 5 } },
    { "DescribeSnapshots", { OwnerIds = { "self" }, MaxResults = 5 } },
    { "DescribeTags", { MaxResults = 5 } },
    { "DescribeVpcs", { MaxResults = 5 } },
    { "DescribeSubnets", { MaxResults = 5 } },
    { "DescribeSecurityGroups", { MaxResults = 5 } },
    { "DescribeNetworkInterfaces", { MaxResults = 5 } },
    { "DescribeRouteTables", {} },
  }
end

function listed.events(events)
  times(5, function(i)
    events.put_rule({ Name = "r" .. i, ScheduleExpression = ("rate(%d hours)"):format(i + 1) })
    events.put_targets({ Rule = "r1", Targets = { { Id = "t" .. i, Arn = ROLE } } })
  end)
  return {
    { "ListRules", { Limit = 2 } },
    { "ListTargetsByRule", { Rule = "r1" } }, -- in pages, moto gives the same token twice
  }
end

function listed.iam(iam)
  iam.create_role({ RoleName = "r", AssumeRolePolicyDocument = POLICY }) -- Lambda's, below
  times(5, function(i)
    iam.create_user({ UserName = "u" .. i, Tags = { { Key = "n", Value = tostring(i) } } })
    iam.create_group({ GroupName = "g" .. i })
    local policy = iam.create_policy({
      PolicyName = "p" .. i,
      PolicyDocument = POLICY,
    }).Policy
    iam.attach_user_policy({ UserName = "u1", PolicyArn = policy.Arn })
  end)
  return {
    { "ListUsers", { MaxItems = 2 } },
    { "ListGroups", { MaxItems = 2 } },
    { "ListPolicies", { Scope = "Local", MaxItems = 2 } },
    { "ListAttachedUserPolicies", { UserName = "u1", MaxItems = 2 } },
    { "ListUserTags", { UserName = "u1" } },
  }
end

function listed.kms(kms)
  times(5, function(i)
    local id = kms.create_key({}).KeyMetadata.KeyId
    kms.create_alias({ AliasName = "alias/a" .. i, TargetKeyId = id })
  end)
  return { { "ListKeys", { Limit = 2 } }, { "ListAliases", { Limit = 2 } } }
end

listed["lambda"] = function(functions)
  times(5, function(i)
    functions.create_function({
      FunctionName = "f" .. i,
      Runtime = "python3.12",
      Handler = "a.b",
      Role = ROLE,
      Code = { ZipFile = EMPTY_ZIP },
    })
    functions.publish_version({ FunctionName = "f1" })
  end)
  return {
    { "ListFunctions", { MaxItems = 2 } },
    { "ListVersionsByFunction", { FunctionName = "f1", MaxItems = 2 } },
  }
end

function listed.logs(logs)
  local events = {}
  local now = os.time() * 1000
  times(7, function(i)
    logs.create_log_group({ logGroupName = "/g" .. i })
    logs.create_log_stream({ logGroupName = "/g1", logStreamName = "s" .. i })
    events[i] = { timestamp = now + i, message = "line " .. i .. " é\n" }
  end)
  logs.put_log_events({ logGroupName = "/g1", logStreamName = "s1", logEvents = events })
  return {
    { "DescribeLogGroups", { limit = 2 } },
    { "DescribeLogStreams", { logGroupName = "/g1", limit = 2 } },
    { "FilterLogEvents", { logGroupName = "/g1", limit = 2 } },
  }
end

function listed.s3(s3)
  s3.create_bucket({ Bucket = "vault" })
  s3.put_bucket_versioning({
    Bucket = "vault",
    VersioningConfiguration = { Status = "Enabled" },
  })
  for _, key in ipairs({ "a", "a b+c", "d/é", "d/f//g", "p%2Fq", "<&>", "x\tz" }) do
    s3.put_object({ Bucket = "vault", Key = key, Body = "one" })
    s3.put_object({ Bucket = "vault", Key = key, Body = "two" })
  end
  s3.delete_object({ Bucket = "vault", Key = "a" })
  local upload = s3.create_multipart_upload({ Bucket = "vault", Key = "parts" }).UploadId
  times(3, function(i)
    local part = { Bucket = "vault", Key = "parts", UploadId = upload, PartNumber = i, Body = "p" }
    s3.upload_part(part)
  end)
  return {
    { "ListObjectsV2", { Bucket = "vault", MaxKeys = 2 } },
    { "ListObjectsV2", { Bucket = "vault", Delimiter = "/", MaxKeys = 2 } },
    { "ListObjects", { Bucket = "vault", MaxKeys = 2 } },
    { "ListObjectVersions", { Bucket = "vault", MaxKeys = 3 } },
    { "ListMultipartUploads", { Bucket = "vault" } },
    { "ListParts", { Bucket = "vault", Key = "parts", UploadId = upload, MaxParts = 2 } },
    { "ListBuckets", {} },
  }
end

function listed.scheduler(scheduler)
  times(3, function(i)
    scheduler.create_schedule({
      Name = "s" .. i,
      FlexibleTimeWindow = { Mode = "OFF" },
      ScheduleExpression = "rate(1 hours)",
      Target = { Arn = ROLE, RoleArn = ROLE },
    })
  end)
  return { { "ListSchedules", {} }, { "ListScheduleGroups", {} } }
end

function listed.secretsmanager(secrets)
  times(5, function(i)
    secrets.create_secret({ Name = "s" .. i, SecretString = "value" })
  end)
  return { { "ListSecrets", { MaxResults = 2 } } }
end

function listed.sns(sns)
  times(5, function(i)
    local topic = sns.create_topic({ Name = "t" .. i }).TopicArn
    sns.subscribe({ TopicArn = topic, Protocol = "email", Endpoint = "a@example.com" })
  end)
  return { { "ListTopics", {} }, { "ListSubscriptions", {} } }
end

function listed.sqs(sqs)
  times(5, function(i)
    sqs.create_queue({ QueueName = "q" .. i })
  end)
  return { { "ListQueues", { MaxResults = 2 } } }
end

function listed.ssm(ssm)
  times(12, function(i)
    ssm.put_parameter({ Name = "/spec/" .. i, Value = "é" .. i, Type = "SecureString" })
    ssm.put_parameter({ Name = "/spec/1", Value = "v" .. i, Overwrite = true })
  end)
  return {
    { "DescribeParameters", { MaxResults = 5 } },
    { "GetParametersByPath", { Path = "/spec", WithDecryption = true, MaxResults = 5 } },
    { "GetParameterHistory", { Name = "/spec/1", MaxResults = 5 } },
  }
end

function listed.stepfunctions(stepfunctions)
  times(5, function(i)
    stepfunctions.create_state_machine({
      name = "m" .. i,
      roleArn = ROLE,
      definition = '{"StartAt":"E","States":{"E":{"Type":"Succeed"}}}',
    })
  end)
  return { { "ListStateMachines", { maxResults = 2 } } }
end

return listed
