local errors = require("awsbak.errors")
local s3_fault = require("backup.transfer.s3_fault")

describe("a failure to read an object", function()
  --- What is said of a head that S3 answers with a status alone, as it does.
  local function said(status, version_id, bucket_status)
    local function refuse(with)
      errors.raise({ kind = "service", code = tostring(with), status = with, message = "no" })
    end
    local s3 = {
      head_object = function()
        refuse(status)
      end,
      head_bucket = function()
        return bucket_status and refuse(bucket_status)
      end,
    }
    local object = { bucket = "vault", key = "k", version_id = version_id }
    local _, err = errors.try(s3_fault.head, s3, object)
    return err.message, err.hint
  end

  it("names the object that is not there", function()
    local message, hint = said(404)
    assert.equal("s3://vault/k does not exist", message)
    assert.matches("awsbak s3 versions tells", hint, 1, true)
  end)

  it("names the version that is not there, is a marker, or has no such id", function()
    local _, hint = said(404, "v1")
    assert.equal("awsbak s3 versions s3://vault/k lists those that there are", hint)
    assert.equal("there is no version v1 of s3://vault/k", (said(404, "v1")))
    assert.matches("^version v1 of s3://vault/k is a delete marker", (said(405, "v1")))
    assert.equal("version v1 of s3://vault/k: no", (said(400, "v1")))
    for _, status in ipairs({ 400, 404, 405 }) do
      assert.equal(hint, select(2, said(status, "v1")))
    end
  end)

  it("names the bucket that is not there, whatever was asked for", function()
    for _, version_id in ipairs({ false, "v1" }) do
      assert.equal("there is no bucket vault", (said(404, version_id or nil, 404)))
    end
  end)

  it("stays what it is otherwise", function()
    assert.same({ "no" }, { said(400) })
  end)

  it("tells what a refusal without words may mean", function()
    for _, version_id in ipairs({ false, "v1" }) do
      local message, hint = said(403, version_id or nil)
      assert.equal("s3://vault/k may not be looked at", message)
      assert.matches("`awsbak doctor`.*s3:GetObject", hint)
    end
  end)
end)
