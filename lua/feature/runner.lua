--- Runs specs with busted: spec files as busted does, and .feature files through feature.steps.

local M = {}

--- Run busted with `words` as its command line.
---@param words string[]
---@return table result { exit_code } (busted ends the process itself when something failed)
function M.run(words)
  package.path = "./?.lua;./?/init.lua;" .. package.path -- specs require their helpers by path
  _G.arg = { [0] = "awsbak spec", table.unpack(words) }
  require("busted.runner")({ standalone = false })
  return { exit_code = 0 }
end

return M
