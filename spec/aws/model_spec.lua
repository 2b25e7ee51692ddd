local check = require("aws.model.check")
local embed = require("awsbak.core.embed")
local errors = require("awsbak.errors")
local model = require("aws.model")
local reference = require("spec.support.reference")

local SERVICES = { "kms", "s3", "ssm", "sts" }

describe("model.load", function()
  it("knows the service", function()
    local meta = model.load("ssm").meta
    assert.equal("ssm", meta.id)
    assert.equal("SSM", meta.service_id)
    assert.equal("json", meta.protocol)
    assert.equal("1.1", meta.json_version)
    assert.equal("AmazonSSM", meta.target_prefix)
    assert.equal("2014-11-06", meta.api_version)
    assert.equal("ssm", meta.signing_name)
    assert.equal("sts.amazonaws.com", model.load("sts").meta.global_endpoint)
    assert.equal("boolean", model.load("s3").meta.client_params.ForcePathStyle)
  end)

  it("gives the same model twice", function()
    assert.equal(model.load("ssm"), model.load("ssm"))
  end)

  it("says that there is no such service", function()
    for _, id in ipairs({ "smm", "../ssm", "", "ssm.txt" }) do
      local _, err = errors.try(model.load, id)
      assert.equal("usage", err.kind)
      assert.equal("unknown_service", err.code)
      assert.equal(("there is no service %q"):format(id), err.message)
    end
  end)
end)

describe("a model", function()
  local ssm, s3 = model.load("ssm"), model.load("s3")

  it("has operations", function()
    local op = ssm:operation("GetParameter")
    assert.equal("POST", op.method)
    assert.equal("/", op.uri)
    assert.equal("GetParameterRequest", op.input)
    assert.equal("GetParameterResult", op.output)
    assert.equal("ParameterNotFound", op.errors[3])
    assert.equal(op, ssm:operation("GetParameter"))
    assert.is_nil(ssm:operation("GetParameterz"))
    assert.is_nil(ssm:operation(""))
  end)

  it("has shapes with members in the model's order", function()
    local shape = ssm:shape("PutParameterRequest")
    assert.equal("Name", shape.members[1].name)
    assert.equal("PSParameterName", shape.members[1].shape)
    assert.is_true(shape.by_name.Name.required)
    assert.is_nil(shape.by_name.Tier.required)
    assert.equal("ParameterTier", shape.by_name.Tier.shape)
    assert.same({ "Standard", "Advanced", "Intelligent-Tiering" }, ssm:shape("ParameterTier").enum)
    assert.equal(1, ssm:shape("PSParameterName").min)
    assert.is_nil(ssm:shape("NoSuchShape"))
  end)

  it("follows references to lists, maps and what their shapes add", function()
    local list = ssm:shape("ParameterList")
    assert.equal("Parameter", ssm:shape(list.element).name)
    local rules = s3:shape("BucketLifecycleConfiguration").by_name.Rules
    assert.is_nil(rules.target)
    assert.equal("Rule", rules.location_name)
    assert.equal("LifecycleRules", s3:resolve(rules).name)
    assert.is_true(rules.flattened)
    assert.equal(rules.target, s3:shape(rules))
  end)

  it("says where members travel", function()
    local shape = s3:shape("PutObjectRequest")
    assert.equal("Body", shape.payload)
    assert.is_true(shape.by_name.Body.streaming)
    local function place(name)
      return shape.by_name[name].location .. " " .. shape.by_name[name].location_name
    end
    assert.equal("uri Key", place("Key"))
    assert.equal("header Cache-Control", place("CacheControl"))
    assert.equal("headers x-amz-meta-", place("Metadata"))
    assert.equal("Bucket", shape.by_name.Bucket.context)
    assert.equal(
      "query versionId",
      "query " .. s3:shape("GetObjectRequest").by_name.VersionId.location_name
    )
  end)

  it("undoes the escapes of a line", function()
    assert.same({ "NextMarker || Contents[-1].Key" }, s3:paginator("ListObjects").output_token)
    assert.equal("xsi:type", s3:shape("Grantee").by_name.Type.location_name)
    assert.same(
      { uri = "http://www.w3.org/2001/XMLSchema-instance", prefix = "xsi" },
      s3:shape("Grantee").xml_namespace
    )
  end)

  it("marks operations whose reply is a stream", function()
    assert.is_true(s3:operation("GetObject").streams)
    assert.is_true(s3:operation("SelectObjectContent").streams)
    assert.is_nil(s3:operation("PutObject").streams)
    assert.is_nil(s3:operation("GetBucketPolicy").streams)
  end)

  it("finds an operation by any of its spellings", function()
    for word, name in pairs({
      GetParameter = "GetParameter",
      get_parameter = "GetParameter",
      ["get-parameters-by-path"] = "GetParametersByPath",
      list_objects_v2 = "ListObjectsV2",
      ["list-objects-v2"] = "ListObjectsV2",
      assume_role_with_saml = "AssumeRoleWithSAML",
      get_bucket_acl = "GetBucketAcl",
    }) do
      local found
      for _, id in ipairs(SERVICES) do
        found = found or model.load(id):find(word)
      end
      assert.equal(name, found)
    end
  end)

  it("names the nearest operation in the spelling asked for", function()
    assert.same({ nil, "get_parameter" }, { ssm:find("get_paramter") })
    assert.same({ nil, "GetParameter" }, { ssm:find("GetParamter") })
    assert.same({ nil, nil }, { ssm:find("frobnicate") })
    assert.is_nil(ssm:find("Get_Parameter"))
  end)

  it("has paginators and waiters", function()
    assert.same({
      input_token = { "NextToken" },
      output_token = { "NextToken" },
      result_key = { "Parameters" },
      limit_key = "MaxResults",
    }, ssm:paginator("DescribeParameters"))
    assert.is_nil(ssm:paginator("GetParameter"))
    local waiter = s3:waiter("object_exists")
    assert.equal("HeadObject", waiter.operation)
    assert.equal(5, waiter.delay)
    assert.equal(20, waiter.max_attempts)
    assert.same({ state = "success", matcher = "status", expected = 200 }, waiter.acceptors[1])
    assert.equal("Pending", ssm:waiter("CommandExecuted").acceptors[1].expected)
    assert.same({ nil, "object_exists" }, { s3:waiter("object_exist") })
  end)
end)

