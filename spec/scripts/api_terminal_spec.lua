local program = require("spec.support.program")
local server = require("spec.support.server")
local shell = require("spec.support.shell")

local VARIABLES = {
  AWS_ACCESS_KEY_ID = "AKID",
  AWS_REGION = "eu-west-1",
  AWS_SECRET_ACCESS_KEY = "secret",
}

describe("awsbak api on a terminal", function()
  it("saves nothing binary to it", function()
    local peer <close> = server.start()
    local words = { "/usr/bin/env", "AWS_ENDPOINT_URL=" .. peer.url }
    for name, value in pairs(VARIABLES) do
      words[#words + 1] = name .. "=" .. value
    end
    local command = { program.path(), "api", "s3", "get-object", "Bucket=vault", "Key=k" }
    table.move(command, 1, #command, #words + 1, words)
    --- What the terminal shows of a body that has "text" in it.
    local function shown(body)
      peer:script("GET /vault/k", { { body = body } })
      local line = "python3 spec/support/terminal.py %s --save - </dev/null 2>&1"
      local pipe <close> = assert(io.popen(line:format(shell.join(words))))
      return pipe:read("a")
    end
    assert.matches("a\ttext: é\n", shown("a\ttext: é\r\n"), 1, true)
    for _, body in ipairs({ "\27[2Jtext", "\0text", "\127text", "\u{9b}2Jtext" }) do
      local said = shown(body)
      assert.matches("the reply is binary, and standard output is a terminal", said, 1, true)
      assert.is_nil(said:find("text", 1, true))
    end
  end)
end)
