--- Runs specs with busted: spec files as busted does, and .feature files through feature.loader.

local M = {}

local LOADER = "busted.modules.files.feature" -- the name busted requires for --loaders=feature

local function gives_pattern(words)
  for _, word in ipairs(words) do
    if word == "-p" or word:find("^%-%-pattern") then
      return true
    end
  end
  return false
end

--- Colour what busted says without a metamethod that concatenates: Lua 5.4.4 uses the old stack
--- after one of these has made the stack grow, and crashes.
local function mend_colors()
  local has_colors, colors = pcall(require, "term.colors")
  if has_colors then
    getmetatable(colors.reset).__call = function(color, said)
      return tostring(color) .. tostring(said) .. tostring(colors.reset)
    end
  end
end

--- Run busted with `words` as its command line.
---@param words string[]
---@return table result { exit_code } (busted ends the process itself when something failed)
function M.run(words)
  package.path = "./?.lua;./?/init.lua;" .. package.path -- specs require their helpers by path
  package.preload[LOADER] = function()
    return require("feature.loader")
  end
  local arg = { [0] = "awsbak spec", "--loaders=lua,feature" }
  if not gives_pattern(words) then
    table.move({ "--pattern=_spec", "--pattern=%.feature$" }, 1, 2, #arg + 1, arg)
  end
  _G.arg = table.move(words, 1, #words, #arg + 1, arg)
  mend_colors()
  require("busted.runner")({ standalone = false })
  return { exit_code = 0 }
end

return M
