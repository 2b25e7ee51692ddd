local members = require("backup.s3.members")

describe("backup.s3.members", function()
  it("writes tags as a query string, several and with a value that is the name", function()
    local input = members.input({ tag = { "b=b", "a=1 &=", "c=" } })
    assert.equal("a=1%20%26%3D&b=b&c=", input.Tagging)
    assert.is_nil(members.input({}).Tagging)
  end)
end)
