-- Whether what is there now is like an older version.

local likeness = require("backup.s3.likeness")

local function iterate(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

local function side(id)
  return { key = "k", size = 3, object = { key = "p/k", version_id = id } }
end

local function step_of(reason)
  local source, target = side("was"), side("is")
  return { action = "copy", key = "k", reason = reason, source = source, target = target }
end

--- A client that knows two versions, and counts its calls.
local function client(was, is, tags)
  local self = { heads = 0, tags = 0 }
  function self.head_object(input)
    self.heads = self.heads + 1
    return ({ was = was, is = is })[input.VersionId]
  end
  function self.get_object_tagging(input)
    self.tags = self.tags + 1
    return { TagSet = (tags or {})[input.VersionId] }
  end
  return self
end

--- What becomes of one step.
local function settled(s3, reason, input)
  local like = likeness.new({ s3 = s3, input = input }, { bucket = "b", prefix = "p/" }, 2)
  local step = like:steps(iterate({ step_of(reason) }))()
  return step.action .. " " .. step.reason
end

local function sum(text, said)
  local head = { ETag = '"' .. text .. '-1"', ChecksumType = "FULL_OBJECT" }
  for name, value in pairs(said or {}) do
    head[name] = value
  end
  head.ChecksumCRC64NVME = text ~= "" and text or nil
  return head
end

describe("what is there now and an older version", function()
  it("are compared by checksums where ETags tell nothing, and then by what is said", function()
    local a, b = "AAAAAAAAAAA=", "BBBBBBBBBBA="
    assert.equal("same equal", settled(client(sum(a), sum(a)), "unknown"))
    assert.equal("copy content", settled(client(sum(a), sum(b)), "unknown"))
    assert.equal("copy unknown", settled(client(sum(a), sum("")), "unknown"))
    local said = sum(a, { ContentType = "a/b" })
    assert.equal("copy metadata", settled(client(sum(a), said), "unknown"))
    assert.equal("same equal", settled(client(sum(a), said), "unknown", { ContentType = "c/d" }))
  end)

  it("differ by what is said of them, and a copy of the one does not differ from it", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local function some(...)
      return ({ ... })[math.random(select("#", ...))]
    end
    local function random_head()
      return {
        ContentType = some("text/plain", "text/html"),
        Expires = some(false, 1) or nil,
        Metadata = { a = some(false, "1", "2") or nil, ["awsbak-upload"] = some("x", "y") },
        StorageClass = some("STANDARD_IA", "GLACIER_IR"),
      }
    end
    for round = 1, 200 do
      local was, is = random_head(), random_head()
      local is_same = was.ContentType == is.ContentType
        and was.Expires == is.Expires
        and was.Metadata.a == is.Metadata.a
      local where = ("AWSBAK_SEED=%d, round %d"):format(seed, round)
      local found = settled(client(was, is), "metadata")
      assert.equal(is_same and "same equal" or "copy metadata", found, where)
      is.ContentType, is.Expires, is.Metadata = was.ContentType, was.Expires, was.Metadata
      assert.equal("same equal", settled(client(was, is), "metadata"), where)
    end
  end)

  it("are asked for tags where both heads tell as many, and else once in a run", function()
    local one, other = { Key = "a", Value = "1" }, { Key = "b", Value = "2" }
    local tags = { was = { one, other }, is = { other, one } }
    local s3 = client({ TagCount = 2 }, { TagCount = 2 }, tags)
    assert.equal("same equal", settled(s3, "metadata"))
    tags.is = { one, { Key = "b", Value = "3" } }
    assert.equal("copy metadata", settled(s3, "metadata"))
    assert.equal("same equal", settled(s3, "metadata", { Tagging = "c=1" }))
    assert.equal(4, s3.tags)
    s3 = client({ TagCount = 1 }, {}, tags)
    assert.equal("copy metadata", settled(s3, "metadata"))
    assert.equal(0, s3.tags)
    s3 = client({}, {})
    local steps = iterate({ step_of("metadata"), step_of("metadata"), step_of("metadata") })
    local like = likeness.new({ s3 = s3 }, { bucket = "b", prefix = "p/" }, 1)
    for step in like:steps(steps) do
      assert.equal("same", step.action)
    end
    assert.same({ 6, 1 }, { s3.heads, s3.tags })
  end)

  it("are asked for nothing where the step is known; steps keep their order", function()
    local s3, steps = client({}, {}), {}
    for i = 1, 5000 do
      steps[i] = step_of(i % 500 == 0 and "metadata" or "size")
      steps[i].key = i
    end
    local like = likeness.new({ s3 = s3 }, { bucket = "b", prefix = "p/" }, 4)
    local at = 0
    for step in like:steps(iterate(steps)) do
      at = at + 1
      assert.equal(at, step.key)
      assert.equal(at % 500 == 0 and "same" or "copy", step.action)
    end
    assert.same({ 5000, 20 }, { at, s3.heads })
  end)

  it("end the run where the service cannot be reached", function()
    local s3 = client({}, {})
    function s3.head_object()
      error(require("awsbak.errors").new({ kind = "network", code = "reset", message = "gone" }), 0)
    end
    local ok, err = pcall(settled, s3, "metadata")
    assert.same({ false, "network" }, { ok, err.kind })
  end)
end)
