local program = require("spec.support.program")
local shell = require("spec.support.shell")

describe("core.file.folder on a kernel without openat2", function()
  it("does and refuses all the same", function()
    local words = {
      "python3",
      "spec/support/without_openat2.py",
      program.path(),
      "spec",
      "spec/core/folder_spec.lua",
    }
    local pipe <close> = assert(io.popen(shell.join(words) .. " 2>&1"))
    local said = pipe:read("a")
    assert.matches(" 0 failures / 0 errors / 0 pending", said, 1, true)
    assert.not_matches("^0 successes", said)
  end)
end)
