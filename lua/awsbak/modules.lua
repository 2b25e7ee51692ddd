--- The modules that are built into the program, by name.

local embed = require("awsbak.core.embed")
local sorted = require("awsbak.sorted")

local M = {}

--- Their names as require takes them, sorted.
---@return string[]
function M.list()
  local names = {}
  for name in pairs(package.preload) do
    names[name] = true
  end
  for _, path in ipairs(embed.list("lua/")) do
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
  local path = "lua/" .. name:gsub("%.", "/")
  return (embed.find(path .. ".lua") or embed.find(path .. "/init.lua")) ~= nil
end

return M
