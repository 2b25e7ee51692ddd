local path = require("aws.path")

describe("aws.path", function()
  local page = {
    NextToken = "t2",
    Empty = "",
    Contents = { { Key = "a" }, { Key = "b" } },
    Table = { TableStatus = "ACTIVE" },
    Reservations = {
      { Instances = { { State = { Name = "running" } }, { State = { Name = "stopped" } } } },
      { Instances = { { State = {} }, { State = { Name = "running" } } } },
    },
  }

  local function read(expression)
    return path.compile(expression)(page)
  end

  it("reads members, nested members and quoted names", function()
    assert.equal("t2", read("NextToken"))
    assert.equal("ACTIVE", read("Table.TableStatus"))
    assert.equal("ACTIVE", read('Table."TableStatus"'))
    assert.is_nil(read("Table.Missing.Deeper"))
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

  it("refuses what it cannot evaluate, naming the place", function()
    local ok, err = pcall(path.compile, "length(Reservations[]) > `0`")
    assert.is_false(ok)
    assert.equal("unsupported_path", err.code)
    assert.matches("length", err.message, 1, true)
    assert.is_false(pcall(path.compile, ""))
    assert.is_false(pcall(path.compile, "A."))
  end)
end)
