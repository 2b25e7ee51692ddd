local paginator = require("aws.paginator")

local who = { service = "fake", operation = "List" }

--- A service that answers with `pages` in order and writes down what it was asked.
local function listing(pages)
  local asked = {}
  return function(input)
    asked[#asked + 1] = input
    return assert(pages[#asked], "one call too many")
  end,
    asked
end

local function pager(changes)
  local description =
    { input_token = { "Next" }, output_token = { "Next" }, result_key = { "Items" } }
  for key, value in pairs(changes or {}) do
    description[key] = value
  end
  return paginator.compile(description)
end

local function collect(iterator)
  local all = {}
  for item in iterator do
    all[#all + 1] = item
  end
  return all
end

describe("aws.paginator", function()
  it("gives the items of all pages in order, also across empty pages", function()
    local call, asked = listing({
      { Items = { 1, 2 }, Next = "a" },
      { Items = {}, Next = "b" },
      { Next = "c" },
      { Items = { 3 } },
    })
    assert.same({ 1, 2, 3 }, collect(paginator.each(call, pager(), { Size = 2 }, who)))
    assert.same({
      { Size = 2 },
      { Size = 2, Next = "a" },
      { Size = 2, Next = "b" },
      { Size = 2, Next = "c" },
    }, asked)
  end)

  it("holds no page whose items were given when it asks for the next one", function()
    local last = setmetatable({}, { __mode = "v" })
    local calls = 0
    local function call()
      collectgarbage()
      assert.is_nil(last.items)
      calls = calls + 1
      last.items = { calls, calls }
      return { Items = last.items, Next = calls < 3 and tostring(calls) or nil }
    end
    assert.same({ 1, 1, 2, 2, 3, 3 }, collect(paginator.each(call, pager(), {}, who)))
  end)

  it("leaves the caller's input as it was", function()
    local call = listing({ { Items = { 1 }, Next = "a" }, { Items = { 2 } } })
    local input = { Size = 1 }
    collect(paginator.each(call, pager(), input, who))
    assert.same({ Size = 1 }, input)
  end)

  it("asks for nothing before the first item is wanted, nor after the last", function()
    local call, asked = listing({ { Items = { 1 } } })
    local items = paginator.each(call, pager(), {}, who)
    assert.equal(0, #asked)
    assert.equal(1, items())
    assert.is_nil(items())
    assert.is_nil(items())
    assert.equal(1, #asked)
  end)

  it("starts from a token of the caller's", function()
    local call, asked = listing({ { Items = { 2 } } })
    assert.same({ 2 }, collect(paginator.each(call, pager(), { Next = "a" }, who)))
    assert.same({ { Next = "a" } }, asked)
  end)

  it("takes an empty token for none", function()
    local call = listing({ { Items = { 1 }, Next = "" } })
    assert.same({ 1 }, collect(paginator.each(call, pager(), {}, who)))
  end)

  it("replaces several tokens together, and drops the ones a page does not give", function()
    local call, asked = listing({
      { Items = {}, K = "k1", V = "v1", More = true },
      { Items = {}, K = "k2", More = true },
      { Items = {}, More = false, K = "ignored" },
    })
    local both = pager({
      input_token = { "Key", "Version" },
      output_token = { "K", "V" },
      more_results = "More",
    })
    assert.equal(3, #collect(paginator.pages(call, both, {}, who)))
    assert.same({ {}, { Key = "k1", Version = "v1" }, { Key = "k2" } }, asked)
  end)

  it("reads a token from the last item when the service gives none", function()
    local s3 = pager({ output_token = { "NextMarker || Items[-1].Key" }, more_results = "More" })
    local call, asked = listing({
      { Items = { { Key = "a" }, { Key = "b" } }, More = true },
      { Items = { { Key = "c" } }, More = false },
    })
    assert.equal(3, #collect(paginator.each(call, s3, {}, who)))
    assert.equal("b", asked[2].Next)
  end)

  local function failure(pages, changes, input)
    local call = listing(pages)
    local seen = {}
    local ok, err = pcall(function()
      for item in paginator.each(call, pager(changes), input or {}, who) do
        seen[#seen + 1] = item
      end
    end)
    assert.is_false(ok)
    return err, seen
  end

  it("raises when a page gives the token that was just sent", function()
    local err, seen = failure({ { Items = { 1 }, Next = "a" }, { Items = { 2 }, Next = "a" } })
    assert.equal("reply", err.kind)
    assert.equal("repeated_token", err.code)
    assert.equal("fake List", tostring(err):match("^fake List"))
    assert.same({ 1 }, seen)
    assert.equal(
      "repeated_token",
      failure({ { Items = { 1 }, Next = "a" } }, nil, { Next = "a" }).code
    )
  end)

  it("raises when tokens go in a circle, also tokens that are tables", function()
    local pages = {}
    for i = 1, 100 do
      pages[i] = { Items = { i }, Next = { Key = { S = tostring(i % 7) } } }
    end
    assert.equal("repeated_token", failure(pages).code)
  end)

  it("raises when there is more but no token to get it with", function()
    local err = failure({ { Items = { 1 }, More = true } }, { more_results = "More" })
    assert.equal("reply", err.kind)
    assert.equal("missing_token", err.code)
  end)
end)
