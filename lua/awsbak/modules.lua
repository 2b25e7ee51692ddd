--- The modules that are built into the program, by name.

local sorted = require("awsbak.sorted")

local M = {}

local NOTHING = {
  find = function() end,
  list = function()
    return {}
  end,
}

--- The files in the program; in a stock Lua there are none.
local function embedded()
  local found, embed = pcall(require, "awsbak.core.embed")
  return found and embed or NOTHING
end

--- Their names as require takes them, sorted.
---@return string[]
function M.list()
  local names = {}
  for name in pairs(package.preload) do
    names[name] = true
  end
  for _, path in ipairs(embedded().list("lua/")) do
    local name = path:match("^lua/(.+)%.lua$")
    if name then
      names[(name:gsub("/init$", ""):gsub("/", "."))] = true
    end
  end
  return sorted.keys(names)
end

--- Whether `require(name)` would load a file of the program.
---@param name string
---@return boolean
function M.is_built_in(name)
  local path, embed = "lua/" .. name:gsub("%.", "/"), embedded()
  return (embed.find(path .. ".lua") or embed.find(path .. "/init.lua")) ~= nil
end

return M
