local lines = require("awsbak.core.lines")

local SORTED = { "", "a", "a b", "ab", "b", "b\0", "bé", "c" }
local KEYS = { "", "\n", "a", "a ", "aa", "ab\n", "b", "b\0", "bz", "c", "cc", "\255" }

--- What lower_bound promises, by looking at each line.
local function expected(list, key)
  local at = 1
  for _, line in ipairs(list) do
    if (line .. "\n") >= key then
      return at
    end
    at = at + #line + 1
  end
  return at
end

describe("lines.lower_bound", function()
  it("finds the first line that does not sort before the key, in every part of a text", function()
    for first = 1, #SORTED do
      for last = first, #SORTED do
        local list = table.move(SORTED, first, last, 1, {})
        local text = table.concat(list, "\n") .. "\n"
        for _, key in ipairs(KEYS) do
          local where = ("%q in %q"):format(key, text)
          assert.equal(expected(list, key), lines.lower_bound(text, key), where)
        end
      end
    end
  end)

  it("takes a text that ends within a line, and an empty one", function()
    assert.equal(3, lines.lower_bound("a\nb", "b"))
    assert.equal(4, lines.lower_bound("a\nb", "b\n"))
    assert.equal(1, lines.lower_bound("", "a"))
  end)
end)
