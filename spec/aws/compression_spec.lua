local aws = require("aws")
local codec = require("awsbak.core.codec")
local network = require("spec.support.network")

local LARGE <const> = { Namespace = "n", MetricData = {} }
for i = 1, 200 do
  LARGE.MetricData[i] = { MetricName = "a metric of some name, number " .. i, Value = 1.5 }
end

local function put(input, variables)
  local request
  network.with({}, function()
    local client = aws.client("cloudwatch", { region = "eu-west-1", credentials = network.KEYS })
    request = client.build("PutMetricData", input)
  end, { variables = variables })
  return request.body, network.headers(request)["content-encoding"]
end

describe("a request's body", function()
  local plain = put(LARGE, { AWS_DISABLE_REQUEST_COMPRESSION = "true" })

  it("is compressed where the service reads it so, and it is large", function()
    local body, encoding = put(LARGE)
    assert.equal("gzip", encoding)
    assert.is_true(#body < #plain / 4)
    assert.equal(plain, codec.gunzip(body, #plain))
  end)

  it("is sent as it is when it is small, or nobody wants that", function()
    local _, encoding = put({ Namespace = "n", MetricData = {} })
    assert.is_nil(encoding)
    _, encoding = put(LARGE, { AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES = "1000000" })
    assert.is_nil(encoding)
    _, encoding = put(LARGE, { AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES = tostring(#plain) })
    assert.equal("gzip", encoding)
    _, encoding = put(LARGE, { AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES = tostring(#plain + 1) })
    assert.is_nil(encoding)
    assert.matches("^{", plain)
  end)
end)
