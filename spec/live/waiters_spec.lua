--- Waiters against moto: what is there ends a wait at once, what is not there ends it as the waiter
--- says.

local aws = require("aws")
local errors = require("awsbak.errors")
local moto = require("spec.support.moto")
local network = require("spec.support.network")
local outside = require("awsbak.outside")

local POLICY <const> = '{"Version":"2012-10-17","Statement":[]}'
local EMPTY_ZIP <const> = "PK\5\6" .. ("\0"):rep(18)
local TWICE <const> = { delay = 0, tries = 2 }
local NOBODY <const> = { "i-0123456789abcdef0" }

describe("waiters against moto", function()
  local endpoint
  local real = outside.getenv

  setup(function()
    endpoint = moto.fresh()
    outside.getenv = function() end
  end)

  teardown(function()
    outside.getenv = real
  end)

  local function new(service)
    return aws.client(service, {
      region = "us-east-1",
      endpoint_url = endpoint,
      credentials = network.KEYS,
      attempts = 1,
    })
  end

  --- The code of the error that ends a wait for what does not come.
  local function ends(wait, input)
    local _, err = errors.try(wait, input, TWICE)
    return err.code
  end

  it("cloudformation: stacks", function()
    local cloudformation = new("cloudformation")
    local template = '{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}'
    local stack = { StackName = "s" }
    assert.equal("waiter_timeout", ends(cloudformation.wait.stack_exists, stack))
    assert.equal("waiter_failed", ends(cloudformation.wait.stack_create_complete, stack))
    cloudformation.create_stack({ StackName = "s", TemplateBody = template })
    local made = cloudformation.wait.stack_create_complete(stack, TWICE)
    assert.equal("CREATE_COMPLETE", made.Stacks[1].StackStatus)
    cloudformation.wait.stack_exists(stack, TWICE)
    assert.equal("waiter_timeout", ends(cloudformation.wait.stack_delete_complete, stack))
    cloudformation.delete_stack(stack)
    cloudformation.wait.stack_delete_complete(stack, TWICE)
  end)

  it("dynamodb: tables", function()
    local dynamodb = new("dynamodb")
    local name = { TableName = "orders" }
    assert.is_nil(dynamodb.wait.table_not_exists(name, TWICE))
    assert.equal("waiter_timeout", ends(dynamodb.wait.table_exists, name))
    dynamodb.create_table({
      TableName = "orders",
      AttributeDefinitions = { { AttributeName = "k", AttributeType = "S" } },
      KeySchema = { { AttributeName = "k", KeyType = "HASH" } },
      BillingMode = "PAY_PER_REQUEST",
    })
    assert.equal("ACTIVE", dynamodb.wait.table_exists(name, TWICE).Table.TableStatus)
    assert.equal("waiter_timeout", ends(dynamodb.wait.table_not_exists, name))
    dynamodb.delete_table(name)
    assert.is_nil(dynamodb.wait.table_not_exists(name, TWICE))
  end)

  it("ec2: instances", function()
    local ec2 = new("ec2")
    assert.equal(
      "InvalidInstanceID.NotFound",
      ends(ec2.wait.instance_stopped, { InstanceIds = NOBODY })
    )
    assert.equal("waiter_timeout", ends(ec2.wait.instance_running, { InstanceIds = NOBODY }))
    local run = ec2.run_instances({ ImageId = "ami-12c6146b", MinCount = 2, MaxCount = 2 })
    local ids = { InstanceIds = { run.Instances[1].InstanceId, run.Instances[2].InstanceId } }
    ec2.wait.instance_exists(ids, TWICE)
    ec2.wait.instance_running(ids, TWICE)
    ec2.wait.instance_status_ok(ids, TWICE)
    assert.equal("waiter_timeout", ends(ec2.wait.instance_stopped, ids))
    ec2.stop_instances(ids)
    ec2.wait.instance_stopped(ids, TWICE)
    ec2.terminate_instances(ids)
    ec2.wait.instance_terminated(ids, TWICE)
    assert.equal("waiter_failed", ends(ec2.wait.instance_running, ids))
  end)

  it("ec2: volumes and snapshots", function()
    local ec2 = new("ec2")
    local volume = ec2.create_volume({ AvailabilityZone = "us-east-1a", Size = 1 }).VolumeId
    ec2.wait.volume_available({ VolumeIds = { volume } }, TWICE)
    assert.equal("waiter_timeout", ends(ec2.wait.volume_in_use, { VolumeIds = { volume } }))
    local snapshot = ec2.create_snapshot({ VolumeId = volume }).SnapshotId
    ec2.wait.snapshot_completed({ SnapshotIds = { snapshot } }, TWICE)
    ec2.delete_volume({ VolumeId = volume })
    assert.is_nil(ec2.wait.volume_deleted({ VolumeIds = { volume } }, TWICE))
  end)

  it("iam and lambda: roles, users, policies and functions", function()
    local iam, functions = new("iam"), new("lambda")
    assert.equal("waiter_timeout", ends(iam.wait.role_exists, { RoleName = "r" }))
    local role = iam.create_role({ RoleName = "r", AssumeRolePolicyDocument = POLICY }).Role
    iam.create_user({ UserName = "u" })
    iam.wait.role_exists({ RoleName = "r" }, TWICE)
    iam.wait.user_exists({ UserName = "u" }, TWICE)
    local name = { FunctionName = "f" }
    assert.equal("waiter_timeout", ends(functions.wait.function_exists, name))
    functions.create_function({
      FunctionName = "f",
      Runtime = "python3.12",
      Handler = "a.b",
      Role = role.Arn,
      Code = { ZipFile = EMPTY_ZIP },
    })
    functions.wait.function_exists(name, TWICE)
    functions.wait.function_active(name, TWICE)
    functions.wait.function_active_v2(name, TWICE)
  end)

  it("s3: buckets and objects", function()
    local s3 = new("s3")
    local object = { Bucket = "vault", Key = "a/é" }
    assert.equal("waiter_timeout", ends(s3.wait.bucket_exists, { Bucket = "vault" }))
    assert.is_nil(s3.wait.bucket_not_exists({ Bucket = "vault" }, TWICE))
    s3.create_bucket({ Bucket = "vault" })
    s3.wait.bucket_exists({ Bucket = "vault" }, TWICE)
    assert.equal("waiter_timeout", ends(s3.wait.object_exists, object))
    assert.is_nil(s3.wait.object_not_exists(object, TWICE))
    s3.put_object({ Bucket = "vault", Key = "a/é", Body = "x" })
    assert.equal(1, s3.wait.object_exists(object, TWICE).ContentLength)
    assert.equal("waiter_timeout", ends(s3.wait.object_not_exists, object))
  end)
end)
