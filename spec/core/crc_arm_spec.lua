-- Checksums on 64-bit ARM: the code that is not run on the machine of the specs, compiled for that
-- processor, in an emulator of it.

local scratch = require("spec.support.scratch")
local shell = require("spec.support.shell")

local SEED = math.tointeger(tonumber(os.getenv("AWSBAK_SEED")) or os.time())
local PACKAGES = "gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
local COMPILER = "aarch64-linux-gnu-gcc -static"
local BUILD = COMPILER
  .. " -O2 -Wall -Wextra -Wpedantic -Wconversion -Werror -std=c11 -Wl,--wrap=getauxval"
  .. " -I src spec/support/crc_check.c src/crypto/crc*.c -o "

--- Whether a command succeeds; it prints nothing.
local function runs(command)
  return os.execute("{ " .. command .. "; } >/dev/null 2>&1") == true
end

--- The emulator, or nil when it or the compiler is not there.
local function emulator()
  if runs("echo 'int main(void) { return 0; }' | " .. COMPILER .. " -xc - -o /dev/null") then
    for _, program in ipairs({ "qemu-aarch64", "qemu-aarch64-static" }) do
      if runs("command -v " .. program) then
        return program
      end
    end
  end
end

describe("checksums on ARM", function()
  local qemu, dir

  setup(function()
    qemu = emulator()
    if qemu then
      dir = scratch.new()
      assert(os.execute(BUILD .. shell.quote(dir:path("check"))), "crc_check.c was not built")
    end
  end)

  teardown(function()
    if dir then
      dir:close()
    end
  end)

  --- What the check prints when all checksums are those by tables, or else.
  local function printed(more)
    local words = ("%s %s %d %s 2>&1"):format(qemu, shell.quote(dir:path("check")), SEED, more)
    local pipe <close> = assert(io.popen(words))
    return pipe:read("a")
  end

  for more, how in pairs({ [""] = "folded", plain = "by tables" }) do
    local where = more == "" and "has PMULL" or "is not said to have it"
    it(("are %s where the processor %s, and right"):format(how, where), function()
      if not qemu then
        pending("not all of " .. PACKAGES .. " are installed")
        return
      end
      assert.equal(how .. "\n", printed(more), "seed " .. SEED)
    end)
  end
end)
