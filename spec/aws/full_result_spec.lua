local codec = require("awsbak.core.codec")
local full_result = require("aws.full_result")
local json = require("awsbak.core.json")
local paginator = require("aws.paginator")
local reference = require("spec.support.reference")

local CASES = 300

-- A model with one operation, whose input has the member that limits a page.
local OPERATION = { name = "List", input = "ListInput" }
local function model_with(limit_type)
  return {
    shape = function(_, ref)
      local members = { Limit = { shape = "Limit" } }
      return ref == "ListInput" and { by_name = members } or { type = limit_type }
    end,
  }
end

local function list(value)
  return type(value) == "table" and value or { value }
end

local function copy(value)
  return (json.decode((json.encode(value))))
end

--- What awsbak makes of a case: the result, and what the service was asked.
local function read(case)
  local given = case.description
  local description = {
    input_token = list(given.input_token),
    output_token = list(given.output_token),
    result_key = list(given.result_key),
    non_aggregate_keys = given.non_aggregate_keys,
    limit_key = given.limit_key,
  }
  local asked = {}
  local function call(input)
    asked[#asked + 1] = input
    return copy(case.pages[tonumber(input.Start or 0) + 1])
  end
  local model = model_with("integer")
  local input, skip = full_result.input(model, OPERATION, description, {}, case.wanted)
  local pages = paginator.pages(call, paginator.compile(description), input, {})
  return full_result.read(pages, description, case.wanted, input, skip), asked
end

--- A result that can be compared: tokens decoded, no nulls.
local function comparable(result)
  local made = {}
  for key, value in pairs(copy(result)) do
    made[key] = value ~= json.null and value or nil
  end
  if made.NextToken then
    made.NextToken = json.decode(codec.unbase64(made.NextToken))
  end
  return made
end

--- Lists are lists, empty or not.
local function without_empty(value)
  if type(value) ~= "table" then
    return value
  end
  local kept = {}
  for key, part in pairs(value) do
    local made = without_empty(part)
    kept[key] = not (type(made) == "table" and next(made) == nil) and made or nil
  end
  return kept
end

describe("aws.full_result", function()
  local python, reason = reference.python()

  it("is what botocore makes of listings, cut, gone on with and whole", function()
    if not python then
      return pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    for _, case in
      ipairs(reference.ask(("%s %d"):format(seed, CASES), "reference_pages.py"))
    do
      local result, asked = read(case)
      local told = ("seed %s: %s"):format(seed, json.encode(case))
      assert.same(without_empty(comparable(case.result)), without_empty(comparable(result)), told)
      assert.same(case.asked, asked, told)
    end
  end)

  local DESCRIPTION = {
    input_token = { "Start" },
    output_token = { "Next" },
    result_key = { "Items" },
  }

  local function input(wanted, limit_key, limit_type)
    local description = setmetatable({ limit_key = limit_key }, { __index = DESCRIPTION })
    return (full_result.input(model_with(limit_type), OPERATION, description, {}, wanted))
  end

  it("takes a token of the service itself", function()
    assert.same({ Start = "raw token" }, input({ starting_token = "raw token" }))
  end)

  it("refuses a token that leaves out what cannot be left out", function()
    for _, skip in ipairs({ "-1", "0.5", '"1"', "[]", "null" }) do
      local token = codec.base64(('{"Start":"a","boto_truncate_amount":%s}'):format(skip))
      assert.has_error(function()
        input({ starting_token = token })
      end, "the starting token is none that a listing of this operation gave")
    end
    local token = codec.base64('{"Start":"a","boto_truncate_amount":2}')
    assert.same({ Start = "a" }, input({ starting_token = token }))
  end)

  it("keeps bytes in tokens", function()
    local pages = {
      { Items = { 1 }, Next = { Key = { B = "\xff\0" }, More = { "\xfe", "a" } } },
      { Items = { 2 } },
    }
    local iterate = coroutine.wrap(function()
      for _, page in ipairs(pages) do
        coroutine.yield(page, page.Next and { Start = page.Next })
      end
    end)
    local result = full_result.read(iterate, DESCRIPTION, { max_items = 1 }, {}, 0)
    assert.same({
      Start = { Key = { B = "\xff\0" }, More = { "\xfe", "a" } },
    }, input({ starting_token = result.NextToken }))
  end)

  it("writes the size of pages as the member has it", function()
    assert.same({ Limit = 7 }, input({ page_size = 7 }, "Limit", "integer"))
    assert.same({ Limit = "7" }, input({ page_size = 7 }, "Limit", "string"))
    assert.has_error(function()
      input({ page_size = 7 })
    end, "pages of List have no size to be chosen")
  end)
end)
