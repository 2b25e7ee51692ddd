--- Archives in age's armor: what is written, and that the program age agrees.

local age = require("awsbak.core.age")
local archives = require("spec.support.archives")
local codec = require("awsbak.core.codec")
local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")
local stream = require("awsbak.core.stream")

local BEGIN = ("-----BEGIN AGE ENCRYPTED FILE-----"):gsub("%-", "%%-")
local END = ("-----END AGE ENCRYPTED FILE-----"):gsub("%-", "%%-")

describe("the armor of an archive", function()
  local dir, identity, recipient

  setup(function()
    dir = scratch.new()
    identity, recipient = age.keygen()
  end)
  teardown(function()
    dir:close()
  end)

  local function armored(plain, step)
    return archives.seal(plain, { recipients = { recipient }, zstd = false, armor = true }, step)
  end

  it("is strict PEM around the binary file, whatever its length", function()
    local seed = tonumber(os.getenv("AWSBAK_SEED")) or os.time()
    math.randomseed(seed)
    -- Every remainder of a line and of a batch of lines, for the header's length is fixed.
    for size = 2900, 2900 + 48 do
      local plain = ("p"):rep(size)
      local text = armored(plain, math.random(1, 4000))
      local said = ("seed %d, %d bytes"):format(seed, size)
      local body = text:match("^" .. BEGIN .. "\n(.*)\n" .. END .. "\n$")
      assert.is_truthy(body, said)
      local lines = {}
      for line in (body .. "\n"):gmatch("([^\n]*)\n") do
        lines[#lines + 1] = line
      end
      for i, line in ipairs(lines) do
        assert.is_true(#line == 64 or (i == #lines and #line > 0 and #line < 64), said)
      end
      local binary = codec.unbase64((body:gsub("\n", "")))
      assert.matches("^age%-encryption%.org/v1\n", binary)
      local opened = archives.open(dir:write("binary", binary), { identities = { identity } })
      assert.is_true(plain == opened, said)
      opened = archives.open(dir:write("text", text), { identities = { identity } })
      assert.is_true(plain == opened, said)
    end
  end)

  it("is opened by age", function()
    if not os.execute("command -v age >/dev/null 2>&1") then
      return pending("needs the program age")
    end
    for _, size in ipairs({ 0, 1, 47, 48, 65535, 65536, 200000 }) do
      local plain = ("x"):rep(size)
      local words = {
        "age",
        "-d",
        "-i",
        dir:write("key", identity:reveal() .. "\n"),
        "-o",
        dir:path("opened"),
        dir:write("sealed", armored(plain)),
      }
      assert.is_true(os.execute(shell.join(words)))
      -- (of nothing, age makes no file)
      assert.is_true(plain == (dir:read("opened") or ""), tostring(size))
    end
  end)

  it("is refused where nothing is encrypted", function()
    assert.has_error(function()
      stream.writer({ armor = true })
    end)
  end)
end)
