--- AWS's facts in files: built into the program, or for stock Lua beside this one.

local outside = require("awsbak.outside")

local data = {}

local function folder()
  local path = assert(package.searchpath("aws.data", package.path))
  return (path:gsub("data%.lua$", ""))
end

local function read(name, how)
  local found, embed = pcall(require, "awsbak.core.embed")
  if found then
    return embed[how]("lua/aws/" .. name)
  end
  local file = io.open(folder() .. name, "rb")
  if not file then
    return nil
  end
  local text <const> = file:read("a")
  file:close()
  return text
end

--- The text of a file below lua/aws: "endpoint/partitions.txt"; nil when there is none.
---@param name string of our own making, never a user's word unchecked
---@return string?
function data.read(name)
  return read(name, "find")
end

--- The sorted lines of a service's model, for awsbak.core.lines; nil when there is none.
---@param id string "ssm", checked before
---@return string|userdata?
function data.model(id)
  return read("models/" .. id .. ".txt", "lines")
end

--- The services there are built-in models of.
---@return string[] in no order
function data.services()
  local found, embed = pcall(require, "awsbak.core.embed")
  local names = found and embed.list("lua/aws/models/") or outside.list(folder() .. "models")
  local services = {}
  for _, name in ipairs(names or {}) do
    services[#services + 1] = name:match("([^/]+)%.txt$")
  end
  return services
end

--- The module of a service: "aws.sso_oidc"; nil for those without one, as a user's own are,
--- whatever else is called like them ("config" is AWS's service and a module of ours).
---@param id string
---@return string?
function data.module(id)
  local name = id:gsub("-", "_")
  for _, known in ipairs(data.services()) do
    if known == id then
      return data.read(name .. ".lua") and "aws." .. name
    end
  end
  return nil
end

return data
