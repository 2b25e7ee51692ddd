local errors = require("awsbak.errors")
local jmespath = require("awsbak.jmespath")
local json = require("awsbak.core.json")
local reference = require("spec.support.reference")
local values = require("awsbak.jmespath.values")

local CASES = 5000

describe("JMESPath", function()
  local page = {
    NextToken = "t2",
    Empty = "",
    Contents = { { Key = "a", Size = 2 }, { Key = "b", Size = 1 } },
    Table = { TableStatus = "ACTIVE" },
    Reservations = {
      { Instances = { { State = { Name = "running" } }, { State = { Name = "stopped" } } } },
      { Instances = { { State = {} }, { State = { Name = "running" } } } },
    },
  }

  local function read(expression)
    return jmespath.compile(expression)(page)
  end

  local function refusal(expression)
    local _, err = errors.try(read, expression)
    return err
  end

  it("reads members, nested members and quoted names", function()
    assert.equal("t2", read("NextToken"))
    assert.equal("ACTIVE", read("Table.TableStatus"))
    assert.equal("ACTIVE", read('Table."TableStatus"'))
    assert.is_nil(read("Table.Missing.Deeper"))
  end)

  it("takes text that is not UTF-8 by its bytes", function()
    local odd = { "a\xff", "b" }
    assert.equal("\xffa", jmespath.compile("reverse([0])")(odd))
    assert.equal(2, jmespath.compile("length([0])")(odd))
    assert.equal([=[["a\\xff","b"]]=], jmespath.compile("to_string(@)")(odd))
  end)

  it("counts indexes from 0, and from the end below 0", function()
    assert.equal("a", read("Contents[0].Key"))
    assert.equal("b", read("Contents[-1].Key"))
    assert.is_nil(read("Contents[2].Key"))
  end)

  it("takes the first alternative that holds something", function()
    assert.equal("b", read("NextMarker || Contents[-1].Key"))
    assert.equal("t2", read("Empty || NextToken"))
  end)

  it("flattens lists and drops elements without the member", function()
    assert.same({ "running", "stopped", "running" }, read("Reservations[].Instances[].State.Name"))
    assert.same({ "a", "b" }, read("Contents[].Key"))
    assert.is_nil(read("Nothing[].Key"))
  end)

  it("filters, slices, sorts, and makes new lists and objects", function()
    assert.same({ "b" }, read("Contents[?Size < `2`].Key"))
    assert.same({ "b", "a" }, read("sort_by(Contents, &Size)[].Key"))
    assert.same({ "b", "a" }, read("Contents[::-1].Key"))
    assert.same({ { n = "a" }, { n = "b" } }, read("Contents[].{n: Key}"))
    assert.same({ "ACTIVE", json.null }, read("Table.[TableStatus, Nothing]"))
    assert.same({ "a", "b" }, read("Contents[*].*[] | [?type(@) == 'string']"))
  end)

  it("projects a slice also behind an index", function()
    assert.same({ "running" }, read("Reservations[].Instances[0:1].State.Name | [0]"))
    assert.same({ "stopped" }, read("Reservations[0].Instances[1:].State.Name"))
  end)

  it("gives empty lists that are lists", function()
    assert.equal("[]", json.encode(read("Contents[?Size > `5`]")))
    assert.equal("[]", json.encode(read("keys(Table)[?@ == 'x']")))
  end)

  it("says where an expression is wrong, and what was expected", function()
    for expression, said in pairs({
      [""] = "at character 1: the end cannot stand here",
      ["A."] = "at character 3: a name was expected here, not the end",
      ["A[?b == 'c"] = "at character 9: ' has no end",
      ["A[1"] = "at character 4: ] was expected here, not the end",
      ["A b"] = 'at character 3: "b" cannot stand here',
      ["A # b"] = "at character 3: this begins nothing",
      ["len(A)"] = "at character 4: there is no function len",
      ["sortby(A, &b)"] = "there is no function sortby, but sort_by",
      ["length(A, B)"] = "length takes 1 arguments, not 2",
      ["A[::0]"] = "the step of a slice cannot be 0",
    }) do
      local err = refusal(expression)
      assert.equal("usage", err.kind)
      assert.equal("jmespath", err.code)
      assert.matches(said, err.message, 1, true)
    end
  end)

  it("says what a function does not take", function()
    local err = refusal("length(NextToken) && abs(NextToken)")
    assert.equal("jmespath_type", err.code)
    assert.matches("the JMESPath function abs: its argument 1 is string, not number", err.message)
  end)

  it("is neither too deep nor too long", function()
    assert.matches("nested too deeply", refusal(("("):rep(5000) .. "a").message, 1, true)
    assert.matches("longer than any", refusal(("a."):rep(50000) .. "a").message, 1, true)
  end)

  it("makes no more of a value than memory has room for", function()
    local doubling = ("[@, @] | "):rep(40) .. "@"
    for expression, value in pairs({
      [("[@, @] | [] | "):rep(40) .. "@"] = "x",
      ["to_string(" .. doubling .. ")"] = ("x"):rep(1000),
      ["join('', [" .. ("@, "):rep(300) .. "@])"] = ("x"):rep(1000 * 1000),
    }) do
      local _, err = errors.try(jmespath.compile(expression), value)
      assert.equal("jmespath_size", err.code, expression)
    end
    local picked = require("awsbak.picked")
    local value = jmespath.compile(doubling)(("x"):rep(1000)) -- itself it is 40 small lists
    local _, err = errors.try(picked.text, value, "jsonl")
    assert.equal("jmespath_size", err.code)
    assert.equal('["x","x"]\n', picked.text({ "x", "x" }, "jsonl"))
  end)

  it("means what it means to the package that AWS's tools use", function()
    local python, reason = reference.python()
    if not python then
      pending(reason)
    end
    local seed = os.getenv("AWSBAK_SEED") or tostring(os.time())
    local found = 0
    for _, case in
      ipairs(reference.ask(("%s %d"):format(seed, CASES), "reference_jmespath.py"))
    do
      local where = ("seed %s, %s of %s"):format(seed, case.expression, json.encode(case.document))
      local result, err = errors.try(function()
        return { jmespath.compile(case.expression)(case.document) }
      end)
      if case.error == "known" then
        assert.is_nil(result, where)
      elseif not case.error and not case.damaged then
        assert.is_nil(err, where)
        assert.is_true(values.equal(result[1], case.result), where)
        found = found + 1
      end
    end
    assert.is_true(found > CASES / 2)
  end)
end)
