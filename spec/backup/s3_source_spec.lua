local errors = require("awsbak.errors")
local task = require("awsbak.task")
local transfer = require("backup.transfer")

local MIB = 1024 * 1024

-- A bucket with one object, which `replace` replaces. It answers as S3 does: a version by its id,
-- else the newest one, refused when it has another ETag than IfMatch says.
local function bucket(versioned)
  local s3 = { objects = {}, gets = 0, after_head = function() end }

  function s3.replace(bytes)
    table.insert(s3.objects, bytes)
  end

  local function etag(number)
    return ('"e%d"'):format(number)
  end

  function s3.head_object()
    local number = #s3.objects
    s3.after_head()
    return {
      ContentLength = #s3.objects[number],
      ETag = etag(number),
      VersionId = versioned and "v" .. number or nil,
    }
  end

  function s3.get_object(input)
    s3.gets = s3.gets + 1
    local number = input.VersionId and tonumber(input.VersionId:sub(2)) or #s3.objects
    if input.IfMatch and input.IfMatch ~= etag(number) then
      errors.raise({ kind = "service", code = "PreconditionFailed", status = 412, message = "412" })
    end
    local first, last = input.Range:match("bytes=(%d+)-(%d+)")
    local body = { bytes = s3.objects[number]:sub(first + 1, last + 1) }
    function body:all()
      return self.bytes
    end
    return { Body = setmetatable(body, { __close = function() end }) }
  end
  return s3
end

describe("an S3 source", function()
  local old, new = ("o"):rep(17 * MIB), ("n"):rep(17 * MIB)

  local function read(s3)
    local source <close> = transfer.source("s3://vault/k", { s3 = s3 })
    return task.await(source.handle:read(source.bytes, 0)), source
  end

  it("reads an object in ranges, all of it", function()
    for _, versioned in ipairs({ true, false }) do
      local s3 = bucket(versioned)
      s3.replace(old)
      local bytes, source = read(s3)
      assert.is_true(bytes == old)
      assert.equal(3, s3.gets)
      assert.equal(versioned and "v1" or nil, source.version_id)
    end
  end)

  it("reads the version it found, whatever replaces it", function()
    local s3 = bucket(true)
    s3.replace(old)
    function s3.after_head()
      s3.replace(new)
    end
    assert.is_true((read(s3)) == old)
  end)

  it("refuses an object that is replaced meanwhile where there are no versions", function()
    local s3 = bucket(false)
    s3.replace(old)
    function s3.after_head()
      s3.replace(new)
    end
    local _, e = errors.try(read, s3)
    assert.equal(412, e.status)
    assert.equal("it was replaced while it was read; try again", e.hint)
  end)
end)
