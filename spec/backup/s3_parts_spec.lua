local errors = require("awsbak.errors")
local s3_parts = require("backup.transfer.s3_parts")

local MIB <const>, TIB <const> = 1 << 20, 1 << 40

describe("backup.transfer.s3_parts", function()
  it("has parts that S3 takes, and 10,000 at most, of any object there can be", function()
    local sizes = { 0, 1, 8 * MIB, 8 * MIB + 1, 80000 * MIB, 80000 * MIB + 1, 5 * TIB - 1, 5 * TIB }
    for _, wanted in ipairs({ s3_parts.MIN, s3_parts.DEFAULT, 5 * MIB + 1, s3_parts.MAX }) do
      for _, total in ipairs(sizes) do
        local size = s3_parts.size(total, wanted)
        assert.is_true(size >= wanted and size <= s3_parts.MAX)
        local count, at = 0, 0
        for part in s3_parts.each(total, size) do
          count = count + 1
          assert.same({ count, at }, { part.number, part.at })
          assert.is_true(part.size == size or part.at + part.size == total)
          at = at + part.size
        end
        assert.equal(total, at)
        assert.is_true(count <= 10000)
        assert.is_true(size == wanted or count > 8000, "no larger than it takes")
      end
    end
  end)

  it("refuses parts that S3 does not take, and what no 10,000 of them hold", function()
    for _, wanted in ipairs({ s3_parts.MIN - 1, s3_parts.MAX + 1 }) do
      local _, err = errors.try(s3_parts.size, 1, wanted)
      assert.equal("part_size", err.code)
    end
    assert.equal(s3_parts.MAX, s3_parts.size(10000 * s3_parts.MAX))
    local _, err = errors.try(s3_parts.size, 10000 * s3_parts.MAX + 1)
    assert.equal("EFBIG", err.code)
  end)
end)
