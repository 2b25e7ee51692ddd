local errors = require("awsbak.errors")
local filter = require("backup.s3.filter")
local reference = require("spec.support.reference")
local scratch = require("spec.support.scratch")

-- Of the Python in which the AWS CLI runs: 1 for a match, or ? where it refuses the pattern.
local PYTHON <const> = [[
import fnmatch, re, sys
for line in open(sys.argv[1]):
    pattern, name = (bytes.fromhex(word) for word in line.rstrip("\n").split(","))
    try:
        print(int(fnmatch.fnmatchcase(name, pattern)))
    except re.error:
        print("?")
]]

local function seed_of()
  local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
  math.randomseed(seed)
  return ("AWSBAK_SEED=%d"):format(seed)
end

local function random_text(letters, most)
  local list = {}
  for i = 1, math.random(0, most) do
    list[i] = letters[math.random(#letters)]
  end
  return table.concat(list)
end

local function takes(name, exclude, include)
  return filter.of({ exclude = exclude, include = include }, true):takes(name)
end

local function matches(pattern, name)
  return takes(name, nil, { pattern })
end

--- A filter of random patterns; nil where a word is none.
local function random_filter()
  local letters = { "a", "b", "/", "*", "?", "[ab]", "[!a]" }
  local o = { exclude = {}, include = {} }
  for _, list in pairs(o) do
    for i = 1, math.random(0, 2) do
      list[i] = random_text(letters, 4) .. (math.random(2) == 1 and "*" or "")
    end
  end
  local ok, chosen = pcall(filter.of, o, true)
  return ok and chosen or nil, o
end

local function names_below(folder, depth, found)
  for letter in ("ab/"):gmatch(".") do
    found[#found + 1] = folder .. letter
    if depth > 1 then
      names_below(folder .. letter, depth - 1, found)
    end
  end
  return found
end

describe("backup.s3.filter", function()
  it("leaves out what matches one of exclude and none of include", function()
    assert.is_false(takes("a.tmp", { "*.tmp" }))
    assert.is_true(takes("a.jpg", { "*.tmp" }))
    assert.is_false(takes("a.bak", { "*.tmp", "*.bak" }))
    for name, is_taken in pairs({ ["x/a.jpg"] = true, ["x/a.gif"] = true, ["x/a"] = false }) do
      assert.equal(is_taken, takes(name, { "*" }, { "*.jpg", "*.gif" }), name)
      assert.equal(is_taken, takes(name, nil, { "*.jpg", "*.gif" }), name)
    end
    assert.is_nil(filter.of({}, true))
    assert.is_nil(filter.of({ exclude = {}, include = {} }))
  end)

  it("matches bytes as the shell does, but that a star takes slashes", function()
    for _, case in ipairs({
      { "*", "", true },
      { "*", "a/b\n\0", true },
      { "a", "ab", false },
      { "a", "ba", false },
      { "A", "a", false },
      { "a*c", "a/b/c", true },
      { "ab*ba", "aba", false },
      { "*ab*", "xaab", true },
      { "*ab*bc", "xabc", false },
      { "?", "\u{e9}", false },
      { "??", "\u{e9}", true },
      { "[!a]", "\0", true },
      { "[]]", "]", true },
      { "[!]]", "]", false },
      { "[a-c]", "b", true },
      { "[a-a]", "a", true },
      { "[a-]", "-", true },
      { "[%-/]", ".", true },
      { "[^a]", "b", false },
      { "[[]", "[", true },
      { "a]", "a]", true },
      { "\\*", "\\x", true },
      { "%a", "a", false },
      { "a.c", "abc", false },
    }) do
      assert.equal(case[3], matches(case[1], case[2]), case[1] .. " of " .. case[2])
    end
  end)

  it("matches what Python's fnmatchcase does", function()
    local python, reason = reference.python()
    if not python then
      return pending(reason)
    end
    local said = seed_of()
    local dir <close> = scratch.new()
    local lines, cases, letters = {}, {}, { "\u{e9}" }
    for letter in ("ab/**?[]!-^%.\n"):gmatch(".") do
      letters[#letters + 1] = letter
    end
    local function hex(text)
      return (text:gsub(".", function(byte)
        return ("%02x"):format(byte:byte())
      end))
    end
    while #cases < 4000 do
      local pattern = random_text(letters, 8)
      local name = math.random(3) == 1 and pattern:gsub("*", "ab") or random_text(letters, 6)
      local ok, found = pcall(matches, pattern, name)
      if ok then -- "", a [ without its ] and an empty range are refused
        cases[#cases + 1] = { pattern, name, found and "1" or "0" }
        lines[#lines + 1] = hex(pattern) .. "," .. hex(name) .. "\n"
      end
    end
    local script = dir:write("match.py", PYTHON)
    local path = dir:write("cases", table.concat(lines))
    local pipe <close> = assert(io.popen(("%s %s %s"):format(python, script, path)))
    local same = 0
    for _, case in ipairs(cases) do
      local wanted = pipe:read("l")
      if wanted ~= "?" then
        assert.equal(wanted, case[3], ("%s: %q of %q"):format(said, case[1], case[2]))
        same = same + 1
      end
    end
    assert.is_true(same > 3000)
  end)

  it("ends where each star could be tried at each place", function()
    local name = ("a"):rep(1024)
    assert.is_false(matches(("*a"):rep(300) .. "*b", name))
    assert.is_false(matches(("*[ab]"):rep(300) .. "*?c", name))
    assert.is_true(matches(("*a"):rep(300) .. "*", name))
  end)

  it("skips a folder only when nothing below it is taken", function()
    local function skips(folder, exclude, include)
      return filter.of({ exclude = exclude, include = include }, true):skips(folder)
    end
    assert.is_true(skips("old/", { "old/*" }))
    assert.is_false(skips("a/.git/", { "*/.git/*" }, { ".git/x", "*.jpg" }))
    assert.is_true(skips("a/.git/", { "*/.git/*" }, { "b/*", "a/b", "a" }))
    assert.is_true(skips("a/", nil, { "b/*" }))
    assert.is_false(skips("old/", { "old" }))
    assert.is_false(skips("old/", { "*/" }))
    assert.is_false(skips("old/", { "*.tmp" }))
    assert.is_false(skips("a/", { "*" }, { "a/b/c" }))
  end)

  it("skips and takes as each name by itself, whatever the patterns", function()
    local said = seed_of()
    local names, count = names_below("", 5, {}), 0
    for _ = 1, 300 do
      local chosen, o = random_filter()
      for _, folder in ipairs(chosen and { "a/", "a/b/", "b/" } or {}) do
        if chosen:skips(folder) then
          count = count + 1
          for _, name in ipairs(names) do
            if name:sub(1, #folder) == folder and chosen:takes(name) then
              local words = table.concat(o.exclude, " ") .. " but " .. table.concat(o.include, " ")
              error(("%s: %s skips %s, takes %s"):format(said, words, folder, name))
            end
          end
        end
      end
    end
    assert.is_true(count > 10, said)
  end)

  it("refuses what is no pattern, what is in vain, and where there is one object", function()
    local function refused(o, many)
      local _, e = errors.try(filter.of, o, many)
      assert.equal("bad_option", e and e.code)
      return e.message
    end
    for _, word in ipairs({ "[", "[a", "a[]", "a[!]", "[a]*[!]*" }) do
      assert.matches("has a [ without its ]", refused({ exclude = { word } }, true), 1, true)
    end
    for _, word in ipairs({ "[z-a]", "x[!z-a]*", "[abz-ac]", "[a-zz-a]", "[z-a-z]" }) do
      local said = refused({ include = { word } }, true)
      assert.equal("--include has the range z-a, which ends before it begins: " .. word, said)
    end
    assert.matches("^%-%-include is empty: ", refused({ include = { "" } }, true))
    assert.matches("takes back all", refused({ exclude = { "a" }, include = { "**" } }, true))
    assert.matches("^%-%-include .* %-%-recursive$", refused({ include = { "a" } }, false))
  end)

  it("takes names of a listing after the folder that its prefix is in", function()
    local function left(prefix)
      local keys, at = { "p/sm/a", "p/smx" }, 0
      local entries = filter.of({ exclude = { "sm*" } }, true):listed(function()
        at = at + 1
        return keys[at] and { key = keys[at] }
      end, prefix)
      local entry = entries()
      return entry and entry.key
    end
    assert.equal("p/sm/a", left("p/sm/"))
    assert.is_nil(left("p/s"))
    assert.equal("p/sm/a", left(""))
  end)

  it("is silent of a link that is left out, and tells of a folder with what may not be", function()
    local listed, at = {}, 0
    local walked = {
      { key = "a.tmp", size = 1 },
      { key = "b", size = 1 },
      { key = "link.tmp", problem = {} },
      { key = "secret.tmp/", problem = {} },
      { key = "socket", problem = {} },
    }
    local files = filter.of({ exclude = { "*.tmp", "*.tmp/" } }, true):files(function()
      at = at + 1
      return walked[at]
    end)
    for entry in files do
      listed[#listed + 1] = entry.key .. (entry.left_out and " left out" or "")
    end
    assert.same({ "b", "link.tmp left out", "secret.tmp/", "socket" }, listed)
  end)
end)
