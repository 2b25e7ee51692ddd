local members = require("backup.s3.members")

describe("backup.s3.members", function()
  it("writes tags as a query string, several and with a value that is the name", function()
    local input = members.input({ tag = { "b=b", "a=1 &=", "c=" } })
    assert.equal("a=1%20%26%3D&b=b&c=", input.Tagging)
    assert.is_nil(members.input({}).Tagging)
  end)

  it("takes a time or a date for the end of a lock", function()
    local times = { ["2030-01-02"] = 1893542400, ["2030-01-02T00:00:01Z"] = 1893542401 }
    for text, epoch in pairs(times) do
      local input = members.input({ lock_mode = "GOVERNANCE", lock_until = text })
      assert.equal(epoch, input.ObjectLockRetainUntilDate)
    end
    for _, text in ipairs({ "2030-02-30", "2030", "2d" }) do
      local ok, err = pcall(members.input, { lock_mode = "GOVERNANCE", lock_until = text })
      assert.is_false(ok)
      assert.matches("--lock-until is a time in RFC 3339 or a date", err.message, 1, true)
    end
  end)
end)
