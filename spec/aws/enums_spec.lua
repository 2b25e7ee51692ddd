local aws = require("aws")
local enums = require("aws.enums")
local model = require("aws.model")
local outside = require("awsbak.outside")
local server = require("spec.support.server")

describe("aws.enums", function()
  local function advice(service, name, input)
    local m = model.load(service)
    return enums.advice(m, m:operation(name), input)
  end

  it("names the value that is not listed, its place and the nearest one", function()
    assert.equal(
      'Type is "SecureStrng", which its list does not have; did you mean "SecureString"?',
      advice("ssm", "PutParameter", { Name = "/a", Value = "v", Type = "SecureStrng" })
    )
    local tags = { { ResourceType = "instance" }, { ResourceType = "snapshott" } }
    assert.matches(
      'TagSpecifications[2].ResourceType is "snapshott"',
      advice("ec2", "CreateSnapshot", { VolumeId = "v", TagSpecifications = tags }),
      1,
      true
    )
  end)

  it("lists what there is when none is near", function()
    assert.equal(
      'Tier is "x", which its list does not have; there are '
        .. "Standard, Advanced, Intelligent-Tiering",
      advice("ssm", "PutParameter", { Name = "/a", Value = "v", Tier = "x" })
    )
  end)

  it("says nothing when all values are listed", function()
    assert.is_nil(advice("ssm", "PutParameter", { Name = "/a", Value = "v", Tier = "Standard" }))
    assert.is_nil(advice("ssm", "PutParameter", { Name = "/a", Value = "Tier" }))
    assert.is_nil(advice("sts", "GetCallerIdentity", {}))
  end)

  describe("in a refusal", function()
    local peer, ssm
    local getenv = outside.getenv

    setup(function()
      peer = server.start()
      outside.getenv = function() end
      ssm = aws.client("ssm", {
        region = "us-east-1",
        endpoint_url = peer.url,
        credentials = { access_key_id = "AKID", secret_access_key = "secret" },
      })
    end)

    teardown(function()
      outside.getenv = getenv
      peer:close()
    end)

    local function refused(code, input)
      local body = ('{"__type":"%s","message":"No."}'):format(code)
      peer:script("PutParameter", { { status = 400, body = body } })
      local _, err = aws.try(ssm.put_parameter, input, { attempts = 1 })
      return tostring(err)
    end

    it("is what the error says to do", function()
      local said = refused("ValidationException", { Name = "/a", Value = "v", Type = "Secure" })
      assert.matches("ssm PutParameter: No. (ValidationException)", said, 1, true)
      assert.matches('; Type is "Secure", which its list does not have', said, 1, true)
    end)

    it("is not mentioned when keys or rights are the matter", function()
      local said = refused("AccessDeniedException", { Name = "/a", Value = "v", Type = "Secure" })
      assert.is_nil(said:find("its list", 1, true))
    end)
  end)
end)
