-- Every service against moto: something is made, found again page by page, waited for where the
-- model has a waiter that moto can satisfy, and taken away; what is not there is an error with its
-- code.
--
-- Left out, because moto has nothing of it: sso and sso-oidc (their portal), signin, streams of
-- events, refusals of dynamodbstreams. Pages are moto's: cloudwatch, sns and kms give one.

local aws = require("aws")
local codec = require("awsbak.core.codec")
local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local log = require("awsbak.log")
local moto = require("spec.support.moto")
local outside = require("awsbak.outside")

local ROLE <const> = "arn:aws:iam::123456789012:role/r"
local TRUST <const> = '{"Version":"2012-10-17","Statement":[]}'
local EMPTY_ZIP <const> = "PK\5\6" .. ("\0"):rep(18)

describe("against moto", function()
  local endpoint
  local getenv = outside.getenv

  setup(function()
    endpoint = moto.fresh()
    outside.getenv = function() end
    log.lines = {}
  end)

  teardown(function()
    outside.getenv = getenv
    log.lines = nil
  end)

  local function new(service)
    return aws.client(service, {
      region = "us-east-1",
      endpoint_url = endpoint,
      credentials = { access_key_id = "AKID", secret_access_key = "secret" },
    })
  end

  --- The values of `member` in what an iterator gives, sorted.
  local function all(iterator, member)
    local found = {}
    for item in iterator do
      found[#found + 1] = member and item[member] or item
    end
    table.sort(found)
    return found
  end

  local function count(iterator)
    local n = 0
    for _ in iterator do
      n = n + 1
    end
    return n
  end

  --- The error of a call that fails: its code, and that it names operation and request.
  local function refused(operation, f, input)
    local found, err = errors.try(f, input)
    assert.is_nil(found)
    assert.equal("service", err.kind)
    assert.equal(operation, err.operation)
    assert.is_string(err.request_id)
    return err.code
  end

  it("application-autoscaling registers, lists and forgets a target", function()
    local scaling = new("application-autoscaling")
    local target = {
      ServiceNamespace = "dynamodb",
      ResourceId = "table/t",
      ScalableDimension = "dynamodb:table:ReadCapacityUnits",
    }
    local wanted = { MinCapacity = 1, MaxCapacity = 5 }
    for name, value in pairs(target) do
      wanted[name] = value
    end
    scaling.register_scalable_target(wanted)
    local listed = scaling.each.describe_scalable_targets({ ServiceNamespace = "dynamodb" })
    assert.same({ "table/t" }, all(listed, "ResourceId"))
    scaling.deregister_scalable_target(target)
    local code = refused(
      "DeregisterScalableTarget",
      scaling.deregister_scalable_target,
      target
    )
    assert.equal("ValidationException", code)
  end)

  it("cloudformation makes stacks, waits for them, and lists them in pages", function()
    local cloudformation = new("cloudformation")
    local template = '{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}'
    for _, name in ipairs({ "one", "two" }) do
      cloudformation.create_stack({ StackName = name, TemplateBody = template })
      cloudformation.wait.stack_create_complete({ StackName = name })
    end
    assert.same({ "one", "two" }, all(cloudformation.each.list_stacks({}), "StackName"))
    cloudformation.delete_stack({ StackName = "one" })
    cloudformation.wait.stack_delete_complete({ StackName = "one" })
    local code =
      refused("DescribeStacks", cloudformation.describe_stacks, { StackName = "nobody" })
    assert.equal("ValidationError", code)
  end)

  it("cloudwatch keeps metrics and alarms", function()
    local cloudwatch = new("cloudwatch")
    local data = { { MetricName = "m", Value = 1.5, Unit = "Count", Timestamp = 1767225600 } }
    cloudwatch.put_metric_data({ Namespace = "spec", MetricData = data })
    local metrics = cloudwatch.each.list_metrics({ Namespace = "spec" })
    assert.same({ "m" }, all(metrics, "MetricName"))
    for i = 1, 3 do
      cloudwatch.put_metric_alarm({
        AlarmName = "a" .. i,
        Namespace = "spec",
        MetricName = "m",
        ComparisonOperator = "GreaterThanThreshold",
        EvaluationPeriods = 1,
        Period = 60,
        Statistic = "Sum",
        Threshold = 0.5,
      })
    end
    cloudwatch.wait.alarm_exists({ AlarmNames = { "a1" } })
    local alarms = cloudwatch.pages.describe_alarms({ MaxRecords = 2 })().MetricAlarms
    assert.equal(3, #alarms)
    cloudwatch.delete_alarms({ AlarmNames = { "a1", "a2", "a3" } })
    local code = refused("GetDashboard", cloudwatch.get_dashboard, { DashboardName = "none" })
    assert.equal("ResourceNotFound", code)
  end)

  it("dynamodb keeps items of every type, and lists them in pages", function()
    local dynamodb = new("dynamodb")
    dynamodb.create_table({
      TableName = "orders",
      AttributeDefinitions = { { AttributeName = "k", AttributeType = "S" } },
      KeySchema = { { AttributeName = "k", KeyType = "HASH" } },
      BillingMode = "PAY_PER_REQUEST",
      StreamSpecification = { StreamEnabled = true, StreamViewType = "NEW_IMAGE" },
    })
    dynamodb.wait.table_exists({ TableName = "orders" })
    local item = {
      n = { N = "12345678901234567890.5" },
      b = { B = "\0\255" },
      l = { L = { { NULL = true }, { M = { x = { BOOL = false } } } } },
      s = { SS = { "a", "b" } },
    }
    for i = 1, 5 do
      item.k = { S = "k" .. i }
      dynamodb.put_item({ TableName = "orders", Item = item })
    end
    assert.same(item, dynamodb.get_item({ TableName = "orders", Key = { k = item.k } }).Item)
    assert.equal(5, count(dynamodb.each.scan({ TableName = "orders", Limit = 2 })))
    local code = refused("PutItem", dynamodb.put_item, {
      TableName = "orders",
      Item = { k = { S = "k1" } },
      ConditionExpression = "attribute_not_exists(k)",
    })
    assert.equal("ConditionalCheckFailedException", code)
  end)

  it("dynamodbstreams gives what happened to a table", function()
    local streams = new("dynamodbstreams")
    local arn = streams.list_streams({ TableName = "orders" }).Streams[1].StreamArn
    local described = streams.describe_stream({ StreamArn = arn }).StreamDescription
    local iterator = streams.get_shard_iterator({
      StreamArn = arn,
      ShardId = described.Shards[1].ShardId,
      ShardIteratorType = "TRIM_HORIZON",
    }).ShardIterator
    local records = streams.get_records({ ShardIterator = iterator }).Records
    assert.equal("INSERT", records[1].eventName)
    assert.equal("k1", records[1].dynamodb.NewImage.k.S)
  end)

  it("ebs writes and reads blocks of a snapshot", function()
    local ebs = new("ebs")
    local id = ebs.start_snapshot({ VolumeSize = 1 }).SnapshotId
    local block = ("b"):rep(512)
    ebs.put_snapshot_block({
      SnapshotId = id,
      BlockIndex = 5,
      BlockData = block,
      DataLength = #block,
      Checksum = codec.base64(digest.digest("sha256", block)),
      ChecksumAlgorithm = "SHA256",
    })
    ebs.complete_snapshot({ SnapshotId = id, ChangedBlocksCount = 1 })
    local blocks = ebs.list_snapshot_blocks({ SnapshotId = id }).Blocks
    assert.equal(5, blocks[1].BlockIndex)
    local reply = ebs.get_snapshot_block({
      SnapshotId = id,
      BlockIndex = 5,
      BlockToken = blocks[1].BlockToken,
    })
    local data <close> = reply.BlockData
    assert.equal(block, data:all(1 << 20))
    assert.equal(#block, reply.DataLength)
  end)

  it("ec2 runs instances, waits for them, and lists them", function()
    local ec2 = new("ec2")
    local image = ec2.describe_images({ Owners = { "amazon" } }).Images[1].ImageId
    local ids = {}
    for _, instance in
      ipairs(ec2.run_instances({ ImageId = image, MinCount = 2, MaxCount = 2 }).Instances)
    do
      ids[#ids + 1] = instance.InstanceId
    end
    ec2.wait.instance_running({ InstanceIds = ids })
    ec2.create_tags({ Resources = ids, Tags = { { Key = "k", Value = "a & <b>" } } })
    local instance = ec2.describe_instances({ InstanceIds = ids }).Reservations[1].Instances[1]
    assert.same({ { Key = "k", Value = "a & <b>" } }, instance.Tags)
    assert.equal("integer", math.type(instance.State.Code))
    ec2.terminate_instances({ InstanceIds = ids })
    ec2.wait.instance_terminated({ InstanceIds = ids })
    for i = 1, 7 do
      ec2.create_volume({ AvailabilityZone = "us-east-1a", Size = i })
    end
    local volumes = ec2.each.describe_volumes({ MaxResults = 5 })
    assert.is_true(count(volumes) >= 7)
    local code = refused("DescribeInstances", ec2.describe_instances, { InstanceIds = { "i-0" } })
    assert.equal("InvalidInstanceID.NotFound", code)
  end)

  it("events keeps rules", function()
    local events = new("events")
    for i = 1, 3 do
      events.put_rule({ Name = "r" .. i, ScheduleExpression = "rate(1 day)" })
    end
    assert.same({ "r1", "r2", "r3" }, all(events.each.list_rules({ Limit = 2 }), "Name"))
    events.delete_rule({ Name = "r1" })
    local code = refused("DescribeRule", events.describe_rule, { Name = "r1" })
    assert.equal("ResourceNotFoundException", code)
  end)

  it("iam keeps roles and users, in pages", function()
    local iam = new("iam")
    iam.create_role({ RoleName = "r", AssumeRolePolicyDocument = TRUST })
    iam.wait.role_exists({ RoleName = "r" })
    assert.equal(TRUST, iam.get_role({ RoleName = "r" }).Role.AssumeRolePolicyDocument)
    for i = 1, 3 do
      iam.create_user({ UserName = "u" .. i, Tags = { { Key = "n", Value = tostring(i) } } })
    end
    local users = iam.each.list_users({ MaxItems = 2 })
    assert.same({ "u1", "u2", "u3" }, all(users, "UserName"))
    local code = refused("GetUser", iam.get_user, { UserName = "nobody" })
    assert.equal("NoSuchEntity", code)
  end)

  it("kms seals and opens", function()
    local kms = new("kms")
    local id = kms.create_key({}).KeyMetadata.KeyId
    local context = { purpose = "spec" }
    local sealed = kms.encrypt({ KeyId = id, Plaintext = "\0\1", EncryptionContext = context })
    local opened = kms.decrypt({
      CiphertextBlob = sealed.CiphertextBlob,
      EncryptionContext = context,
    })
    assert.equal("\0\1", opened.Plaintext)
    for _ = 1, 3 do
      kms.create_key({})
    end
    assert.equal(4, count(kms.each.list_keys({ Limit = 2 })))
    assert.equal("NotFoundException", refused("DescribeKey", kms.describe_key, { KeyId = "no" }))
  end)

  it("lambda keeps functions", function()
    local iam, lambda = new("iam"), new("lambda")
    iam.create_role({ RoleName = "lambda", AssumeRolePolicyDocument = TRUST })
    for i = 1, 3 do
      lambda.create_function({
        FunctionName = "f" .. i,
        Runtime = "python3.11",
        Role = "arn:aws:iam::123456789012:role/lambda",
        Handler = "x.y",
        Code = { ZipFile = EMPTY_ZIP },
        Environment = { Variables = { KEY = "a=b" } },
      })
    end
    lambda.wait.function_active_v2({ FunctionName = "f1" })
    assert.same({ "f1", "f2", "f3" }, all(lambda.each.list_functions({}), "FunctionName"))
    local found = lambda.get_function_configuration({ FunctionName = "f1" })
    assert.equal("a=b", found.Environment.Variables.KEY)
    local code = refused("GetFunction", lambda.get_function, { FunctionName = "nobody" })
    assert.equal("ResourceNotFoundException", code)
  end)

  it("logs keeps events, in pages", function()
    local logs = new("logs")
    logs.create_log_group({ logGroupName = "/g" })
    logs.create_log_stream({ logGroupName = "/g", logStreamName = "s" })
    local now, events = outside.now() // 1 * 1000 // 1, {}
    for i = 1, 5 do
      events[i] = { timestamp = math.tointeger(now) + i, message = "line " .. i }
    end
    logs.put_log_events({ logGroupName = "/g", logStreamName = "s", logEvents = events })
    local found = logs.each.filter_log_events({ logGroupName = "/g", limit = 2 })
    assert.equal("line 1", all(found, "message")[1])
    assert.same({ "/g" }, all(logs.each.describe_log_groups({}), "logGroupName"))
    local code =
      refused("DescribeLogStreams", logs.describe_log_streams, { logGroupName = "/none" })
    assert.equal("ResourceNotFoundException", code)
  end)

  it("s3 keeps objects under odd keys, with their versions", function()
    local s3 = new("s3")
    s3.create_bucket({ Bucket = "vault" })
    s3.wait.bucket_exists({ Bucket = "vault" })
    s3.put_bucket_versioning({
      Bucket = "vault",
      VersioningConfiguration = { Status = "Enabled" },
    })
    local keys = { "a b/é+%\1", "x//y", "../z", "&<>'\"", "☃" }
    for _, key in ipairs(keys) do
      s3.put_object({ Bucket = "vault", Key = key, Body = key, Metadata = { n = "v" } })
    end
    table.sort(keys)
    assert.same(keys, all(s3.each.list_objects_v2({ Bucket = "vault", MaxKeys = 2 }), "Key"))
    for _, key in ipairs(keys) do
      local reply = s3.get_object({ Bucket = "vault", Key = key })
      local body <close> = reply.Body
      assert.equal(key, body:all(100))
      assert.same({ n = "v" }, reply.Metadata)
    end
    s3.delete_object({ Bucket = "vault", Key = "☃" })
    local versions = s3.list_object_versions({ Bucket = "vault", Prefix = "☃" })
    assert.equal(1, #versions.DeleteMarkers)
    assert.equal("NoSuchKey", refused("GetObject", s3.get_object, { Bucket = "vault", Key = "☃" }))
    local code = refused("HeadObject", s3.head_object, { Bucket = "vault", Key = "none" })
    assert.equal("404", code)
  end)

  it("scheduler keeps schedules", function()
    local scheduler = new("scheduler")
    for i = 1, 3 do
      scheduler.create_schedule({
        Name = "s" .. i,
        ScheduleExpression = "rate(1 day)",
        FlexibleTimeWindow = { Mode = "OFF" },
        Target = { Arn = "arn:aws:lambda:us-east-1:123456789012:function:f", RoleArn = ROLE },
      })
    end
    assert.same({ "s1", "s2", "s3" }, all(scheduler.each.list_schedules({}), "Name"))
    scheduler.delete_schedule({ Name = "s1" })
    local code = refused("GetSchedule", scheduler.get_schedule, { Name = "s1" })
    assert.equal("ResourceNotFoundException", code)
  end)

  it("secretsmanager keeps secrets, texts and bytes", function()
    local secrets = new("secretsmanager")
    secrets.create_secret({ Name = "text", SecretString = "v" })
    secrets.create_secret({ Name = "bytes", SecretBinary = "\0\255" })
    assert.equal("v", secrets.get_secret_value({ SecretId = "text" }).SecretString)
    assert.equal("\0\255", secrets.get_secret_value({ SecretId = "bytes" }).SecretBinary)
    assert.same({ "bytes", "text" }, all(secrets.each.list_secrets({ MaxResults = 1 }), "Name"))
    local code = refused("GetSecretValue", secrets.get_secret_value, { SecretId = "none" })
    assert.equal("ResourceNotFoundException", code)
  end)

  it("sns publishes to topics, and lists them", function()
    local sns = new("sns")
    local before = count(sns.each.list_topics({}))
    for i = 1, 3 do
      sns.create_topic({ Name = "t" .. i })
    end
    local topics = all(sns.each.list_topics({}), "TopicArn")
    assert.equal(before + 3, #topics)
    assert.is_string(sns.publish({ TopicArn = topics[#topics], Message = "é" }).MessageId)
    local mine = topics[#topics]
    sns.set_topic_attributes({
      TopicArn = mine,
      AttributeName = "DisplayName",
      AttributeValue = "d",
    })
    assert.equal("d", sns.get_topic_attributes({ TopicArn = mine }).Attributes.DisplayName)
    local code =
      refused("GetTopicAttributes", sns.get_topic_attributes, { TopicArn = topics[#topics] .. "x" })
    assert.equal("NotFound", code)
  end)

  it("sqs sends, receives and deletes", function()
    local sqs = new("sqs")
    local url = sqs.create_queue({ QueueName = "q", Attributes = { DelaySeconds = "0" } }).QueueUrl
    sqs.send_message({
      QueueUrl = url,
      MessageBody = "héllo",
      MessageAttributes = {
        a = { DataType = "Binary", BinaryValue = "\0\255" },
        b = { DataType = "String", StringValue = "é" },
      },
    })
    local message = sqs.receive_message({
      QueueUrl = url,
      MessageAttributeNames = { "All" },
    }).Messages[1]
    assert.equal("héllo", message.Body)
    assert.equal("\0\255", message.MessageAttributes.a.BinaryValue)
    sqs.delete_message({ QueueUrl = url, ReceiptHandle = message.ReceiptHandle })
    assert.same({ url }, all(sqs.each.list_queues({})))
    local code = refused("GetQueueUrl", sqs.get_queue_url, { QueueName = "none" })
    assert.equal("AWS.SimpleQueueService.NonExistentQueue", code)
  end)

  it("ssm keeps parameters", function()
    local ssm = new("ssm")
    ssm.put_parameter({ Name = "/p", Value = "v", Type = "String" })
    assert.same({ "/p" }, all(ssm.each.describe_parameters({}), "Name"))
    assert.equal("ParameterNotFound", refused("GetParameter", ssm.get_parameter, { Name = "/no" }))
  end)

  it("stepfunctions runs a state machine", function()
    local stepfunctions = new("stepfunctions")
    local definition = '{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'
    local arn = stepfunctions.create_state_machine({
      name = "m",
      definition = definition,
      roleArn = ROLE,
    }).stateMachineArn
    local run = stepfunctions.start_execution({ stateMachineArn = arn, input = "{}" })
    assert.is_string(run.executionArn)
    assert.same({ "m" }, all(stepfunctions.each.list_state_machines({}), "name"))
    local code = refused("DescribeStateMachine", stepfunctions.describe_state_machine, {
      stateMachineArn = arn .. "x",
    })
    assert.equal("StateMachineDoesNotExist", code)
  end)

  it("sts says who one is, and gives keys of a role", function()
    local sts = new("sts")
    assert.equal("123456789012", sts.get_caller_identity({}).Account)
    local given = sts.assume_role({ RoleArn = ROLE, RoleSessionName = "spec" }).Credentials
    assert.is_true(given.Expiration > outside.now())
  end)
end)
