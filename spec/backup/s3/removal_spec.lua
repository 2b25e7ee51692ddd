local errors = require("awsbak.errors")
local outside = require("awsbak.outside")
local removal = require("backup.s3.removal")
local task = require("awsbak.task")

local function each(list)
  local at = 0
  return function()
    at = at + 1
    return list[at]
  end
end

local function keys(count)
  local list = {}
  for i = 1, count do
    list[i] = { key = ("k%05d"):format(i) }
  end
  return list
end

local function collect(results)
  local list = {}
  for result in results do
    list[#list + 1] = result
  end
  return list
end

--- A client that deletes all, but for what `refuse(key, attempt)` gives an error's code for.
local function client(refuse)
  local s3 = { batches = {}, single = {} }
  local attempts = {}
  function s3.delete_objects(input)
    s3.batches[#s3.batches + 1] = input
    local answer = { Deleted = {}, Errors = {} }
    for _, object in ipairs(input.Delete.Objects) do
      attempts[object.Key] = (attempts[object.Key] or 0) + 1
      local code = refuse and refuse(object.Key, attempts[object.Key])
      if code then
        table.insert(
          answer.Errors,
          { Key = object.Key, VersionId = object.VersionId, Code = code, Message = "because" }
        )
      elseif code == nil then
        table.insert(answer.Deleted, 1, { Key = object.Key, VersionId = object.VersionId })
      end
    end
    return answer
  end
  function s3.delete_object(input)
    s3.single[#s3.single + 1] = input.Key
    return {}
  end
  return s3
end

describe("backup.s3.removal", function()
  local sleep, slept = outside.sleep, 0

  before_each(function()
    slept = 0
    outside.sleep = function()
      slept = slept + 1
    end
  end)

  after_each(function()
    outside.sleep = sleep
  end)

  it("deletes in batches of 1,000 and tells of each in order", function()
    local s3 = client()
    local results = collect(removal.run(s3, "vault", each(keys(4321))))
    assert.equal(4321, #results)
    for i, result in ipairs(results) do
      assert.same({ key = ("k%05d"):format(i), result = "deleted" }, result)
    end
    local sizes = {}
    for i, batch in ipairs(s3.batches) do
      sizes[i] = #batch.Delete.Objects
    end
    table.sort(sizes)
    assert.same({ 321, 1000, 1000, 1000, 1000 }, sizes)
  end)

  it("tells which keys were refused, and why", function()
    local s3 = client(function(key)
      return key == "k00002" and "AccessDenied" or nil
    end)
    local results = collect(removal.run(s3, "vault", each(keys(3))))
    assert.equal("deleted", results[1].result)
    assert.same({ key = "k00002", result = "failed", detail = "AccessDenied: because" }, results[2])
    assert.equal("deleted", results[3].result)
    assert.equal(1, #s3.batches)
  end)

  it("tries keys again that S3 is too busy for, and only those", function()
    local s3 = client(function(key, attempt)
      return key == "k00002" and attempt < 3 and "SlowDown"
        or key == "k00003" and "InternalError"
        or nil
    end)
    local results = collect(removal.run(s3, "vault", each(keys(3))))
    assert.equal("deleted", results[2].result)
    assert.equal("InternalError: because", results[3].detail)
    assert.same({ "k00002", "k00003" }, {
      s3.batches[2].Delete.Objects[1].Key,
      s3.batches[2].Delete.Objects[2].Key,
    })
    assert.equal(4, #s3.batches)
    assert.equal(3, slept)
  end)

  it("counts a key that the answer says nothing of as failed", function()
    local s3 = client(function()
      return false
    end)
    local results = collect(removal.run(s3, "vault", each(keys(1))))
    assert.equal("failed", results[1].result)
    assert.matches("no_answer", results[1].detail)
  end)

  it("sends keys that XML cannot carry one by one", function()
    local s3 = client()
    local odd = { "a\1b", "nul\0", "\xff", "\xef\xbf\xbe", "esc\27" }
    local list = { { key = "plain\r\n\t" }, { key = "ü" } }
    for _, key in ipairs(odd) do
      list[#list + 1] = { key = key }
    end
    assert.equal(7, #collect(removal.run(s3, "vault", each(list))))
    assert.same(odd, s3.single)
    assert.equal(2, #s3.batches[1].Delete.Objects)
  end)

  it("tells a delete marker that it made from a marker that it deleted", function()
    local s3 = {
      delete_objects = function(input)
        local id = input.Delete.Objects[1].VersionId
        return {
          Deleted = {
            { Key = "k", VersionId = id, DeleteMarker = true, DeleteMarkerVersionId = id or "m" },
          },
        }
      end,
    }
    assert.same(
      { { key = "k", result = "marked", marker = "m" } },
      collect(removal.run(s3, "vault", each({ { key = "k" } })))
    )
    assert.same(
      { { key = "k", version_id = "m", result = "deleted" } },
      collect(removal.run(s3, "vault", each({ { key = "k", version_id = "m" } })))
    )
  end)

  it("tells what was done before it raises what ends all", function()
    local calls = 0
    local s3 = client()
    local delete = s3.delete_objects
    function s3.delete_objects(input)
      calls = calls + 1
      if calls == 2 then
        errors.raise({ kind = "network", code = "reset", message = "broken" })
      end
      return delete(input)
    end
    local results, told = removal.run(s3, "vault", each(keys(9000))), 0
    local _, e = errors.try(function()
      for _ in results do
        told = told + 1
      end
    end)
    assert.equal("network", e.kind)
    assert.equal(1000 * (calls - 1), told)
    assert.is_true(calls <= 3)
  end)

  it("tells what a batch had done when it could not be tried again, too", function()
    local s3 = client(function(key)
      return key ~= "k00001" and "SlowDown" or nil
    end)
    outside.sleep = function()
      errors.raise({ kind = "cancelled", code = "SIGINT", message = "interrupted" })
    end
    local list = {}
    local _, e = errors.try(function()
      for result in removal.run(s3, "vault", each(keys(2))) do
        list[#list + 1] = result
      end
    end)
    assert.equal("SIGINT", e.code)
    assert.same({
      { key = "k00001", result = "deleted" },
      { key = "k00002", result = "failed", detail = "SlowDown: because" },
    }, list)
  end)

  it("hears what became of a key that it deletes by itself, and begins no other", function()
    local s3, list = client(), {}
    local delete = s3.delete_object
    local _, e = errors.try(task.run, function()
      local t = task.running()
      function s3.delete_object(input)
        task.cancel(t)
        task.sleep(0)
        return delete(input)
      end
      for result in removal.run(s3, "vault", each({ { key = "a\1" }, { key = "b\1" } })) do
        list[#list + 1] = result
      end
    end)
    assert.equal("cancelled", e.kind)
    assert.same({ { key = "a\1", result = "deleted" } }, list)
    assert.same({ "a\1" }, s3.single)
  end)
end)