describe("imported models and botocore's", function()
  local python, reason = reference.python()

  -- What only one side has: what was resolved, the order of members, an enum not yet read.
  local ONE_SIDED = {
    alias = true,
    enum_text = true,
    inherited = true,
    members = true,
    streams = true,
    target = true,
  }

  --- A shape or reference without that.
  local function facts(thing)
    local copy = { enum = thing.enum }
    for key, value in pairs(thing) do
      if not ONE_SIDED[key] then
        copy[key] = type(value) == "table" and facts(value) or value
      end
    end
    return copy
  end

  --- A shape whose references all have the traits of what they point to.
  local function resolved(m, name)
    local shape = m:shape(name)
    for _, member in ipairs(shape.members or {}) do
      m:resolve(member)
    end
    for _, role in ipairs({ "element", "key", "value" }) do
      if shape[role] then
        m:resolve(shape[role])
      end
    end
    return shape
  end

  local all = {}
  for i, name in ipairs(embed.list("lua/aws/models/")) do
    all[i] = name:match("([^/]+)%.txt$")
  end

  for _, id in ipairs(all) do
    it("agree on every fact of " .. id, function()
      if not python then
        pending(reason)
      end
      local told = reference.ask("model " .. id)
      assert.is_nil(check.fault("description", told.model))
      local ours = model.load(id)
      local theirs = model.from_botocore(
        told.model,
        { id = id, paginators = told.paginators, waiters = told.waiters }
      )
      assert.same(theirs.meta, ours.meta)
      assert.same(theirs:operations(), ours:operations())
      for _, name in ipairs(ours:operations()) do
        assert.same(facts(theirs:operation(name)), facts(ours:operation(name)))
        assert.same(theirs:paginator(name), ours:paginator(name))
        assert.equal(told.snake[name], ours:snake(name))
        assert.equal(name, ours:find(told.snake[name]))
      end
      for _, name in ipairs(theirs.source:names("s")) do
        assert.same(facts(resolved(theirs, name)), facts(resolved(ours, name)))
      end
      assert.same(theirs:waiters(), ours:waiters())
      for _, name in ipairs(ours:waiters()) do
        assert.same(theirs:waiter(name), ours:waiter(name))
      end
    end)
  end

  it("are imported to the same bytes again", function()
    if not python then
      pending(reason)
    end
    assert.is_true(os.execute(python .. " tools/import_models.py --check"))
  end)
end)
