-- The client against moto: each protocol's calls, listings, waits and errors as a server has them.

local aws = require("aws")
local log = require("awsbak.log")
local moto = require("spec.support.moto")
local outside = require("awsbak.outside")
local scratch = require("spec.support.scratch")

describe("clients against moto", function()
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

  it("writes and reads a parameter over JSON", function()
    local ssm = new("ssm")
    local value = 'line\n\t"quoted" \u{1F511} end'
    ssm.put_parameter({ Name = "/live/a", Value = value, Type = "SecureString" })
    local parameter = ssm.get_parameter({ Name = "/live/a", WithDecryption = true }).Parameter
    assert.equal(value, parameter.Value)
    assert.equal("integer", math.type(parameter.Version))
    assert.is_true(math.abs(parameter.LastModifiedDate - outside.now()) < 600)
  end)

  it("lists over pages", function()
    local ssm = new("ssm")
    for i = 1, 23 do
      ssm.put_parameter({ Name = "/pages/" .. i, Value = "v" .. i, Type = "String" })
    end
    local names, pages = {}, 0
    local input = { Path = "/pages", MaxResults = 10 }
    for parameter in ssm.each.get_parameters_by_path(input) do
      names[parameter.Name] = parameter.Value
    end
    for i = 1, 23 do
      assert.equal("v" .. i, names["/pages/" .. i])
    end
    for _ in ssm.pages.get_parameters_by_path(input) do
      pages = pages + 1
    end
    assert.equal(3, pages)
  end)

  it("raises the service's error of each protocol", function()
    local _, json_error = aws.try(new("ssm").get_parameter, { Name = "/nope" })
    assert.equal("ParameterNotFound", json_error.code)
    assert.equal(400, json_error.status)
    assert.is_string(json_error.request_id)
    local _, xml_error = aws.try(new("s3").list_objects_v2, { Bucket = "there-is-none" })
    assert.equal("NoSuchBucket", xml_error.code)
    assert.equal(404, xml_error.status)
    local _, head_error = aws.try(new("s3").head_bucket, { Bucket = "there-is-none" })
    assert.equal("404", head_error.code)
  end)

  it("asks over the query protocol who it is", function()
    assert.equal("123456789012", new("sts").get_caller_identity().Account)
  end)

  it("keeps bytes as they are through KMS", function()
    local kms = new("kms")
    local id = kms.create_key({}).KeyMetadata.KeyId
    local sealed = kms.encrypt({ KeyId = id, Plaintext = "\0\xff\n" }).CiphertextBlob
    assert.equal("\0\xff\n", kms.decrypt({ CiphertextBlob = sealed }).Plaintext)
  end)

  describe("with S3", function()
    local s3

    setup(function()
      s3 = new("s3")
      s3.create_bucket({ Bucket = "vault" })
      s3.wait.bucket_exists({ Bucket = "vault" }, { delay = 0, tries = 3 })
    end)

    it("keeps an object's bytes, metadata and a key of any characters", function()
      local key, bytes = "a b/+ü%?#/..x", ("\0\xff\r\n"):rep(1000)
      s3.put_object({ Bucket = "vault", Key = key, Body = bytes, Metadata = { made = "here" } })
      local object = s3.get_object({ Bucket = "vault", Key = key })
      local body <close> = object.Body
      assert.equal(bytes, body:all(1e6))
      assert.equal("here", object.Metadata.made)
      assert.equal(#bytes, object.ContentLength)
      assert.equal(key, s3.list_objects_v2({ Bucket = "vault", Prefix = "a" }).Contents[1].Key)
    end)

    it("reads a streamed body in pieces and in lines", function()
      local lines = {}
      for i = 1, 5000 do
        lines[i] = ("line %d "):format(i) .. ("x"):rep(i % 200)
      end
      s3.put_object({ Bucket = "vault", Key = "lines", Body = table.concat(lines, "\n") })
      local seen = 0
      local body <close> = s3.get_object({ Bucket = "vault", Key = "lines" }).Body
      assert.equal("line", body:read(4))
      for line in body:lines() do
        seen = seen + 1
        assert.equal(seen == 1 and lines[1]:sub(5) or lines[seen], line)
      end
      assert.equal(5000, seen)
      assert.is_nil(body:read())
    end)

    it("saves a streamed body to a file", function()
      local dir <close> = scratch.new()
      s3.put_object({ Bucket = "vault", Key = "file", Body = ("z"):rep(300000) })
      local body <close> = s3.get_object({ Bucket = "vault", Key = "file" }).Body
      assert.equal(300000, body:save(dir:path("out")))
      assert.equal(("z"):rep(300000), dir:read("out"))
    end)

    it("raises for a missing object although its reply would be a stream", function()
      local _, err = aws.try(s3.get_object, { Bucket = "vault", Key = "nope" })
      assert.equal("NoSuchKey", err.code)
      assert.equal("nope", err.fields.Key)
    end)

    it("follows listings by two tokens, and one whose token is the last key", function()
      for i = 1, 7 do
        s3.put_object({ Bucket = "vault", Key = "many/" .. i, Body = "" .. i })
      end
      local input = { Bucket = "vault", Prefix = "many/" }
      local function count(listing, size)
        local n = 0
        input.MaxKeys = size
        for _ in s3.each[listing](input) do
          n = n + 1
        end
        return n
      end
      assert.equal(7, count("list_objects_v2", 3))
      assert.equal(7, count("list_objects", 2))
      assert.equal(7, count("list_object_versions", 2))
    end)

    it("waits for what is not there any more", function()
      s3.put_object({ Bucket = "vault", Key = "gone", Body = "" })
      s3.delete_object({ Bucket = "vault", Key = "gone" })
      local limits = { delay = 0, tries = 2 }
      s3.wait.object_not_exists({ Bucket = "vault", Key = "gone" }, limits)
      local _, err = aws.try(s3.wait.object_exists, { Bucket = "vault", Key = "gone" }, limits)
      assert.equal("waiter_timeout", err.code)
    end)

    it("deletes several objects in one call, which needs a checksum", function()
      s3.put_object({ Bucket = "vault", Key = "d1", Body = "" })
      local deleted =
        s3.delete_objects({ Bucket = "vault", Delete = { Objects = { { Key = "d1" } } } })
      assert.equal("d1", deleted.Deleted[1].Key)
    end)
  end)
end)
