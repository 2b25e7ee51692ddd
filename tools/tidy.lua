--- Check what no compiler checks: layers, comments, lengths, words that may not stay.
---
--- usage: awsbak tools/tidy.lua (from the root of the repository); prints one line a finding.

package.path = "./?.lua;" .. package.path

local source = require("tools.tidy.source")

local CHECKS = {}
for i, name in ipairs({ "layers", "comments", "lengths", "words" }) do
  CHECKS[i] = require("tools.tidy." .. name)
end

local findings = {}

local function report(path, line, text)
  findings[#findings + 1] = ("%s:%d: %s"):format(path, line, text)
end

for _, path in ipairs(source.files()) do
  local lines = source.lines(path)
  for _, check in ipairs(CHECKS) do
    check(path, lines, report)
  end
end

table.sort(findings)
for _, finding in ipairs(findings) do
  print(finding)
end
if #findings > 0 then
  io.stderr:write(("tidy: %d findings\n"):format(#findings))
  os.exit(1)
end
