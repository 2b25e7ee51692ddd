local lines = require("awsbak.core.lines")

local SORTED = { "", "a", "a b", "ab", "b\0", "b", "bé", "c" }
local KEYS = { "", "\n", "a", "a ", "aa", "ab\n", "b", "b\0", "bz", "c", "cc", "\255" }

--- Each part of SORTED, as a list and as a text.
local function parts()
  return coroutine.wrap(function()
    for first = 1, #SORTED do
      for last = first, #SORTED do
        local list = table.move(SORTED, first, last, 1, {})
        coroutine.yield(list, table.concat(list, "\n") .. "\n")
      end
    end
  end)
end

--- What find promises, by looking at each line.
local function first_with(list, key)
  for _, line in ipairs(list) do
    if (line .. "\n"):sub(1, #key) == key then
      return line
    end
  end
  return nil
end

--- What between promises, by looking at each line.
local function all_between(list, first, last)
  local found = ""
  for _, line in ipairs(list) do
    local text = line .. "\n"
    found = found .. (text >= first and text < last and text or "")
  end
  return found
end

describe("lines.find", function()
  it("finds the first line that begins with the key, in every part of a text", function()
    for list, text in parts() do
      for _, key in ipairs(KEYS) do
        assert.equal(first_with(list, key), lines.find(text, key), ("%q in %q"):format(key, text))
      end
    end
  end)

  it("takes a text that ends within a line, and an empty one", function()
    assert.equal("b", lines.find("a\nb", "b"))
    assert.is_nil(lines.find("a\nb", "b\n"))
    assert.is_nil(lines.find("", "a"))
  end)
end)

describe("lines.between", function()
  it("gives the lines from one key to before another, in every part of a text", function()
    for list, text in parts() do
      for _, first in ipairs(KEYS) do
        for _, last in ipairs(KEYS) do
          local where = ("%q to %q in %q"):format(first, last, text)
          assert.equal(all_between(list, first, last), lines.between(text, first, last), where)
        end
      end
    end
  end)
end)
