local aws = require("aws")
local network = require("spec.support.network")

describe("a reply", function()
  --- The seconds of silence after which a call is given up.
  local function patience(service, operation, input, call_options, options)
    local all = { region = "eu-west-1", credentials = network.KEYS }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local request
    network.with({}, function()
      request = aws.client(service, all).build(operation, input, call_options)
    end)
    return request.timeout
  end

  it("may be late where the service waits or works before it answers", function()
    local queue = { QueueUrl = "https://sqs.eu-west-1.amazonaws.com/1/q", WaitTimeSeconds = 5 }
    assert.equal(65, patience("sqs", "ReceiveMessage", queue))
    queue.WaitTimeSeconds = math.mininteger
    assert.equal(60, patience("sqs", "ReceiveMessage", queue))
    queue.WaitTimeSeconds = math.maxinteger
    assert.equal(960, patience("sqs", "ReceiveMessage", queue))
    queue.WaitTimeSeconds = nil
    assert.equal(80, patience("sqs", "ReceiveMessage", queue))
    assert.equal(960, patience("lambda", "Invoke", { FunctionName = "f" }))
    assert.equal(960, patience("lambda", "InvokeWithResponseStream", { FunctionName = "f" }))
    local asynchronous = { FunctionName = "f", InvocationType = "Event" }
    assert.equal(60, patience("lambda", "Invoke", asynchronous))
    local arn = "arn:aws:states:eu-west-1:123456789012:activity:a"
    assert.equal(120, patience("stepfunctions", "GetActivityTask", { activityArn = arn }))
    local machine = { stateMachineArn = arn }
    assert.equal(360, patience("stepfunctions", "StartSyncExecution", machine))
    assert.is_nil(patience("ssm", "GetParameter", { Name = "/a" }))
  end)

  it("is waited for as long as client or call say", function()
    local input = { FunctionName = "f" }
    assert.equal(7, patience("lambda", "Invoke", input, { timeout = 7 }))
    assert.equal(8, patience("lambda", "Invoke", input, nil, { timeout = 8 }))
    assert.equal(7, patience("lambda", "Invoke", input, { timeout = 7 }, { timeout = 8 }))
  end)
end)
