local errors = require("awsbak.errors")
local manual = require("aws.manual")
local model = require("aws.model")

local function says(topic, ...)
  local page = manual.page(topic)
  for _, text in ipairs({ ... }) do
    assert.matches(text, page, 1, true)
  end
end

describe("aws.manual", function()
  it("shows an operation with members, limits, errors and AWS's page", function()
    says(
      "aws.ssm.put_parameter",
      "ssm.put_parameter{ Name*, Value*, Description,",
      "PutParameter of Amazon Simple Systems Manager (SSM); changes something",
      "  Name*           string, 1 to 2048 characters\n",
      "  Value*          string (secret)\n",
      '  Type            "String" | "StringList" | "SecureString"\n',
      "  Tags            list of Tag, at most 1000 elements\n    Key*          string, 1 to 128",
      "Output:\n  Version  integer\n",
      "ParameterAlreadyExists",
      "https://docs.aws.amazon.com/goto/WebAPI/ssm-2014-11-06/PutParameter\n"
    )
    says("kms.encrypt", "Plaintext*           bytes, 1 to 4096 bytes (secret)")
    says("events.put_events", "/eventbridge-2015-10-07/PutEvents\n")
  end)

  it("says how it is listed and waited for, and that it only reads", function()
    says("s3.head_bucket", "only reads", "s3.wait.bucket_exists, s3.wait.bucket_not_exists")
    says("s3.get_object", "its reply is a stream")
    says(
      "s3.each.list_objects_v2",
      "Listing: s3.each.list_objects_v2{} gives Contents one by one",
      "CommonPrefixes"
    )
    says("ec2.wait.snapshot_completed", "calls describe_snapshots every 15 s, at most 40 times")
  end)

  it("shows a member, with all values it may have", function()
    says("ssm.put_parameter.Tier", '"Standard" | "Advanced" | "Intelligent-Tiering"')
    says("ec2.run_instances.InstanceType", '"u7in-24tb.224xlarge"')
    says("ec2.run_instances.BlockDeviceMappings.Ebs", "VolumeSize                integer")
    says("ssm.get_parameter.Parameter.ARN", "ARN")
  end)

  it("shows a service, and all of them", function()
    says("sso_oidc", 'require("aws.sso_oidc"), or awsbak api sso-oidc', "create_token")
    says("aws", "application-autoscaling", "sts")
  end)

  local WRONG = {
    { "smm.get_parameter", 'did you mean "ssm"?' },
    { "ssm.get_paramter", "did you mean get_parameter?" },
    { "ssm.get_parameter.Nmae", "did you mean Name?" },
    { "ssm.put_parameter.Tags.Kye", 'Tags has no member "Kye"; did you mean Key?' },
    { "ec2.wait.snapshot_complete", "did you mean snapshot_completed?" },
  }

  it("names what is nearest", function()
    for _, row in ipairs(WRONG) do
      local page, e = errors.try(manual.page, row[1])
      assert.is_nil(page)
      assert.equal("usage", e.kind)
      assert.matches(row[2], tostring(e), 1, true)
    end
  end)

  it("has a page for every operation and waiter of every service, with an address", function()
    local count = 0
    for _, id in ipairs(model.services()) do
      local m = model.load(id)
      for _, name in ipairs(m:operations()) do
        local page = manual.operation(m, m:operation(name))
        assert.matches("/goto/WebAPI/" .. m.meta.uid .. "/" .. name .. "\n", page, 1, true)
        count = count + 1
      end
      for _, name in ipairs(m:waiters()) do
        manual.page(id .. ".wait." .. name)
      end
    end
    assert.is_true(count > 1900, count)
  end)
end)
