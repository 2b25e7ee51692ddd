-- Copies within S3, by one request and in parts, while something goes wrong.

local digest = require("awsbak.core.digest")
local errors = require("awsbak.errors")
local faulty_s3 = require("spec.support.faulty_s3")
local s3_copy = require("backup.transfer.s3_copy")

local PART <const> = 5 * 1024 * 1024
local BYTES <const> = digest.digest("sha256", "a copy"):rep((PART + 4096) // 32)

describe("a copy within S3", function()
  local place, s3

  setup(function()
    place = faulty_s3.open("vault")
    s3 = place.s3
  end)

  teardown(function()
    place:close()
  end)

  before_each(function()
    place:clear("vault")
    s3.put_object({ Bucket = "vault", Key = "from", Body = BYTES })
  end)

  local function copy(one_max, options)
    options = options or {}
    local from = { s3 = options.from or s3, bucket = "vault", key = "from" }
    return s3_copy.put(from, { s3 = options.to or s3, bucket = "vault", key = "to" }, {
      force = not options.keeps,
      one_max = one_max or PART,
      part_size = PART,
      at_once = 2,
    })
  end

  --- The object's bytes, or nil; an error when an upload is left.
  local function target()
    assert.equal(0, #(s3.list_multipart_uploads({ Bucket = "vault" }).Uploads or {}))
    local object = errors.try(s3.get_object, { Bucket = "vault", Key = "to" })
    if object then
      local body <close> = object.Body
      return body:all(2 * #BYTES)
    end
  end

  local ERROR <const> = "<Error><Code>%s</Code><Message>again</Message></Error>"

  -- The requests that copy, and the size of an object from which on there are parts.
  local REQUESTS <const> = {
    ["by one request"] = { rule = { method = "PUT", holds = { "/vault/to" } }, one_max = #BYTES },
    ["of a part"] = { rule = { method = "PUT", holds = { "partNumber=2" } } },
    ["that is completed"] = { rule = { method = "POST", holds = { "uploadId=" } } },
  }

  for what, request in pairs(REQUESTS) do
    local function rule(more)
      local made = { method = request.rule.method, holds = request.rule.holds }
      for name, value in pairs(more) do
        made[name] = value
      end
      place.proxy:rule(made)
    end

    it(what .. " is tried again when S3 is busy, fails, or says so with a 200", function()
      for code, status in pairs({ SlowDown = 503, InternalError = 500, [""] = 200 }) do
        code = code == "" and "InternalError" or code
        rule({ answer = { status = status, body = ERROR:format(code) } })
        copy(request.one_max)
        assert.is_true(target() == BYTES, status)
        s3.delete_object({ Bucket = "vault", Key = "to" })
      end
    end)

    it(what .. " fails, and leaves nothing, when a 200 has an error in it each time", function()
      rule({ answer = { status = 200, body = ERROR:format("InternalError") }, times = -1 })
      local _, err = errors.try(copy, request.one_max)
      assert.equal("InternalError", err and err.code)
      place.proxy:clear()
      assert.is_nil(target())
    end)

    it(what .. " knows its own object when the answer is lost", function()
      rule({ lost = true })
      copy(request.one_max, { keeps = true })
      assert.is_true(target() == BYTES)
    end)
  end

  --- A client whose server compares the source of a copy, which not all fakes do.
  local function comparing()
    local client = setmetatable({}, { __index = s3 })
    for _, name in ipairs({ "copy_object", "upload_part_copy" }) do
      client[name] = function(input)
        local head = s3.head_object({ Bucket = "vault", Key = "from" })
        if input.CopySourceIfMatch ~= head.ETag then
          local refusal = { kind = "service", code = "PreconditionFailed", message = "" }
          refusal.status = 412
          errors.raise(refusal)
        end
        return s3[name](input)
      end
    end
    return client
  end

  it("is refused when the object is replaced meanwhile, and leaves nothing", function()
    for _, one_max in ipairs({ PART, #BYTES }) do
      for _, keeps in ipairs({ true, false }) do
        s3.put_object({ Bucket = "vault", Key = "from", Body = BYTES })
        local replacing = setmetatable({
          head_object = function(input)
            local head = s3.head_object(input)
            s3.put_object({ Bucket = "vault", Key = "from", Body = BYTES:reverse() })
            return head
          end,
        }, { __index = s3 })
        local options = { from = replacing, to = comparing(), keeps = keeps }
        local done, err = errors.try(copy, one_max, options)
        assert.is_nil(done)
        assert.equal("s3://vault/from was replaced while it was copied", err.message)
        assert.is_nil(target())
      end
    end
  end)
end)
