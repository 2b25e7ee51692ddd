local diff = require("backup.s3.diff")
local errors = require("awsbak.errors")

local function sorted(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- The entries of a map by key, in order; counts what was read.
local function stream(map, read)
  local keys, at = sorted(map), 0
  return function()
    at = at + 1
    if read then
      read.count = at
    end
    local entry = map[keys[at]]
    return entry
      and { key = keys[at], size = entry.size, modified = entry.modified, body = entry.body }
  end
end

local function steps(source, target, options)
  local list = {}
  for step in diff.steps(stream(source), stream(target), options) do
    list[#list + 1] = ("%s %s %s"):format(step.action, step.key, step.reason)
  end
  return list
end

local function random_side()
  local map = {}
  for _ = 1, math.random(0, 12) do
    local key = ""
    for _ = 1, math.random(1, 3) do
      key = key .. ("ab/-0"):sub(math.random(5)):sub(1, 1)
    end
    local size = math.random(0, 1)
    map[key] = { size = size, modified = math.random(1, 3), body = size .. math.random(2) }
  end
  return map
end

describe("backup.s3.diff", function()
  it("tells why each is copied, deleted or left", function()
    local source = {
      ["a"] = { size = 1, modified = 5 },
      ["b"] = { size = 1, modified = 5 },
      ["c"] = { size = 2, modified = 5 },
      ["d/e"] = { size = 1, modified = 7 },
    }
    local target = {
      ["a0"] = { size = 1, modified = 5 },
      ["b"] = { size = 1, modified = 5 },
      ["c"] = { size = 1, modified = 9 },
      ["d/e"] = { size = 1, modified = 6 },
      ["z"] = { size = 1, modified = 6 },
    }
    local copied = { "copy a new", "same b equal", "copy c size", "copy d/e newer" }
    assert.same(copied, steps(source, target))
    table.insert(copied, 2, "delete a0 extra")
    table.insert(copied, "delete z extra")
    assert.same(copied, steps(source, target, { delete = true }))
  end)

  it("compares times in whole seconds, and copies what has none", function()
    local function of(from, to, compare)
      local source = { k = { size = 1, modified = from } }
      return steps(source, { k = { size = 1, modified = to } }, { compare = compare })[1]
    end
    assert.equal("same k equal", of(5.9, 5, "newer"))
    assert.equal("copy k newer", of(6, 5.9, "newer"))
    assert.equal("same k equal", of(4, 5, "newer"))
    assert.equal("copy k time", of(4, 5, "exact"))
    assert.equal("same k equal", of(5.1, 5.9, "exact"))
    assert.equal("same k equal", of(9, 5, "size"))
    assert.equal("copy k unknown", of(nil, 5, "newer"))
    assert.equal("copy k unknown", of(5, nil, "exact"))
  end)

  it("asks for checksums only where sizes are equal", function()
    local asked = {}
    local options = {
      compare = "checksum",
      equal = function(source)
        asked[#asked + 1] = source.key
        return ({ a = true, b = false })[source.key]
      end,
    }
    local source = { a = { size = 1 }, b = { size = 1 }, c = { size = 1 }, d = { size = 1 } }
    local target = { a = { size = 1 }, b = { size = 1 }, c = { size = 1 }, d = { size = 2 } }
    assert.same(
      { "same a equal", "copy b content", "copy c unknown", "copy d size" },
      steps(source, target, options)
    )
    assert.same({ "a", "b", "c" }, asked)
  end)

  it("refuses a side that is not sorted", function()
    for _, keys in ipairs({ { "b", "a" }, { "a", "a" }, { "a/b", "a-b" } }) do
      local at = 0
      local function unsorted()
        at = at + 1
        return keys[at] and { key = keys[at], size = 1, modified = 1 }
      end
      local _, e = errors.try(function()
        for _ in diff.steps(unsorted, stream({})) do -- luacheck: ignore 542
        end
      end)
      assert.equal("order", e.code)
    end
  end)

  it("makes the target what the source is, whatever both were", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    local function equal(from, to)
      return from.body == to.body
    end
    for round = 1, 500 do
      local said = ("seed %d, round %d"):format(seed, round)
      local source, target, deletes = random_side(), random_side(), math.random(2) == 1
      local result, last = {}, nil
      for key, entry in pairs(target) do
        result[key] = entry.body
      end
      local read_source, read_target = {}, {}
      local each = diff.steps(
        stream(source, read_source),
        stream(target, read_target),
        { compare = "checksum", equal = equal, delete = deletes }
      )
      local count = 0
      for step in each do
        count = count + 1
        assert.is_true(last == nil or last < step.key, said)
        last = step.key
        if step.action == "copy" then
          assert.not_equal(source[step.key].body, result[step.key], said)
          assert.equal(target[step.key] ~= nil, step.target ~= nil, said)
          result[step.key] = step.source.body
        elseif step.action == "delete" then
          assert.is_nil(source[step.key], said)
          result[step.key] = nil
        else
          assert.equal(source[step.key].body, target[step.key].body, said)
        end
        if deletes then -- each step takes at most one entry of each side ahead
          assert.is_true(read_source.count <= count + 1, said)
          assert.is_true(read_target.count <= count + 1, said)
        end
      end
      local wanted = {}
      for key, entry in pairs(target) do
        wanted[key] = not deletes and entry.body or nil
      end
      for key, entry in pairs(source) do
        wanted[key] = entry.body
      end
      assert.same(wanted, result, said)
    end
  end)

  it("tells nothing of a problem that is left out, and deletes nothing below it", function()
    local function entries(list)
      local at = 0
      return function()
        at = at + 1
        return list[at]
      end
    end
    local link = { key = "link", problem = {}, left_out = true }
    local source = entries({ link, { key = "m", size = 1 } })
    local target = entries({ { key = "link/x", size = 1 }, { key = "linked", size = 1 } })
    local list = {}
    for step in diff.steps(source, target, { delete = true }) do
      list[#list + 1] = step.action .. " " .. step.key
    end
    assert.same({ "delete linked", "copy m" }, list)
    target = entries({ { key = "l", problem = {}, left_out = true } })
    assert.is_nil(diff.steps(entries({}), target, { delete = true })())
  end)

  it("touches nothing that has a problem, or that one may hide", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    --- A side in which some entries cannot be looked at.
    local function doubtful()
      local map, problems = random_side(), {}
      for key, entry in pairs(map) do
        if math.random(4) == 1 then
          entry.problem = { kind = "io", code = "EACCES", message = "no" }
          problems[#problems + 1] = key:gsub("/$", "")
        end
      end
      local keys, at = sorted(map), 0
      return map,
        problems,
        function()
          at = at + 1
          local entry = map[keys[at]]
          return entry
            and {
              key = keys[at],
              size = entry.size,
              modified = entry.modified,
              problem = entry.problem,
            }
        end
    end
    for round = 1, 500 do
      local said = ("seed %d, round %d"):format(seed, round)
      local source, hiding, each_source = doubtful()
      local target, _, each_target = doubtful()
      local reported = {}
      for step in diff.steps(each_source, each_target, { delete = true }) do
        local from, to = source[step.key] or {}, target[step.key] or {}
        if step.action == "skip" then
          assert.is_true(from.problem ~= nil or to.problem ~= nil, said)
          reported[step.key] = true
        else
          assert.is_nil(from.problem or to.problem, said)
        end
        for _, name in ipairs(step.action == "delete" and hiding or {}) do
          assert.not_equal(name .. "/", step.key:sub(1, #name + 1), said)
        end
      end
      for _, side in ipairs({ source, target }) do
        for key, entry in pairs(side) do
          assert.is_true(not entry.problem or reported[key], said)
        end
      end
    end
  end)
end)
