-- Uploads of which S3 has begun two, as it did not answer to the first request.

local faulty_s3 = require("spec.support.faulty_s3")
local scratch = require("spec.support.scratch")

local PART <const> = 5 * 1024 * 1024
local SIZE <const> = PART + 1000

describe("awsbak s3 cp whose upload was begun twice", function()
  local place, dir

  setup(function()
    place, dir = faulty_s3.open("vault"), scratch.new()
    dir:write("file", ("0123456789abcdef"):rep(SIZE // 16 + 1):sub(1, SIZE))
  end)

  teardown(function()
    dir:close()
    place:close()
  end)

  local function uploads()
    local list = {}
    for upload in place.s3.each.list_multipart_uploads({ Bucket = "vault" }) do
      list[#list + 1] = upload
    end
    return list
  end

  for _, way in ipairs({ "file", "pipe" }) do
    it("says so of a " .. way .. ", and how to end what is left", function()
      place:clear("vault")
      place.proxy:rule({ method = "POST", holds = { "?uploads" }, lost = true })
      local from = way == "file" and dir:path("file") or "-"
      local words = { "s3", "cp", from, "s3://vault/it's", "--part-size", "5M" }
      local input = way == "pipe" and dir:read("file") or nil
      local result = place.op:must(words, { stdin = input })
      local left = uploads()
      assert.equal(1, #left)
      local command = result.stderr:match(
        "^awsbak: warning: S3 did not answer as an upload to s3://vault/it's was begun, and it may"
          .. " be this one; unless somebody else began it, end it with: awsbak ([^\n]+)\n"
      )
      assert.is_string(command, result.stderr)
      assert.matches(left[1].UploadId, command, 1, true)
      place.op:must({}, { prefix = { "sh", "-c", '"$0" ' .. command } })
      assert.same({}, uploads())
    end)
  end

  it("says nothing where none is left", function()
    place:clear("vault")
    local answer = { 503, "<Error><Code>SlowDown</Code></Error>" }
    place.proxy:rule({ method = "POST", holds = { "?uploads" }, answer = answer })
    local words = { "s3", "cp", dir:path("file"), "s3://vault/k", "--part-size", "5M" }
    assert.is_nil(place.op:must(words).stderr:find("warning", 1, true))
    assert.equal(2, place.proxy:count("POST", "?uploads"))
  end)
end)
